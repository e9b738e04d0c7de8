/**
 * `shoal/browser`: peers that are tabs. The guide is docs/tabs.md.
 *
 * @module
 */

import SimplePeer from 'simple-peer/simplepeer.min.js'
import { checkKnown, type MemberMode, ShoalError, type State } from '../core/index.ts'
import { startOptions } from '../peer/known-options.ts'
import { consoleLog, type PeerOptions, type Settled, settleOptions } from '../peer/options.ts'
import type { Peer } from '../peer/peer.ts'
import { RtcBudget } from '../peer/rtc-budget.ts'
import type { WebSocketConstructor } from '../peer/signaling.ts'
import { type Opened, type Opening, start } from '../peer/start.ts'
import { openWeb } from '../peer/web.ts'
import { HiddenClock } from './hidden-clock.ts'
import { followPage } from './lifecycle.ts'
import { TabAlarm } from './tab-alarm.ts'

export * from '../peer/public.ts'

let budget: RtcBudget | undefined

/** Chromium counts connections by page, whichever peer they belong to. */
function pageBudget(): RtcBudget {
  budget ??= new RtcBudget()
  return budget
}

/** What `join` takes. */
export interface TabOptions<S extends object = State> extends PeerOptions<S> {
  signaling: string | readonly string[]
}

/** One for all peers of the page; it holds nothing before the first is hidden, and nothing behind the last. */
const hiddenClock = new HiddenClock()

/**
 * Joins a room from a tab. It leaves when the page goes, and tells others whether the tab is visible. A page that comes
 * back out of the back-forward cache rejoins by itself: the same peer object then has a new id, as after any start.
 *
 * Rejects with `bad_option` or `bad_name` (naming the option), `not_a_page` under Node, or the reason of `options.signal`; nothing is left open then.
 */
export async function join<S extends object = State>(options: TabOptions<S>): Promise<Peer<S>> {
  checkKnown('join', options, startOptions)
  const settled = settleOptions(options as TabOptions)
  if (options.signaling === undefined) {
    throw new ShoalError('bad_option', 'signaling: expected the ws:// or wss:// address of a signalling server')
  }
  if (typeof document === 'undefined') {
    throw new ShoalError('not_a_page', 'join: expected to be called in a page; in Node call startPeer() of shoal/node')
  }
  // The signal is about joining: by the time that a page comes back it has often run out.
  const { signal: _, ...comingBack } = { ...settled, joinTimeoutMs: 0 }
  let session: TabSession | undefined
  const launch = (again?: Peer) =>
    start(
      again ? comingBack : settled,
      document.visibilityState === 'hidden' ? 'hidden' : 'visible',
      async (opening) => {
        session = openTab(settled, opening)
        return session.opened
      },
      again,
    )
  const peer = await launch()
  followPage(peer, {
    setMode(mode) {
      if (mode !== 'visible') peer.hurry()
      session?.setMode(mode)
    },
    wake: () => session?.wake(),
    goodbye() {
      void peer.leave()
      session?.bye()
    },
    comeBack: () =>
      void peer
        .leave()
        .then(() => launch(peer))
        .catch((error: unknown) => (settled.log ?? consoleLog).warn(`coming back failed: ${String(error)}`)),
  })
  return peer as unknown as Peer<S>
}

interface TabSession {
  opened: Opened
  setMode(mode: MemberMode): void
  wake(): void
  bye(): void
}

function openTab(options: Settled<TabOptions>, { id, driver, random, log }: Opening): TabSession {
  // Without RTCPeerConnection (switched off by policy, an old web view) membership goes over the relay.
  const rtc = typeof RTCPeerConnection === 'undefined' ? {} : { simplePeer: SimplePeer, budget: pageBudget() }
  const platform = { webSocket: WebSocket as WebSocketConstructor, ...rtc }
  const servers = [{ url: options.servers }]
  const web = openWeb(id, { ...options, servers }, platform, driver, random, log)
  return {
    opened: {
      channels: web.channels,
      web,
      alarm: new TabAlarm(hiddenClock, log),
      begin: () => web.open(),
      close: () => web.close(),
    },
    setMode(mode) {
      driver.call((swim, now) => swim.setMode(mode, now))
      // It may be the last that this page gets to do: it is frozen or ended next, or its timers are slowed down.
      if (mode !== 'visible') driver.hurry()
    },
    wake() {
      driver.wake()
      web.wake()
    },
    bye: () => web.bye(),
  }
}
