/**
 * Builds dist/: the modules as they are for Node, self-contained files for browsers, and the demo page. All of it is built
 * beside the dist/ that is there, which is replaced at the end: nobody finds half of it, a build that fails leaves what was
 * built before, and two at once do not write into each other's.
 */

import { spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as esbuild from 'esbuild'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const dist = join(root, 'dist')
// As deep as dist/, for what the source maps say of their sources.
const building = mkdtempSync(join(root, '.dist-'))

const forBrowsers = {
  absWorkingDir: root,
  bundle: true,
  format: 'esm',
  platform: 'browser',
  target: 'es2022',
  sourcemap: true,
  legalComments: 'inline',
  logLevel: 'warning',
  // The build of msgpackr that never tries `new Function`: pages may forbid it by their Content-Security-Policy.
  alias: { msgpackr: 'msgpackr/index-no-eval' },
}

process.on('exit', () => rmSync(building, { recursive: true, force: true }))
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1))
compile()
await bundleBrowser()
await bundlePage()
chmodSync(join(building, 'node/cli.js'), 0o755)
publish()

/** TypeScript to JavaScript and declarations, file by file. Ends the build when a type is wrong. */
function compile() {
  const typescript = createRequire(import.meta.url).resolve('typescript/package.json')
  const tsc = join(dirname(typescript), 'bin/tsc')
  const options = ['-p', 'tsconfig.build.json', '--outDir', building]
  const { status } = spawnSync(process.execPath, [tsc, ...options], { cwd: root, stdio: 'inherit' })
  if (status !== 0) process.exit(1)
}

/**
 * `shoal/browser` is one file with everything in it, simple-peer included: it needs no polyfills from the bundler of
 * the application, nor any bundler at all. `shoal/overlay` is another. They are minified, since pages without a bundler
 * load them as they are; the source map gives readable stacks. The declarations that tsc wrote stay, its modules go.
 */
async function bundleBrowser() {
  const directory = join(building, 'browser')
  for (const file of readdirSync(directory, { recursive: true })) {
    if (file.endsWith('.js')) rmSync(join(directory, file))
  }
  await esbuild.build({
    ...forBrowsers,
    entryPoints: ['browser/index.ts', 'browser/overlay.ts'],
    outdir: directory,
    minify: true,
  })
}

/** The demo page, not minified: it is an example, and people look at it in their developer tools. */
async function bundlePage() {
  const page = join(building, 'page')
  const source = join(root, 'browser/demo')
  mkdirSync(page)
  await esbuild.build({ ...forBrowsers, entryPoints: ['browser/demo/main.ts'], outfile: join(page, 'main.js') })
  for (const file of readdirSync(source)) {
    if (['.html', '.css', '.svg'].includes(extname(file))) copyFileSync(join(source, file), join(page, file))
  }
}

/** In place of the dist/ that is there. Of several builds that end at once the last one stays. */
function publish() {
  // mkdtemp keeps others out, and who reads dist/ may be another user.
  chmodSync(building, 0o755)
  const before = `${building}-before`
  for (let attempt = 1; ; attempt++) {
    rmSync(before, { recursive: true, force: true })
    renameUnless('ENOENT', dist, before)
    if (renameUnless('ENOTEMPTY', building, dist)) break
    if (attempt === 10) throw new Error('dist/ cannot be replaced: others do so all the time')
  }
  rmSync(before, { recursive: true, force: true })
}

/** False where another build was faster. */
function renameUnless(code, from, to) {
  try {
    renameSync(from, to)
    return true
  } catch (error) {
    if (error.code === code) return false
    throw error
  }
}
