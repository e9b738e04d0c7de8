/**
 * Values: what members say of themselves and to one another. They are checked and copied where they come in and frozen
 * where they go out, so that no caller's later change is half published and no reader changes what another sees.
 */

import { ShoalError } from './errors.ts'
import { malformed, scanValue, valueLimits } from './guard.ts'
import type { StateValue } from './member.ts'
import { pack, unpack } from './msgpack.ts'

const kinds = 'null, a boolean, a finite number, a text, a Date, a Uint8Array, or lists and plain objects of these'
const identifier = /^[A-Za-z_$][\w$]*$/
const charsShownMax = 40

/**
 * A frozen copy of `value` as all others will read it. As in JSON, members of objects that are undefined are left out,
 * only own enumerable members with text keys count, and -0 is 0; bytes, dates and objects of other realms are taken for
 * their own kind. Nothing else is changed on the way: what would arrive as something else is refused. Throws `bad_value`
 * that begins with `what` and the place, such as `state key "cursor": .at[3]: expected ...`, and ends with `outcome`.
 */
export function checkValue(value: unknown, what: string, outcome = 'nothing was changed'): StateValue {
  /** Keys and places on the way to the part at hand, and the lists and objects it is in: a step more than these at most. */
  const path: (string | number)[] = []
  const around: object[] = []
  let items = 0

  function copy(part: unknown): StateValue {
    count()
    if (part === null || typeof part === 'boolean') return part
    if (typeof part === 'string') return whole(part)
    if (typeof part === 'number') {
      if (!Number.isFinite(part)) refuse(`a finite number, got ${part}`)
      // Adding nothing makes 0 of -0, which msgpackr does not tell apart.
      return part + 0
    }
    if (typeof part !== 'object') refuse(`${kinds}, got ${described(part)}`)
    const kind = Object.prototype.toString.call(part)
    if (kind === '[object Uint8Array]') return new Uint8Array(part as Uint8Array)
    if (kind === '[object Date]') {
      const ms = Date.prototype.getTime.call(part)
      if (Number.isNaN(ms)) refuse('a valid Date, got an invalid one')
      return new Date(ms)
    }
    const isList = Array.isArray(part)
    if (!isList && !isPlain(part)) refuse(`${kinds}, got ${described(part)}`)
    if (around.includes(part)) refuse(`${kinds}, got ${isList ? 'a list' : 'an object'} that contains itself`)
    const { depth } = valueLimits
    if (around.length === depth) refuse(`at most ${depth} lists and objects in one another, got ${depth + 1}`)
    around.push(part)
    const copied = isList ? copyList(part) : copyObject(part as Record<string, unknown>)
    around.pop()
    return copied
  }

  function copyList(list: readonly unknown[]): StateValue {
    const copied: StateValue[] = []
    for (let i = 0; i < list.length; i++) {
      path.push(i)
      if (!(i in list)) refuse(`${kinds}, got a hole`)
      copied.push(copy(list[i]))
      path.pop()
    }
    return Object.freeze(copied)
  }

  function copyObject(object: Readonly<Record<string, unknown>>): StateValue {
    const pairs: [string, StateValue][] = []
    for (const key of Object.keys(object)) {
      const item = object[key]
      if (item === undefined) continue
      path.push(key)
      count()
      pairs.push([whole(key), copy(item)])
      path.pop()
    }
    // fromEntries defines its keys, so `__proto__` is a key like any other.
    return Object.freeze(Object.fromEntries(pairs))
  }

  function count(): void {
    if (++items > valueLimits.items) refuse(`at most ${valueLimits.items} values and keys in all, got more`)
  }

  function whole(text: string): string {
    const fault = textFault(text)
    if (fault !== undefined) refuse(fault)
    return text
  }

  function refuse(expected: string): never {
    const place = path.length === 0 ? '' : ` ${path.map(stepText).join('')}:`
    throw new ShoalError('bad_value', `${what}:${place} expected ${expected}; ${outcome}`)
  }

  try {
    return copy(value)
  } catch (cause) {
    if (cause instanceof ShoalError) throw cause
    // A getter, or a proxy, that throws.
    const why = cause instanceof Error ? cause.message : 'reading it throws'
    throw new ShoalError('bad_value', `${what}: it cannot be read (${shown(why)}); ${outcome}`, { cause })
  }
}

/** What is wrong with a text that others would read as another one; undefined if nothing is. */
export function textFault(text: string): string | undefined {
  if (/\p{Surrogate}/u.test(text)) return 'whole characters, got half of one (a lone surrogate)'
  // TextDecoder takes it for a byte order mark and drops it: tabs would read less than processes do.
  if (text.startsWith('\ufeff')) return 'a text that does not begin with U+FEFF, got one that does'
  return undefined
}

/** Whether two values read the same; the order of an object's keys is no part of it. */
export function sameValue(a: StateValue, b: StateValue): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a === b
  if (a instanceof Date || b instanceof Date) {
    return a instanceof Date && b instanceof Date && a.getTime() === b.getTime()
  }
  if (a instanceof Uint8Array || b instanceof Uint8Array) {
    if (!(a instanceof Uint8Array && b instanceof Uint8Array) || a.length !== b.length) return false
    return a.every((byte, i) => byte === b[i])
  }
  if (isList(a) || isList(b)) {
    return isList(a) && isList(b) && a.length === b.length && a.every((item, i) => sameValue(item, b[i]!))
  }
  const keys = Object.keys(a)
  if (keys.length !== Object.keys(b).length) return false
  return keys.every((key) => Object.hasOwn(b, key) && sameValue(a[key]!, b[key]!))
}

/** The bytes of what `checkValue` has given. */
export function encodeValue(value: StateValue): Uint8Array {
  return pack(value)
}

/** The value, frozen and sharing no memory with `bytes`, that fills bytes from outside. Throws `packet_malformed`. */
export function decodeValue(bytes: Uint8Array): StateValue {
  if (scanValue(bytes, 0, valueLimits) !== bytes.length) throw malformed('bytes behind a value')
  return unpack(bytes) as StateValue
}

function isList(value: StateValue): value is readonly StateValue[] {
  return Array.isArray(value)
}

/** No instance of a class; of any realm, so that an object out of an iframe is as good as another. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

function described(value: unknown): string {
  if (typeof value === 'undefined') return 'undefined'
  if (typeof value !== 'object' || value === null) return `a ${typeof value}`
  const type: unknown = value.constructor
  const name: unknown = typeof type === 'function' ? type.name : undefined
  return `an instance of ${typeof name === 'string' && name !== '' ? shown(name) : 'a class'}`
}

function stepText(step: string | number): string {
  if (typeof step === 'number') return `[${step}]`
  return identifier.test(step) ? `.${shown(step)}` : `[${JSON.stringify(shown(step))}]`
}

function shown(text: string): string {
  return text.length > charsShownMax ? `${text.slice(0, charsShownMax)}…` : text
}
