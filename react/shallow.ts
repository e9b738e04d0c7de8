/** Tells whether a component would show the same. */
export type Equality<T> = (a: T, b: T) => boolean

/**
 * Arrays with the same items, or plain objects with the same values under the same keys: for selectors that make a new one
 * each time, as `useMembers((members) => members.map(({ name }) => name), shallow)`.
 */
export function shallow<T>(a: T, b: T): boolean {
  if (Object.is(a, b)) return true
  if (!isPlain(a) || !isPlain(b) || Array.isArray(a) !== Array.isArray(b)) return false
  const keys = Object.keys(a)
  if (keys.length !== Object.keys(b).length) return false
  return keys.every((key) => Object.hasOwn(b, key) && Object.is(a[key], b[key]))
}

/** Bytes, dates, maps and the like have contents that their keys do not tell. */
function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false
  const prototype = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === Array.prototype || prototype === null
}
