/** What a component takes out of a store, and when that is reason enough to draw it again. */

import { useDebugValue, useEffect, useMemo, useRef, useSyncExternalStore } from 'react'
import type { Equality } from './shallow.ts'

/** A store that changes: `read` answers with the same reference until it has, `empty` is what servers draw from. */
export interface Store<T> {
  readonly subscribe: (listener: () => void) => () => void
  readonly read: () => T
  readonly empty: T
}

/**
 * What `select` makes of the store. The component is drawn again when `isEqual` says that it is something else, and may
 * hand over another `select` each time it is drawn.
 */
export function useSelection<T, R>(
  { subscribe, read, empty }: Store<T>,
  select: (from: T) => R,
  isEqual: Equality<R>,
): R {
  const shown = useRef<{ readonly value: R } | undefined>(undefined)
  const selected = useMemo(() => {
    // One selection for each state of the store, since React asks twice, and demands the same reference.
    let held: { readonly from: T; readonly value: R } | undefined
    return (from: T): R => {
      if (held !== undefined && Object.is(held.from, from)) return held.value
      const value = select(from)
      const before = held ?? shown.current
      held = { from, value: before !== undefined && isEqual(before.value, value) ? before.value : value }
      return held.value
    }
  }, [select, isEqual])
  const value = useSyncExternalStore(
    subscribe,
    () => selected(read()),
    () => selected(empty),
  )
  useEffect(() => {
    shown.current = { value }
  }, [value])
  useDebugValue(value)
  return value
}
