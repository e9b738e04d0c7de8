/**
 * Whether two states are equal, as lib0's `equalityDeep` has it: that decides whether a listener of `change` is called.
 * Objects of a class, dates among them, are equal to nothing but themselves.
 */

export function equal(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (!isObject(a) || !isObject(b) || kindOf(a) !== kindOf(b)) return false
  switch (kindOf(a)) {
    case Object:
      return sameEntries(new Map(Object.entries(a)), new Map(Object.entries(b)))
    case Map:
      return sameEntries(a as Map<unknown, unknown>, b as Map<unknown, unknown>)
    case Array:
    case Uint8Array:
      return sameItems(a as ArrayLike<unknown>, b as ArrayLike<unknown>)
    case ArrayBuffer:
      return sameItems(new Uint8Array(a as ArrayBuffer), new Uint8Array(b as ArrayBuffer))
    case Set:
      return sameMembers(a as Set<unknown>, b as Set<unknown>)
    default:
      return false
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

function kindOf(value: object): unknown {
  return value.constructor === undefined ? Object : value.constructor
}

function sameEntries(a: ReadonlyMap<unknown, unknown>, b: ReadonlyMap<unknown, unknown>): boolean {
  return a.size === b.size && [...a].every(([key, value]) => b.has(key) && equal(value, b.get(key)))
}

function sameItems(a: ArrayLike<unknown>, b: ArrayLike<unknown>): boolean {
  return a.length === b.length && Array.from(a).every((item, i) => equal(item, b[i]))
}

function sameMembers(a: ReadonlySet<unknown>, b: ReadonlySet<unknown>): boolean {
  return a.size === b.size && [...a].every((item) => b.has(item))
}
