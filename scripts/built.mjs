/** What runs from dist/ has it built first: where it is missing, or older than what it is built from. */

import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const sources = ['core', 'peer', 'browser', 'node', 'react', 'yjs', 'signaling']
const script = join(root, 'scripts/build.mjs')

/** Ends the process where it cannot be built. What the build prints goes to stderr: stdout is the caller's. */
export function buildIfStale() {
  const built = join(root, 'dist/core/index.js')
  if (existsSync(built) && statSync(built).mtimeMs >= lastChange()) return
  console.error('building dist/ first')
  const { status } = spawnSync(process.execPath, [script], { stdio: ['ignore', 2, 2] })
  if (status !== 0) process.exit(1)
}

function lastChange() {
  const files = sources.flatMap((directory) =>
    readdirSync(join(root, directory), { recursive: true })
      .filter((file) => !/\.test\.tsx?$/.test(file))
      .map((file) => join(root, directory, file)),
  )
  return Math.max(...[script, ...files].map((file) => statSync(file).mtimeMs))
}
