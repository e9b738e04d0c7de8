/**
 * A tab of Trystero with its default strategy. It has rooms and messages but no presence, so this is the recipe of its
 * own documentation: say one's name to whoever joins. Defaults, but for relays and STUN servers on the internet.
 */

import { joinRoom } from 'trystero'

export function join({ room, name, signaling, seen, gone, moved }) {
  const joined = joinRoom({ appId: 'bench', relayConfig: { urls: [signaling] }, rtcConfig: { iceServers: [] } }, room)
  const names = new Map()
  const hello = joined.makeAction('hello')
  const cursor = joined.makeAction('cursor')
  hello.onMessage = (name, { peerId }) => {
    names.set(peerId, name)
    seen(name)
  }
  cursor.onMessage = ({ move }, { peerId }) => {
    if (names.has(peerId)) moved(names.get(peerId), move)
  }
  joined.onPeerLeave = (peerId) => {
    gone(names.get(peerId))
    names.delete(peerId)
  }
  joined.onPeerJoin = (peerId) => hello.send(name, { target: peerId })
  return {
    move: (move) => void cursor.send({ x: 100 + move, y: 200 + move, move }),
  }
}
