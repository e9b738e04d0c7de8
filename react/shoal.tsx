/** The provider and the hooks, made together for one type of state. */

import {
  type Context,
  createContext,
  type ReactElement,
  type ReactNode,
  useContext,
  useEffect,
  useRef,
  useState,
  useSyncExternalStore,
} from 'react'
import type { Instance, Member, PeerId, State, StateOf } from '../core/index.ts'
import type { Peer } from '../peer/peer.ts'
import type { User } from '../peer/users.ts'
import { isPeer, joining, nobody, noState, promised, Room, type SetState, type ShoalStatus } from './room.ts'
import { type Store, useSelection } from './selection.ts'
import { type Equality, shallow } from './shallow.ts'
import { Stay } from './stay.ts'

export type { SetState, ShoalStatus } from './room.ts'

/**
 * A hook that reads, all of it or what `select` makes of it. The component is drawn again only when that is another value:
 * by `Object.is`, or as `isEqual` says (see `shallow`). `select` may be written in place; it must not change anything.
 */
export interface Read<T> {
  (): T
  <R>(select: (value: T) => R, isEqual?: Equality<R>): R
}

/** Either `peer` or `join`; with neither or both it throws. To change the room, give the provider another `key`. */
export type ShoalProviderProps<S extends object = State> = { readonly children?: ReactNode } & (
  | {
      /** A peer of yours, the promise of one, or undefined while there is none. Leaving is yours as well. */
      readonly peer: Peer<S> | PromiseLike<Peer<S>> | undefined
      readonly join?: never
    }
  | {
      /**
       * Called when the provider is mounted; the peer leaves when it is unmounted. A provider that is unmounted and mounted
       * again at once, as StrictMode does, stays the same member. `signal` is for the options of `join()`: it is aborted
       * when the provider goes while joining.
       */
      readonly join: (signal: AbortSignal) => Promise<Peer<S>>
      readonly peer?: never
    }
)

/**
 * The provider and the hooks of a room whose members publish a state of type `S`. Every hook reads what is there at once,
 * and nothing (no members, status `joining`) on a server, while a page is hydrated, and before there is a peer. All are
 * built on `useSyncExternalStore`, so what components show at one time is one view. Without a provider above they throw.
 */
export interface Shoal<S extends object = State> {
  /** Gives the components in it a room to read from. */
  ShoalProvider(props: ShoalProviderProps<S>): ReactElement
  /** The peer, for what is done with it; undefined before there is one. It does not draw again when the peer's view changes. */
  usePeer(): Peer<S> | undefined
  /** Everybody present, this peer included. A member is the same object until something in it changes. */
  useMembers: Read<readonly Member<S>[]>
  /** One member by its id, present or gone and still remembered. Of a thousand components, one is drawn for its change. */
  useMember(id: PeerId): Member<S> | undefined
  /** Everybody present but this peer; other tabs of the same user are among them. */
  useOthers: Read<readonly Member<S>[]>
  /** This peer as a member. */
  useSelf: Read<Member<S> | undefined>
  /** Members grouped by their `user`: each here with the first tab and gone with the last, `away` while none is looked at. */
  useUsers: Read<readonly User<S>[]>
  /** This peer's own state, with what still waits to be published, and a function that changes it. */
  useMyState(): [state: StateOf<S>, setState: SetState<S>]
  /** Instances of a service on members present, as `Peer.lookup`. */
  useService(name: string, options?: { passing?: boolean; tag?: string }): readonly Instance[]
  /** How things stand with the room, and why. */
  useStatus: Read<ShoalStatus>
}

type RoomContext<S extends object> = Context<Room<S> | undefined>

/** What the hooks of the module itself read from: the nearest provider, whoever made it. */
const nearest: RoomContext<State> = /* @__PURE__ */ createContext<Room<State> | undefined>(undefined)

/**
 * Makes a provider and hooks for a state of type `S`. They belong together: in a page with two rooms each has its own, and
 * a component under both reads either. The hooks that the module exports read from the nearest provider of any kind, so
 * that a component of somebody else's can use them. They do not check what others publish; nor does the type.
 */
