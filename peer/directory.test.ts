/** Registrations of a peer that goes on under another id, as a page does that comes out of the back-forward cache. */

import { expect, test } from 'vitest'
import { Hub } from './hub.fake.ts'
import { silentLog } from './options.ts'
import type { Peer } from './peer.ts'
import { start } from './start.ts'

test('what was registered is offered again under the new id, and its registrations go on', async () => {
  const peer = await begin()
  const web = peer.register({ service: 'web', port: 80 })
  web.setHealth('warning')
  const [before] = peer.lookup('web')
  await peer.leave()
  expect(() => web.setHealth('passing')).toThrow(expect.objectContaining({ code: 'left' }))
  await begin(peer)
  const [after] = peer.lookup('web')
  expect(after).toMatchObject({ member: peer.id, port: 80, health: 'warning' })
  expect(after!.id).not.toBe(before!.id)
  expect(() => peer.register({ service: 'web', port: 80 })).toThrow(
    expect.objectContaining({ code: 'already_registered' }),
  )
  web.drain()
  expect(peer.pick('web')).toMatchObject({ status: 'draining', health: 'warning' })
  web.deregister()
  expect(peer.lookup('web')).toEqual([])
  await peer.leave()
})

test('what was deregistered while the peer was away does not come back with it', async () => {
  const peer = await begin()
  const web = peer.register({ service: 'web' })
  peer.register({ service: 'db' })
  await peer.leave()
  web.deregister()
  await begin(peer)
  expect(peer.lookup('web')).toEqual([])
  expect(peer.lookup('db')).toHaveLength(1)
  peer.register({ service: 'web' })
  expect(peer.lookup('web')).toHaveLength(1)
  await peer.leave()
})

test('a peer that went on watches, reports and picks in its new room', async () => {
  const peer = await begin()
  for (const port of [1, 2]) peer.register({ service: 'web', port })
  for (let i = 0; i < 3; i++) peer.report(peer.lookup('web')[0]!, false)
  const old = peer.watch('web')[Symbol.asyncIterator]()
  await old.next()
  const next = old.next()
  await peer.leave()
  expect((await next).done).toBe(true)
  await begin(peer)
  const items = peer.watch('web')[Symbol.asyncIterator]()
  expect((await items.next()).value!.added).toHaveLength(2)
  const change = items.next()
  peer.register({ service: 'web', port: 3 })
  expect((await change).value!.added).toMatchObject([{ port: 3 }])
  const [first] = peer.lookup('web')
  for (let i = 0; i < 3; i++) peer.report(first!, false)
  for (let i = 0; i < 30; i++) expect(peer.pick('web')).not.toBe(first)
  await peer.leave()
})

const hub = new Hub()

function begin(again?: Peer): Promise<Peer> {
  return start(
    { room: 'r', log: silentLog },
    'server',
    async ({ driver }) => ({
      channels: [hub.channel(driver.eventsOf('sim'))],
      begin: () => driver.call((swim, now) => swim.join([], now)),
      close: async () => {},
    }),
    again,
  )
}
