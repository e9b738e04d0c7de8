/** The page: who is here, each a place to drop a file on, and what came and went. */

import { join, type Member } from 'shoal/browser'
import { hashOf, receiveFile, sendFile, sizeMax } from './transfer.ts'

const asked = new URLSearchParams(location.search)
const animals = ['Otter', 'Heron', 'Badger', 'Lynx', 'Marten', 'Osprey', 'Beaver', 'Stoat']
const name = asked.get('name') || `${animals[Math.floor(Math.random() * animals.length)]}`

const people = document.querySelector('#people')!
const transfers = document.querySelector('#transfers')!
const status = document.querySelector('#status')!

const signaling = `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}`
const peer = await join({ room: asked.get('room') || 'files', name, signaling })
// For those who look at it in their developer tools, and for tests.
Object.assign(globalThis, { shoal: { peer } })

peer.onConnection(async (connection, member) => {
  let row: Row | undefined
  try {
    const { file, hash } = await receiveFile(connection, (fileName) => {
      row = addRow(`${fileName} from ${member.name}`)
      return row.progress
    })
    row!.done(`arrived, ${bytes(file.size)}`, hash, file)
  } catch (error) {
    row ??= addRow(`Something from ${member.name}`)
    row.failed(error)
  }
})

async function send(file: File, to: Member): Promise<void> {
  const row = addRow(`${file.name} to ${to.name}`)
  try {
    if (file.size > sizeMax) throw new Error(`files of up to ${bytes(sizeMax)} can be sent`)
    const [there, here] = [await sendFile(peer, to.id, file, row.progress), await hashOf(file)]
    if (there !== here) throw new Error('what arrived there is something else')
    row.done(`sent, ${bytes(file.size)}`, here)
  } catch (error) {
    row.failed(error)
  }
}

// The list of people

const places = new Map<string, HTMLElement>()
peer.subscribe(showPeople)
peer.on('status', showPeople)
showPeople()

function showPeople(): void {
  document.body.dataset.status = peer.status
  status.textContent = peer.status === 'joined' ? `You are ${name}` : `${peer.status}: ${peer.reason}`
  const others = peer.members().filter((member) => member.id !== peer.id)
  for (const [id, place] of places) if (!others.some((member) => member.id === id)) place.remove()
  const shown = others.map((member) => {
    const place = places.get(member.id) ?? placeOf(member)
    place.dataset.away = String(member.mode === 'hidden' || member.status !== 'alive')
    return [member.id, place] as const
  })
  places.clear()
  for (const [id, place] of shown) {
    places.set(id, place)
    // What stands there already is left alone: moving it would take the focus away.
    if (!place.isConnected) people.append(place)
  }
}

/** A file can be chosen by a click, or dropped. */
function placeOf(member: Member): HTMLElement {
  const place = make('label', 'place')
  const input = make('input')
  input.type = 'file'
  input.multiple = true
  input.setAttribute('aria-label', `Send files to ${member.name}`)
  place.dataset.member = member.id
  place.append(make('span', 'name', member.name), make('span', 'hint', 'drop a file, or choose one'), input)
  input.addEventListener('change', () => {
    for (const file of input.files ?? []) void send(file, member)
    input.value = ''
  })
  place.addEventListener('dragover', (event) => event.preventDefault())
  place.addEventListener('drop', (event) => {
    event.preventDefault()
    for (const file of event.dataTransfer?.files ?? []) void send(file, member)
  })
  return place
}

// The list of transfers

interface Row {
  progress(part: number): void
  done(text: string, hash: string, file?: File): void
  failed(error: unknown): void
}

function addRow(title: string): Row {
  const row = make('li')
  const bar = make('progress')
  const outcome = make('p', 'outcome')
  outcome.setAttribute('role', 'status')
  row.dataset.state = 'running'
  row.append(make('p', 'title', title), bar, outcome)
  transfers.prepend(row)
  const end = (state: 'done' | 'failed', text: string) => {
    row.dataset.state = state
    outcome.textContent = text
    bar.remove()
  }
  return {
    progress(part) {
      bar.value = part
    },
    done(text, hash, file) {
      end('done', text)
      const code = make('code', '', hash.slice(0, 16))
      code.dataset.hash = hash
      code.title = `SHA-256 ${hash}`
      outcome.append(' ', code)
      if (!file) return
      const link = make('a', '', 'Save')
      link.href = URL.createObjectURL(file)
      link.download = file.name
      outcome.append(' ', link)
    },
    failed: (error) => end('failed', error instanceof Error ? error.message : String(error)),
  }
}

function make<K extends keyof HTMLElementTagNameMap>(tag: K, className = '', text = ''): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag)
  if (className) element.className = className
  element.textContent = text
  return element
}

function bytes(size: number): string {
  return size < 1e6 ? `${Math.ceil(size / 1e3)} kB` : `${(size / 1e6).toFixed(1)} MB`
}
