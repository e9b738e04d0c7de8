/**
 * What each entry of the package exports, by name: whoever adds or drops one says so here, and in the changelog. Types
 * leave no trace at run time, so all names are read from the sources; what exists at run time is what the module says.
 */

import { readFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** What is in it at run time, and what only the compiler sees. */
interface Exports {
  values: string[]
  types: string[]
}

const core: Exports = {
  values: words(`
    Allowance ShoalError Swim addressOf alphabet checkData checkFlag checkKnown checkTopic costOf defaultConfig hashFact hashText idBytes idFromBytes
    idPrefix idTextLength idToBytes indexInAlphabet isGossip isPeerId kindOf memberModes packetBytesMax randomBytes
    randomInt requireHealth sample seededRandom serviceFromValue serviceKey servicePrefix serviceRecord serviceToValue
    shown shuffle steady
  `),
  types: words(`
    Channel ChannelEvents ChannelInfo Config Consistency Endpoint EntryChange ErrorCode Explanation Health Host Instance
    LinkProgress Member MemberEvent MemberMode MemberStatus Message Named PeerId PeerStatus Query Random ServiceOptions
    ServiceRecord State StateOf StateValue SwimEvent SwimOptions
  `),
}
/** Where peers come from, with what of the core applications have to do with. */
const peer: Exports = {
  values: ['Peer', 'ShoalError'],
  types: words(`
    Answer Config Consistency DirectConnection DirectData Endpoint ErrorCode Exclude Explanation Health IceServerOption Instance Link
    LinkProgress Log LookupOptions Member MemberMode MemberStatus Message Named PeerEvents PeerId PeerOptions PeerStatus
    PickOptions PickPolicy PlatformBlob PlatformStream PlatformTrack QueryHandler QueryOptions Registration ServiceChange ServiceOptions SettledOptions State
    StateOf StateValue User
  `),
}

const listed: Record<string, { file: string } & Exports> = {
  shoal: { file: 'core/index.ts', ...core },
  'shoal/browser': {
    file: 'browser/index.ts',
    values: [...peer.values, 'join'],
    types: [...peer.types, 'TabOptions'],
  },
  'shoal/node': {
    file: 'node/index.ts',
    values: [...peer.values, 'startPeer'],
    types: [...peer.types, 'NodePeerOptions', 'ServeSignaling'],
  },
  'shoal/signaling': {
    file: 'signaling/index.ts',
    values: ['defaultSignalingLimits', 'startSignaling'],
    types: ['SignalingCounters', 'SignalingLimits', 'SignalingOptions', 'SignalingServer', 'TurnOptions'],
  },
  'shoal/sim': {
    file: 'peer/sim.ts',
    values: [...peer.values, 'defaultLink', 'peerIn', 'simulate', 'simulatedRoom'],
    types: [
      ...peer.types,
      ...words(`
        Connection FalseDeath JoinOptions Kind Lateness Life LinkLoad LinkOptions Load PacketListener PeerLoss Traffic
        World WorldEvent WorldOptions
      `),
    ],
  },
  'shoal/react': {
    file: 'react/index.ts',
    values: words(`
      ShoalProvider createShoal shallow useMember useMembers useMyState useOthers usePeer useSelf useService useStatus
      useUsers
    `),
    types: ['Equality', 'Read', 'SetState', 'Shoal', 'ShoalProviderProps', 'ShoalStatus'],
  },
  'shoal/yjs': {
    file: 'yjs/index.ts',
    values: ['Awareness'],
    types: ['AwarenessChanges', 'AwarenessDoc', 'AwarenessMeta', 'AwarenessOptions', 'AwarenessPeer'],
  },
  'shoal/overlay': {
    file: 'browser/overlay.ts',
    values: ['showOverlay'],
    types: ['Corner', 'Overlay', 'OverlayMember', 'OverlayOptions', 'OverlayPeer'],
  },
}

test('every entry of the package is listed', () => {
  const { exports } = JSON.parse(read('package.json')) as { exports: Record<string, { default?: string } | string> }
  const entries = Object.entries(exports)
    .filter(([, target]) => typeof target !== 'string')
    .map(([name]) => posix.join('shoal', name))
  expect(Object.keys(listed).sort()).toEqual(entries.sort())
})

test.each(Object.entries(listed))(
  '%s exports what is listed, no more and no less',
  async (name, { file, ...expected }) => {
    const values = Object.keys(await import(join(root, file))).sort()
    const names = [...namesIn(file)].sort()
    expect(names.filter((one) => values.includes(one))).toEqual(values)
    const found: Exports = { values, types: names.filter((one) => !values.includes(one)) }
    expect(found, name).toEqual({ values: [...expected.values].sort(), types: [...expected.types].sort() })
  },
)

test('all ways to export are read', () => {
  const code = `
    export * from './all.ts'
    export type { A } from './a.ts'
    export { b, type C, d as e } from './b.ts'
    export type { F }
    export interface G {}
    export type H<T> = T
    export class I {}
    export async function j() {}
    export const k = 1, rest = 2
    export const {
      l,
      m,
    } = /* @__PURE__ */ made()
    // export const not = 1
    const n = 1
  `
  expect(exportsIn(code)).toEqual({
    all: ['./all.ts'],
    names: ['A', 'b', 'C', 'e', 'F', 'l', 'm', 'G', 'H', 'I', 'j', 'k'],
  })
})

function namesIn(file: string): Set<string> {
  const { all, names } = exportsIn(read(file))
  return new Set([...names, ...all.flatMap((from) => [...namesIn(posix.join(posix.dirname(file), from))])])
}

/** Good enough for code that a formatter has been over, with one name a declaration. */
function exportsIn(source: string): { all: string[]; names: string[] } {
  const code = source.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|[^:])\/\/.*$/gm, '$1')
  const lists = [...code.matchAll(/^\s*export (?:type |const )?\{([^}]*)\}/gm)].flatMap(([, list]) => list!.split(','))
  const declared = code.matchAll(/^\s*export (?:async )?(?:class|const|function|interface|type) (\w+)/gm)
  return {
    all: [...code.matchAll(/^\s*export \* from '([^']+)'/gm)].map(([, from]) => from!),
    names: [
      ...lists.map((name) => name.trim().split(/\s+/).at(-1)!).filter((name) => name !== ''),
      ...[...declared].map(([, name]) => name!),
    ],
  }
}

function words(text: string): string[] {
  return text.trim().split(/\s+/)
}

function read(file: string): string {
  return readFileSync(join(root, file), 'utf8')
}
