/**
 * Follows the page a tab's peer lives in: tells others whether it is visible, hidden or frozen, wakes the peer when the
 * page goes on, says farewell when the page goes, and brings the peer back when the page comes out of the back-forward cache.
 */

import type { MemberMode } from '../core/index.ts'
import type { Peer } from '../peer/peer.ts'

export interface PageActions {
  /** What it sends is sent before it returns. */
  setMode(mode: MemberMode): void
  /** Called when the page can be seen again, was frozen until now, or has a network again. */
  wake(): void
  /** Called on `pagehide`; what it sends is sent before it returns. */
  goodbye(): void
  /** Called when the page that said goodbye is shown again. */
  comeBack(): void
}

/** Listens until the application calls `peer.leave()` itself. */
export function followPage(peer: Peer, actions: PageActions): void {
  const listening = new AbortController()
  const { signal } = listening
  let away = false
  const currentMode = () => (document.visibilityState === 'hidden' ? 'hidden' : 'visible')

  // `pagehide`, not `beforeunload` or `unload`: it alone is raised in every way a page can go.
  addEventListener(
    'pagehide',
    () => {
      if (away) return
      away = true
      actions.goodbye()
    },
    { signal },
  )
  addEventListener(
    'pageshow',
    (event) => {
      if (!event.persisted || !away) return
      away = false
      actions.comeBack()
    },
    { signal },
  )
  const goOn = () => {
    actions.setMode(currentMode())
    actions.wake()
  }
  document.addEventListener(
    'visibilitychange',
    () => (document.visibilityState === 'hidden' ? actions.setMode('hidden') : goOn()),
    { signal },
  )
  document.addEventListener('freeze', () => actions.setMode('frozen'), { signal })
  document.addEventListener('resume', goOn, { signal })
  addEventListener('online', () => actions.wake(), { signal })
  peer.on('status', (status) => {
    if (status === 'left' && !away) listening.abort()
  })
}
