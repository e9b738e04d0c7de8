// A process that holds some of the instances. It does what `start.mjs` tells it, and ends when that does.

import { startInstance } from './instance.mjs'

const instances = new Map()

process.on('message', async ({ seq, start, stop }) => {
  try {
    if (start) instances.set(start.name, await startInstance(start))
    else await instances.get(stop).stop()
    process.send({ seq, address: start && instances.get(start.name).address })
    if (stop) instances.delete(stop)
  } catch (error) {
    process.send({ seq, error: String(error) })
  }
})

process.on('disconnect', () => process.exit(0))
// Ctrl-C reaches all processes of a terminal; this one goes with `start.mjs`.
process.on('SIGINT', () => {})
