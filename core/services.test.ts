import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { StateValue } from './member.ts'
import { pack, unpack } from './msgpack.ts'
import {
  type ServiceOptions,
  type ServiceRecord,
  serviceFromValue,
  serviceKey,
  serviceRecord,
  serviceToValue,
} from './services.ts'

test('a registration is completed with what was left out', () => {
  expect(serviceRecord({ service: 'Payments' })).toEqual({
    service: 'payments',
    port: null,
    address: null,
    tags: [],
    meta: {},
    weight: 1,
    health: 'passing',
    draining: false,
  })
})

test('a registration is a copy of what it was made from', () => {
  const tags = ['a']
  const meta = { k: 'v' }
  const record = serviceRecord({ service: 'web', tags, meta })
  tags.push('b')
  meta.k = 'changed'
  expect(record).toMatchObject({ tags: ['a'], meta: { k: 'v' } })
})

test.each(['', ' ', 'a b', 'a_b', 'a.b', '-a', 'a-', 'a'.repeat(64), 'café', 'a\n', 'a/b', undefined, 7, null])(
  '%j is no name of a service',
  (service) => {
    expect(() => serviceRecord({ service: service as string })).toThrow(
      expect.objectContaining({ code: 'bad_name', message: expect.stringContaining('service: ') }),
    )
  },
)

test.each(['a', '0', 'a-b', 'a--b', '9lives', 'a'.repeat(63), 'WEB'])('%j is a name of a service', (service) => {
  expect(serviceRecord({ service }).service).toBe(service.toLowerCase())
})

test.each<[string, unknown]>([
  ['port', 0],
  ['port', 65_536],
  ['port', 80.5],
  ['port', '80'],
  ['port', null],
  ['port', Number.NaN],
  ['weight', 0],
  ['weight', -1],
  ['weight', 65_536],
  ['weight', '1'],
  ['address', ''],
  ['address', 'a'.repeat(256)],
  ['address', 7],
  ['tags', 'eu'],
  ['tags', [1]],
  ['tags', Array(33).fill('t')],
  ['meta', 'k=v'],
  ['meta', ['k']],
  ['meta', { k: 1 }],
  ['meta', null],
  ['meta', Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`k${i}`, 'v']))],
])('%s %j is refused by its name', (field, value) => {
  const options = { service: 'web', [field]: value } as ServiceOptions
  expect(() => serviceRecord(options)).toThrow(
    expect.objectContaining({ code: 'bad_option', message: expect.stringMatching(`^${field}.*: expected .*, got `) }),
  )
})

test.each<[object, string]>([
  [{ tags: ['a', 5] }, 'tags[1]: expected a string, got 5'],
  [{ tags: new Array(2) }, 'tags[0]: expected a string, got undefined'],
  [{ tags: Array(33).fill('t') }, 'tags: expected a list of at most 32 strings, got a list of 33'],
  [{ meta: { v: 2 } }, 'meta.v: expected a string, got 2'],
  [
    { meta: Object.fromEntries(Array.from({ length: 33 }, (_, i) => [i, 'v'])) },
    'meta: expected at most 32 strings, got 33',
  ],
])('the tag or the part of meta that is none is named: %j', (options, message) => {
  expect(() => serviceRecord({ service: 'web', ...options })).toThrow(message)
})

test('a member offers a service once a port', () => {
  expect(serviceKey({ service: 'web', port: null })).toBe('$service/web')
  expect(serviceKey({ service: 'web', port: 80 })).toBe('$service/web:80')
})

const record: fc.Arbitrary<ServiceRecord> = fc.record({
  service: fc.constantFrom('a', 'web', 'x-1'),
  port: fc.option(fc.integer({ min: 1, max: 65_535 })),
  address: fc.option(fc.string({ minLength: 1, maxLength: 20 })),
  tags: fc.array(fc.string({ maxLength: 5 }), { maxLength: 32 }),
  meta: fc
    .uniqueArray(
      fc.tuple(fc.oneof(fc.string({ maxLength: 4 }), fc.constant('__proto__')), fc.string({ maxLength: 5 })),
      {
        maxLength: 32,
        selector: ([key]) => key,
      },
    )
    .map((pairs) => Object.fromEntries(pairs)),
  weight: fc.integer({ min: 1, max: 65_535 }),
  health: fc.constantFrom('passing' as const, 'warning' as const, 'critical' as const),
  draining: fc.boolean(),
})

test('a registration that is no object is refused with an example', () => {
  for (const options of [undefined, null, 'web'] as unknown as ServiceOptions[]) {
    expect(() => serviceRecord(options)).toThrow(
      expect.objectContaining({ code: 'bad_option', message: expect.stringMatching(/^register: expected .*service/) }),
    )
  }
})

test('a service comes back from the wire as it was, whatever its meta keys are called', () => {
  fc.assert(
    fc.property(record, (sent) => {
      const received = serviceFromValue(unpack(pack(serviceToValue(sent))) as StateValue)!
      expect({ ...received, meta: Object.entries(received.meta) }).toEqual({ ...sent, meta: Object.entries(sent.meta) })
    }),
  )
})

test('fields that later versions add behind the known ones are ignored', () => {
  const sent = serviceRecord({ service: 'web', port: 80 })
  expect(serviceFromValue([...(serviceToValue(sent) as StateValue[]), 'later', [1]])).toEqual(sent)
})

test('whatever another peer wrote under the prefix is a service in every field, or none', () => {
  const field = fc.oneof(
    fc.constantFrom<StateValue>(null, 'web', 'a b', '', 0, 1, 2, 3, 80, 70_000, -1, 0.5, true, false),
    fc.array(fc.oneof(fc.string({ maxLength: 3 }), fc.nat()), { maxLength: 3 }),
    fc.jsonValue({ maxDepth: 2 }),
  ) as fc.Arbitrary<StateValue>
  const valid = serviceToValue(
    serviceRecord({ service: 'web', port: 80, tags: ['t'], meta: { k: 'v' } }),
  ) as StateValue[]
  let services = 0
  const value = fc.oneof(
    field,
    fc.array(field, { maxLength: 9 }),
    fc.tuple(fc.nat(7), field).map(([at, other]) => valid.map((one, i) => (i === at ? other : one))),
  )
  fc.assert(
    fc.property(value as fc.Arbitrary<StateValue>, (odd) => {
      const found = serviceFromValue(odd)
      if (found === undefined) return
      services++
      const { service, port, address, tags, meta, weight } = found
      expect(['passing', 'warning', 'critical']).toContain(found.health)
      expect(typeof found.draining).toBe('boolean')
      expect(address === null || typeof address === 'string').toBe(true)
      // What it must be for whoever registers it is what it has to be here; an empty address says nothing and does no harm.
      serviceRecord({ service, tags, meta, weight, ...(port !== null && { port }) })
    }),
    { numRuns: 2000 },
  )
  expect(services).toBeGreaterThan(10)
})
