/** How the bench runs, reads and asks `serf agent`. The same functions as `shoal.mjs`. */

import { spawnSync } from 'node:child_process'
import { SerfRpc } from './serf-rpc.mjs'

export const name = 'serf'
export const firstPort = 22_000

/** What `serf version` says first; throws one clear line when there is no serf. */
export function version() {
  const { error, status, stdout } = spawnSync('serf', ['version'], { encoding: 'utf8' })
  if (error || status !== 0) throw new Error('no serf found on PATH: install it, e.g. apt-get install serf')
  return stdout
    .split('\n')[0]
    .replace(/^Serf\s+/i, '')
    .trim()
}

/** Defaults but for names and addresses: the LAN profile. */
export function command(member, seed) {
  const join = seed ? [`-join=127.0.0.1:${seed.port}`] : []
  const addresses = [`-bind=127.0.0.1:${member.port}`, `-rpc-addr=127.0.0.1:${member.controlPort}`]
  return ['serf', 'agent', `-node=${member.name}`, ...addresses, ...join]
}

/**
 * Told by the layer that decides, as it decides. The events that Serf gives to handlers come a second or more later,
 * because it gathers them; waiting for those would be unfair. `forced` corrects a leave that was first taken for a failure.
 */
export function readLine(line) {
  const event = /serf: EventMember(Join|Leave|Failed)(?: \(forced\))?: (\S+)/.exec(line)
  if (event) return { type: { Join: 'join', Leave: 'leave', Failed: 'dead' }[event[1]], of: event[2] }
  const suspicion = /memberlist: Suspect (\S+) has failed/.exec(line)
  return suspicion ? { type: 'suspect', of: suspicion[1] } : undefined
}

export async function open(member) {
  const rpc = await SerfRpc.open(member.controlPort)
  const filtered = async (filter) => (await rpc.call('members-filtered', filter)).Members.length
  return {
    alive: () => filtered({ Tags: {}, Status: 'alive', Name: '' }),
    holds: async (word) => (await filtered({ Tags: { bench: word }, Status: '', Name: '' })) > 0,
    close: () => rpc.close(),
  }
}

/** Tags are what Serf members say of themselves, as entries and services are with Shoal. */
export async function change(member, word) {
  const rpc = await SerfRpc.open(member.controlPort)
  return {
    go: () => rpc.call('tags', { Tags: { bench: word }, DeleteTags: [] }),
    close: () => rpc.close(),
  }
}
