import { expect, test } from 'vitest'
import type { PeerStatus } from './host.ts'
import { Standing } from './standing.ts'

const why = 'nobody answers'

test('one that joined is isolated while there is a reason for it, and joined again when there is none', () => {
  const standing = standingAs('joined')
  expect(standing.look(undefined)).toBeUndefined()
  expect(standing.look(why)).toBe('isolated')
  standing.status = 'isolated'
  expect(standing.reason(5)).toBe(why)
  expect(standing.look('the network is gone')).toBeUndefined()
  expect(standing.reason(5)).toBe('the network is gone')
  expect(standing.look(undefined)).toBe('joined')
})

test('one that is still joining, or has left, is isolated by nothing and joined by nothing', () => {
  for (const status of ['joining', 'left'] as const) {
    const standing = standingAs(status)
    expect([standing.look(why), standing.look(undefined)]).toEqual([undefined, undefined])
  }
})

test('each status has its reason, and a room of one says so', () => {
  expect((['joining', 'joined', 'left'] as const).map((status) => standingAs(status).reason(1))).toEqual([
    'looking for members',
    'alone in the room so far',
    'this peer left',
  ])
  expect(standingAs('joined').reason(2)).toBe('in touch with the room')
})

function standingAs(status: PeerStatus): Standing {
  const standing = new Standing()
  expect(standing.status).toBe('joining')
  standing.status = status
  return standing
}
