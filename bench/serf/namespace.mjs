/**
 * A network and a process table of its own for each system. The counters of its loopback device then count that system's
 * packets and nothing else, and when the first process in it ends, however it does, the system ends all the others.
 * The namespace has no name and lives as long as that process, so there is nothing to remove.
 */

import { spawnSync } from 'node:child_process'

const bringUp = 'ip link set lo up'
const flags = ['--net', '--pid', '--fork', '--kill-child', '--mount-proc']

/**
 * `command`: what to put before a command to run it in a new namespace with loopback up. Where none can be made it is
 * empty, and `reason` says why.
 */
export function namespaceOfItsOwn() {
  let reason = ''
  // Root may, others where the system lets them be root of a namespace of users.
  for (const user of [[], ['--user', '--map-root-user']]) {
    const unshare = [...user, ...flags, 'sh', '-c']
    const { error, status, stderr } = spawnSync('unshare', [...unshare, bringUp], { encoding: 'utf8' })
    if (status === 0) return { command: ['unshare', ...unshare, `${bringUp} && exec "$@"`, 'sh'] }
    reason ||= error ? error.message : stderr.trim().split('\n')[0] || `unshare ended with ${status}`
  }
  return { command: [], reason: `no network namespace (${reason}); it takes Linux, root, util-linux and iproute2` }
}
