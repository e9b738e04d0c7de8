/** `shoal/browser`: peers that are tabs. */

import SimplePeer from 'simple-peer/simplepeer.min.js'
import { type MemberMode, ShoalError } from '../core/index.ts'
import type { PeerOptions } from '../peer/options.ts'
import type { Peer } from '../peer/peer.ts'
import type { WebSocketConstructor } from '../peer/signaling.ts'
import { type Opened, type Opening, start } from '../peer/start.ts'
import { openWeb } from '../peer/web.ts'
import { followPage } from './lifecycle.ts'

export * from '../core/index.ts'
export type { Log, PeerOptions } from '../peer/options.ts'
export { Peer, type Registration, type User } from '../peer/peer.ts'

export interface TabOptions extends PeerOptions {
  signaling: string
}

/**
 * Joins a room from a tab. It leaves when the page goes, and tells others whether the tab is visible. A page that comes
 * back out of the back-forward cache rejoins by itself: the same peer object then has a new id, as after any start.
 *
 * Rejects with `bad_option` or `bad_name` (naming the option), or the reason of `options.signal`; nothing is left open then.
 */
export async function join(options: TabOptions): Promise<Peer> {
  if (typeof options.signaling !== 'string') {
    throw new ShoalError('bad_option', 'signaling: expected the ws:// or wss:// address of a signalling server')
  }
  let session: TabSession | undefined
  const launch = (again?: Peer) =>
    start(
      again ? { ...options, joinTimeoutMs: 0 } : options,
      document.visibilityState === 'hidden' ? 'hidden' : 'visible',
      async (opening) => {
        session = openTab(options, opening)
        return session.opened
      },
      again,
    )
  const peer = await launch()
  followPage(peer, {
    setMode: (mode) => session?.setMode(mode),
    goodbye() {
      void peer.leave()
      session?.bye()
    },
    comeBack: () => void peer.leave().then(() => launch(peer)),
  })
  return peer
}

interface TabSession {
  opened: Opened
  setMode(mode: MemberMode): void
  bye(): void
}

function openTab(options: TabOptions, { id, driver, random, log }: Opening): TabSession {
  // Without RTCPeerConnection (switched off by policy, an old web view) membership goes over the relay.
  const rtc = typeof RTCPeerConnection === 'undefined' ? {} : { simplePeer: SimplePeer }
  const platform = { webSocket: WebSocket as WebSocketConstructor, ...rtc }
  const web = openWeb(id, options, platform, driver, random, log)
  return {
    opened: { channels: web.channels, begin: () => web.open(), close: () => web.close() },
    setMode: (mode) => driver.call((swim, now) => swim.setMode(mode, now)),
    bye: () => web.bye(),
  }
}
