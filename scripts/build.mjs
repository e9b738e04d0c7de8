// Builds dist/: the modules as they are for Node, self-contained files for browsers, and the demo page.

import { spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as esbuild from 'esbuild'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const dist = join(root, 'dist')

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

rmSync(dist, { recursive: true, force: true })
compile()
await bundleBrowser()
await bundlePage()
chmodSync(join(dist, 'node/cli.js'), 0o755)

/** TypeScript to JavaScript and declarations, file by file. Ends the build when a type is wrong. */
function compile() {
  const typescript = createRequire(import.meta.url).resolve('typescript/package.json')
  const tsc = join(dirname(typescript), 'bin/tsc')
  const { status } = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}

/**
 * `shoal/browser` is one file with everything in it, simple-peer included: it needs no polyfills from the bundler of
 * the application, nor any bundler at all. `shoal/overlay` is another. They are minified, since pages without a bundler
 * load them as they are; the source map gives readable stacks. The declarations that tsc wrote stay, its modules go.
 */
async function bundleBrowser() {
  const directory = join(dist, 'browser')
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
  const page = join(dist, 'page')
  const source = join(root, 'browser/demo')
  mkdirSync(page)
  await esbuild.build({ ...forBrowsers, entryPoints: ['browser/demo/main.ts'], outfile: join(page, 'main.js') })
  for (const file of readdirSync(source)) {
    if (['.html', '.css', '.svg'].includes(extname(file))) copyFileSync(join(source, file), join(page, file))
  }
}
