/**
 * Counts what a tab sends and receives, whatever library does it. Pages import it ahead of the library, which then finds
 * counting classes under the browser's names.
 */

const traffic = {
  channel: { sent: 0, sentBytes: 0, received: 0, receivedBytes: 0 },
  socket: { sent: 0, sentBytes: 0, received: 0, receivedBytes: 0 },
}
/** Those not closed by their library. Closed ones are let go of: the browser counts them until they are collected. */
const open = new Set()
let made = 0
const encoder = new TextEncoder()

globalThis.RTCPeerConnection = class extends RTCPeerConnection {
  number = ++made

  constructor(...args) {
    super(...args)
    open.add(this)
    this.addEventListener('datachannel', ({ channel }) => watch(channel, traffic.channel))
  }

  createDataChannel(...args) {
    const channel = super.createDataChannel(...args)
    watch(channel, traffic.channel)
    return channel
  }

  close() {
    open.delete(this)
    super.close()
  }
}

globalThis.WebSocket = class extends WebSocket {
  constructor(...args) {
    super(...args)
    watch(this, traffic.socket)
  }
}

countSends(RTCDataChannel, traffic.channel)
countSends(WebSocket, traffic.socket)

/** `links` carry data now; `open` are all connections not closed, offers made in reserve included; `made` is since the start. */
export function connections() {
  return { links: linked().length, open: open.size, made }
}

/**
 * All since the page began, and its time. What connections carry is told for each that is linked now, by number: only the
 * same ones can be compared with an earlier reading.
 */
export async function readTraffic() {
  const transports = await Promise.all(linked().map(transportOf))
  return structuredClone({ at: performance.now(), ...traffic, transports: Object.fromEntries(transports) })
}

async function transportOf(connection) {
  const carried = { sentBytes: 0, receivedBytes: 0, iceChecks: 0 }
  for (const stat of (await connection.getStats()).values()) {
    if (stat.type === 'transport') {
      carried.sentBytes += stat.bytesSent
      carried.receivedBytes += stat.bytesReceived
    } else if (stat.type === 'candidate-pair') {
      carried.iceChecks += stat.requestsSent + stat.responsesSent
    }
  }
  return [connection.number, carried]
}

function linked() {
  return [...open].filter(({ connectionState }) => connectionState === 'connected')
}

function watch(source, count) {
  source.addEventListener('message', ({ data }) => {
    count.received++
    count.receivedBytes += sizeOf(data)
  })
}

function countSends({ prototype }, count) {
  const { send } = prototype
  prototype.send = function (data) {
    send.call(this, data)
    count.sent++
    count.sentBytes += sizeOf(data)
  }
}

function sizeOf(data) {
  return typeof data === 'string' ? encoder.encode(data).length : (data.byteLength ?? data.size)
}
