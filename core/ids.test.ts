import fc from 'fast-check'
import { expect, test } from 'vitest'
import { alphabet, idBytes, idFromBytes, idTextLength, idToBytes, isPeerId } from './ids.ts'

const bytesOfId = fc.uint8Array({ minLength: idBytes, maxLength: idBytes })

test('an id is the base64url text of its bytes and comes back as the same bytes', () => {
  fc.assert(
    fc.property(bytesOfId, (bytes) => {
      const id = idFromBytes(bytes)
      expect(id).toBe(Buffer.from(bytes).toString('base64url'))
      expect(id).toHaveLength(idTextLength)
      expect(idToBytes(id)).toEqual(bytes)
      expect(isPeerId(id)).toBe(true)
    }),
  )
})

test('isPeerId takes exactly the texts that some bytes have', () => {
  const character = fc.constantFrom(...alphabet, '+', '/', '=', ' ', 'é', '\0')
  const text = fc.oneof(
    { weight: 3, arbitrary: fc.string({ unit: fc.constantFrom(...alphabet), minLength: 22, maxLength: 22 }) },
    { weight: 1, arbitrary: fc.string({ unit: character, minLength: 21, maxLength: 23 }) },
  )
  fc.assert(
    fc.property(text, (candidate) => {
      const isText = candidate.length === idTextLength && /^[\w-]*$/.test(candidate)
      const comesBack = isText && idFromBytes(idToBytes(candidate)) === candidate
      expect(isPeerId(candidate)).toBe(comesBack)
    }),
    { numRuns: 1000 },
  )
})

test.each([undefined, null, 22, [], {}, new Uint8Array(16), 'A'.repeat(21), 'A'.repeat(23), `${'A'.repeat(21)}B`])(
  '%j is no id',
  (value) => {
    expect(isPeerId(value)).toBe(false)
  },
)