export function createShoal<S extends object = State>(): Shoal<S> {
  return shoalIn(createContext<Room<S> | undefined>(undefined))
}

/** For the hooks of the module itself. */
export function nearestShoal(): Shoal {
  return shoalIn(nearest)
}

function shoalIn<S extends object>(own: RoomContext<S>): Shoal<S> {
  const useRoom = (): Room<S> => {
    const room = useContext(own)
    // A plain error: this module shares no code with the entry that the peer is from, nor its class of errors.
    if (room === undefined) throw new Error('shoal/react: expected the ShoalProvider of this hook above the component')
    return room
  }
  const reader = <T,>(read: (room: Room<S>) => () => T, empty: T): Read<T> => {
    return <R,>(select: (value: T) => R = same as (value: T) => R, isEqual: Equality<R> = Object.is): R => {
      const room = useRoom()
      return useSelection({ subscribe: room.subscribe, read: read(room), empty }, select, isEqual)
    }
  }
  const useMyOwnState = reader<StateOf<S>>(({ state }) => state, noState as StateOf<S>)
  return {
    ShoalProvider: (props) => <Provider own={own} {...props} />,
    usePeer: reader<Peer<S> | undefined>(({ peer }) => peer, undefined),
    useMembers: reader<readonly Member<S>[]>(({ members }) => members, nobody),
    useMember(id) {
      const room = useRoom()
      return useSyncExternalStore(
        room.subscribe,
        () => room.member(id),
        () => undefined,
      )
    },
    useOthers: reader<readonly Member<S>[]>(({ others }) => others, nobody),
    useSelf: reader<Member<S> | undefined>(({ self }) => self, undefined),
    useUsers: reader<readonly User<S>[]>(({ users }) => users, nobody),
    useMyState() {
      const { setState } = useRoom()
      return [useMyOwnState(), setState]
    },
    useService(name, options = {}) {
      const room = useRoom()
      const store: Store<readonly Instance[]> = {
        subscribe: room.subscribe,
        read: () => room.lookup(name, options),
        empty: nobody,
      }
      return useSelection(store, same, shallow)
    },
    useStatus: reader<ShoalStatus>(({ status }) => status, joining),
  }
}

function Provider<S extends object>(props: ShoalProviderProps<S> & { own: RoomContext<S> }): ReactElement {
  const { own: Own, peer, join, children } = props
  const fits = join
    ? typeof join === 'function' && peer === undefined
    : 'peer' in props && (peer === undefined || isPeer(peer) || Object(peer).then)
  if (!fits) {
    throw new Error(
      `ShoalProvider: expected join, a function, or peer: a peer, its promise or undefined; got join ${join}, peer ${peer}`,
    )
  }
  const [room] = useState(() => new Room<S>(isPeer<S>(peer) ? peer : undefined))
  const [stay] = useState(() => new Stay<S>(room))
  const newest = useRef(join)
  const joins = !!join
  useEffect(() => {
    newest.current = join
  }, [join])
  // A function written in place is another one each time, and no reason to join again.
  useEffect(() => (joins ? stay.mount((signal) => newest.current!(signal)) : undefined), [stay, joins])
  useEffect(() => (joins ? undefined : follow(room, peer)), [room, joins, peer])
  return (
    <nearest.Provider value={room as unknown as Room<State>}>
      <Own.Provider value={room}>{children}</Own.Provider>
    </nearest.Provider>
  )
}

/** Returns what ends it: a promise may be settled when another has taken its place. */
function follow<S extends object>(room: Room<S>, peer: Peer<S> | PromiseLike<Peer<S>> | undefined): () => void {
  let current = true
  if (peer === undefined || isPeer<S>(peer)) room.take(peer)
  else {
    room.take(undefined)
    promised(() => peer).then(
      (joined) => {
        if (current) room.take(joined)
      },
      (error: unknown) => {
        if (current) room.fail(error)
      },
    )
  }
  return () => {
    current = false
  }
}

function same<T>(value: T): T {
  return value
}
