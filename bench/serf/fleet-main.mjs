/**
 * One system's fleet as a process, so that it can stand in a network namespace. It does what its parent asks over IPC and
 * ends, with all its members, when it is told to or when the parent has gone.
 */

import { Fleet } from './fleet.mjs'
import * as serf from './serf.mjs'
import * as shoal from './shoal.mjs'

const fleet = new Fleet({ serf, shoal }[process.argv[2]])
let ending

process.on('message', async ({ call, args }) => {
  try {
    process.send({ result: await fleet[call](...args) })
  } catch (error) {
    if (!ending) process.send({ error: error.message })
  }
})
process.once('disconnect', end)
// At Ctrl-C the terminal signals parent and child alike.
process.on('SIGINT', end)
process.on('SIGTERM', end)

function end() {
  ending ??= fleet.close().then(() => process.exit())
}
