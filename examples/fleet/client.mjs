// A client: for each request it picks an instance out of its own view, and asks nobody where to go.

import { startPeer } from 'shoal/node'

export async function startClient({ join, perSecond }) {
  const peer = await startPeer({ room: 'fleet', name: 'client', udp: { bind: '127.0.0.1:0', join } })
  const result = { requests: 0, failed: 0, toGone: 0, byVersion: {}, errors: [] }
  const underWay = new Set()

  const ask = async () => {
    result.requests++
    const instance = peer.pick('hello')
    try {
      const response = await fetch(`http://${instance.address}:${instance.port}/`)
      const version = await response.text()
      if (response.status === 410) result.toGone++
      else result.byVersion[version] = (result.byVersion[version] ?? 0) + 1
    } catch (error) {
      result.failed++
      result.errors.push(`${instance?.id ?? 'nobody to ask'}: ${error.cause?.code ?? error.message}`)
    }
  }
  const timer = setInterval(() => {
    const asked = ask().finally(() => underWay.delete(asked))
    underWay.add(asked)
  }, 1_000 / perSecond)

  return {
    peer,
    result,
    async stop() {
      clearInterval(timer)
      await Promise.all(underWay)
      await peer.leave()
      return result
    },
  }
}
