/** A tab of y-webrtc: an empty document, and its awareness for presence. Defaults, but for the STUN servers on the internet. */

import { Awareness } from 'y-protocols/awareness'
import { WebrtcProvider } from 'y-webrtc'
import { Doc } from 'yjs'

export function join({ room, name, signaling, seen, gone, moved }) {
  const doc = new Doc()
  const awareness = new Awareness(doc)
  awareness.setLocalState({ name })
  /** Names by client, for those who are gone and have no state any more. */
  const names = new Map()
  awareness.on('change', ({ added, updated, removed }) => {
    for (const client of [...added, ...updated]) {
      const state = awareness.getStates().get(client)
      if (!state?.name) continue
      names.set(client, state.name)
      seen(state.name)
      if (state.cursor) moved(state.name, state.cursor.move)
    }
    for (const client of removed) gone(names.get(client))
  })
  new WebrtcProvider(room, doc, { awareness, signaling: [signaling], peerOpts: { config: { iceServers: [] } } })
  return {
    move: (move) => awareness.setLocalStateField('cursor', { x: 100 + move, y: 200 + move, move }),
  }
}
