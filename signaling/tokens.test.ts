import { expect, test } from 'vitest'
import { idFromBytes } from '../core/index.ts'
import { tokenLengthMax } from './protocol.ts'
import { Tokens } from './tokens.ts'

const [ana, ben] = [idFromBytes(new Uint8Array(16).fill(1)), idFromBytes(new Uint8Array(16).fill(2))]

test('a token proves its claim for its own room and id only', () => {
  const tokens = new Tokens()
  const claim = tokens.newClaim()
  const token = tokens.issue('room', ana, claim)
  expect(token.length).toBeLessThanOrEqual(tokenLengthMax)
  expect(tokens.claimOf(token, 'room', ana)).toBe(claim)
  expect(tokens.claimOf(token, 'other', ana)).toBeUndefined()
  expect(tokens.claimOf(token, 'room', ben)).toBeUndefined()
  expect(new Tokens().claimOf(token, 'room', ana)).toBeUndefined()
})

test('a token with any character changed proves nothing', () => {
  const tokens = new Tokens()
  tokens.newClaim()
  const token = tokens.issue('room', ana, tokens.newClaim())
  for (let i = 0; i < token.length; i++) {
    // The highest bit of the six: the lowest ones of the last character stand for nothing.
    const code = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    const other = code[code.indexOf(token[i]!) ^ 32] ?? '1'
    expect(tokens.claimOf(token.slice(0, i) + other + token.slice(i + 1), 'room', ana)).toBeUndefined()
  }
  for (const text of ['', '.', 'x', '1.', `0${token}`, `-${token}`, `${token}A`, token.repeat(2)]) {
    expect(tokens.claimOf(text, 'room', ana)).toBeUndefined()
  }
})

test('each claim is younger than the one before', () => {
  const tokens = new Tokens()
  expect(tokens.newClaim()).toBeLessThan(tokens.newClaim())
})
