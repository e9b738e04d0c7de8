import { expect, test } from 'vitest'
import { Admission, networkOf } from './admission.ts'

const limits = { socketsMax: 3, socketsPerAddressMax: 2 }

test('a listed origin and a program without one come in, and a foreign page does not', () => {
  const admission = new Admission(limits, new Set(['https://example.com']))
  expect(admission.admit('https://example.com', '10.0.0.1')).toBeUndefined()
  expect(admission.admit(undefined, '10.0.0.1')).toBeUndefined()
  for (const origin of ['https://example.com.evil.org', 'http://example.com', 'null', '']) {
    expect(admission.admit(origin, '10.0.0.2')?.status).toBe(403)
  }
})

test('the limits of all sockets and of one address hold until a socket goes', () => {
  const admission = new Admission(limits, undefined)
  expect(admission.admit('https://any.org', '10.0.0.1')).toBeUndefined()
  expect(admission.admit(undefined, '10.0.0.1')).toBeUndefined()
  expect(admission.admit(undefined, '10.0.0.1')?.status).toBe(429)
  expect(admission.admit(undefined, '10.0.0.2')).toBeUndefined()
  expect(admission.admit(undefined, '10.0.0.3')?.status).toBe(503)
  admission.release('10.0.0.1')
  expect(admission.admit(undefined, '10.0.0.1')).toBeUndefined()
})

test.each([
  ['10.1.2.3', '10.1.2.3'],
  ['::ffff:10.1.2.3', '10.1.2.3'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['2001:db8:1:2::1', '2001:db8:1:2'],
  ['2001:db8::1', '2001:db8:0:0'],
  ['fe80::1%eth0', 'fe80:0:0:0'],
  ['::1', '0:0:0:0'],
  ['', ''],
])('%s belongs to the network %s', (address, network) => {
  expect(networkOf(address)).toBe(network)
})
