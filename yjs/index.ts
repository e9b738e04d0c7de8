/**
 * `shoal/yjs`: the cursors and names of a shared editor, carried by the room. It takes the place of y-protocols'
 * `Awareness` in y-codemirror.next, y-prosemirror, Tiptap and whatever else takes one; the document itself stays with a
 * Yjs provider. The guide is docs/yjs.md.
 *
 * ```ts
 * const awareness = new Awareness(doc, peer)
 * awareness.setLocalStateField('user', { name: 'Ana', color: '#0a9396' })
 * yCollab(doc.getText('note'), awareness)
 * ```
 *
 * @module
 */

export { Awareness, type AwarenessChanges, type AwarenessMeta, type AwarenessOptions } from './awareness.ts'
export type { AwarenessDoc, AwarenessPeer } from './parties.ts'
