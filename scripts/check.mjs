// `npm run check`: everything that can be judged without running a test. All checks run, then the failures are named.

import { spawnSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const bin = join(root, 'node_modules/.bin')
const shell = process.platform === 'win32'

const checks = [
  // Format, lint, and circles among imports (`noImportCycles`).
  ['style', 'biome', 'ci', '--colors=off', '--error-on-warnings', '.'],
  ['types', 'tsc', '-p', 'tsconfig.json'],
  // The core again, without the types of a browser or of Node: it must not know either of them.
  ['types of the core', 'tsc', '-p', 'core/tsconfig.json'],
  ['build', 'npm', 'run', '--silent', 'build'],
  // What users will get: `exports` that lead somewhere, and a browser file within its budget.
  ['package', 'publint', '--strict'],
  ['size', 'size-limit'],
]

const failed = []
for (const [name, command, ...args] of checks) {
  const start = process.hrtime.bigint()
  const path = command === 'npm' ? 'npm' : join(bin, command)
  const { status, stdout, stderr, error } = spawnSync(path, args, { cwd: root, shell, encoding: 'utf8' })
  const seconds = (Number(process.hrtime.bigint() - start) / 1e9).toFixed(1)
  console.log(`${status === 0 ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)`)
  if (status === 0) continue
  failed.push(name)
  console.log([stdout, stderr, error?.message].filter(Boolean).join('\n').trimEnd())
}
if (failed.length > 0) {
  console.error(`failed: ${failed.join(', ')}`)
  process.exitCode = 1
}
