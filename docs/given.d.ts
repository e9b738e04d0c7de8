/** What blocks of code in these guides take as given and do not say again. The type checker reads it with each of them. */

/** What the members of the application publish. */
interface MyState {
  color: string
  cursor: { x: number; y: number }
  typing: boolean
}

/** What `join<MyState>()` or `startPeer<MyState>()` gave. */
declare const peer: import('shoal/browser').Peer<MyState>

/** The id of another member. */
declare const id: string
