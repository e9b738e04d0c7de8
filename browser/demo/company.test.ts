import { expect, test } from 'vitest'
import type { Member, MemberStatus } from '../../core/index.ts'
import { Company, lingerMs, shownMax } from './company.ts'

const member = (id: string, status: MemberStatus = 'alive', since = 0): Member => ({
  id,
  name: id,
  status,
  mode: 'visible',
  incarnation: 0,
  state: {},
  services: [],
  endpoints: [],
  via: 'direct',
  since,
  lastHeard: 0,
})
const ids = (members: readonly Member[]) => members.map(({ id }) => id)

test('somebody who goes stays in sight for a while, and then is gone for good', () => {
  const company = new Company()
  const gone = [member('me'), member('ana', 'dead', 1000)]
  company.select([member('me'), member('ana')], 'me', 900)
  expect(ids(company.select(gone, 'me', 1000))).toEqual(['me', 'ana'])
  expect(ids(company.select(gone, 'me', 999 + lingerMs))).toEqual(['me', 'ana'])
  expect(ids(company.select(gone, 'me', 1000 + lingerMs))).toEqual(['me'])
  expect(ids(company.select(gone, 'me', 1000))).toEqual(['me'])
})

test('somebody who was gone before this page came is never shown', () => {
  expect(ids(new Company().select([member('me'), member('ana', 'left', 1000)], 'me', 1000))).toEqual(['me'])
})

test('a suspect is still here, and the own member comes first', () => {
  const members = [member('zoe'), member('ana', 'suspect'), member('me')]
  expect(ids(new Company().select(members, 'me', 0))).toEqual(['me', 'ana', 'zoe'])
})

test('a crowd of tabs is cut off, and pushes out no server and not this tab', () => {
  const tabs = Array.from({ length: shownMax + 50 }, (_, i) => member(`a${i}`))
  const shown = new Company().select([...tabs, { ...member('z'), mode: 'server' }, member('zz')], 'zz', 0)
  expect(shown.length).toBe(shownMax)
  expect(ids(shown).slice(0, 2)).toEqual(['zz', 'z'])
})
