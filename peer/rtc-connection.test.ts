/** What simple-peer leaves behind on the platform's connection. */

import { once } from 'node:events'
import SimplePeer from 'simple-peer'
import { expect, test } from 'vitest'
import { makeConnection, type SimplePeerConstructor } from './rtc-connection.ts'

test('a closed connection of the platform leads to nothing that listened, should the platform keep it', async () => {
  const made: object[] = []
  class Platform {
    constructor() {
      made.push(this)
    }

    createDataChannel() {
      return {}
    }

    close() {}
  }
  const wrtc = { RTCPeerConnection: Platform, RTCSessionDescription: Object, RTCIceCandidate: Object }
  const connection = makeConnection({ simplePeer: SimplePeer as unknown as SimplePeerConstructor, wrtc }, false)
  const handlers = () => Object.entries(made[0]!).filter(([name, handler]) => name.startsWith('on') && handler !== null)
  expect(handlers()).not.toEqual([])
  const closed = once(connection as never, 'close')
  connection.destroy()
  await closed
  expect(handlers()).toEqual([])
})
