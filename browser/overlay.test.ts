import { expect, test } from 'vitest'
import { peerIn, simulate } from '../peer/sim.ts'
import { type OverlayPeer, showOverlay } from './overlay.ts'

test('what is no peer and no option is told by its name, before anything is shown', () => {
  const peer = peerIn(simulate({ peers: 1, seed: 1 }), 'p0')
  const wrong: [given: unknown[], message: string][] = [
    [[], 'peer: expected a peer, got undefined'],
    [[null], 'peer: expected a peer, got null'],
    [[Promise.resolve(peer)], 'peer: expected a peer, got an object (Promise)'],
    [[peer, { opened: true }], 'showOverlay: there is no option opened; expected corner, open'],
    [[peer, 'top-left'], 'showOverlay: expected options as an object, got "top-left"; there are corner, open'],
    [[peer, { open: 'no' }], 'open: expected true or false, got "no"'],
  ]
  for (const [given, message] of wrong) {
    expect(() => showOverlay(...(given as [OverlayPeer]))).toThrow(
      expect.objectContaining({ code: 'bad_option', message }),
    )
  }
})
