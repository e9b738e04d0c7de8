/** A tab of Shoal, as its users get it: the built file for browsers, with its defaults. */

import { join as joinRoom } from '../../../dist/browser/index.js'

export async function join({ room, name, signaling, seen, gone, moved }) {
  const peer = await joinRoom({ room, name, signaling })
  const follow = (member) => {
    if (member.state.cursor) moved(member.name, member.state.cursor.move)
  }
  peer.on('join', (member) => seen(member.name))
  peer.on('update', follow)
  for (const type of ['leave', 'dead']) peer.on(type, (member) => gone(member.name))
  // Those that came while the peer was joining, in front of the listeners.
  for (const member of peer.members()) seen(member.name)
  return {
    move: (move) => peer.setState({ cursor: { x: 100 + move, y: 200 + move, move } }, { volatile: true }),
  }
}
