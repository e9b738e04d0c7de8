/** The page: a note that everybody in the room writes at once, with a cursor and a name for each. */

import { drawSelection, EditorView, keymap, placeholder } from '@codemirror/view'
import { join } from 'shoal/browser'
import { Awareness } from 'shoal/yjs'
import { yCollab, yUndoManagerKeymap } from 'y-codemirror.next'
import { Doc } from 'yjs'
import { syncDocument, type Writer } from './sync.ts'

const animals = ['Otter', 'Heron', 'Badger', 'Lynx', 'Marten', 'Osprey', 'Beaver', 'Stoat']

const asked = new URLSearchParams(location.search)
const doc = new Doc()
const name = asked.get('name') || animals[doc.clientID % animals.length]!
const signaling = `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}`
const peer = await join<Writer>({ room: asked.get('room') || 'notes', name, signaling })

// This is all it takes to show cursors: an awareness that the room carries, for the binding of the editor.
const awareness = new Awareness(doc, peer)
// Each client has a colour of its own: the binding takes two cursors of one colour for the same, and mixes up their names.
const shade = `oklch(0.5 0.13 ${(doc.clientID / 2 ** 32) * 360}`
awareness.setLocalStateField('user', { name, color: `${shade})`, colorLight: `${shade} / 0.2)` })
syncDocument(doc, peer)

const look = EditorView.theme({
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': { font: '1.05rem/1.7 ui-serif, Georgia, serif' },
  '.cm-content': { padding: '2rem 1.5rem', caretColor: 'var(--ink)' },
  '.cm-cursor': { borderLeftColor: 'var(--ink)' },
  '.cm-ySelectionInfo': {
    // Names are read at a glance here, not only where the mouse is.
    opacity: '1',
    top: '-1.5em',
    padding: '0 0.4em',
    borderRadius: '0.3em 0.3em 0.3em 0',
    font: '600 0.7rem/1.5 system-ui, sans-serif',
  },
})

const view = new EditorView({
  extensions: [
    keymap.of(yUndoManagerKeymap),
    drawSelection(),
    EditorView.lineWrapping,
    placeholder('Write something'),
    look,
    yCollab(doc.getText('note'), awareness),
  ],
  parent: document.querySelector('#editor')!,
})
view.focus()

const people = document.querySelector('#people')!
const status = document.querySelector('#status')!
awareness.on('change', showPeople)
peer.on('status', showStatus)
showPeople()
showStatus()

function showPeople(): void {
  const rows = [...awareness.getStates()].map(([client, { user }]) => {
    const { name, color } = readUser(user)
    const row = document.createElement('li')
    row.textContent = name
    row.style.setProperty('--color', color)
    row.classList.toggle('self', client === awareness.clientID)
    return row
  })
  people.replaceChildren(...rows)
}

/** Anybody in the room may say anything. */
function readUser(user: unknown): { name: string; color: string } {
  const { name, color } = (user ?? {}) as Record<string, unknown>
  return { name: String(name ?? 'somebody'), color: String(color ?? '#888') }
}

function showStatus(): void {
  document.body.dataset.status = peer.status
  status.textContent = peer.status === 'joined' ? '' : `${peer.status}: ${peer.reason}.`
}

// For those who look at it in their developer tools, and for tests.
Object.assign(globalThis, { shoal: { peer }, editor: { doc, awareness, view } })
