// Finds a Chromium for the tests, or installs one, or says exactly what to do.

import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { chromium } from 'playwright'

const places = {
  linux: [
    '/usr/bin/chromium',
    '/usr/bin/chromium-browser',
    '/usr/bin/google-chrome-stable',
    '/usr/bin/google-chrome',
    '/snap/bin/chromium',
  ],
  darwin: [
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
    '/Applications/Chromium.app/Contents/MacOS/Chromium',
  ],
  win32: ['PROGRAMFILES', 'PROGRAMFILES(X86)', 'LOCALAPPDATA']
    .map((name) => process.env[name])
    .filter((directory) => directory !== undefined)
    .map((directory) => join(directory, 'Google/Chrome/Application/chrome.exe')),
}

/** What the search and the installation touch of the machine; the tests give a pretended one. */
const machine = {
  env: process.env,
  platform: process.platform,
  isRoot: process.getuid?.() === 0,
  playwrightPath: chromium.executablePath(),
  exists: existsSync,
  starts,
  run,
  say: (line) => console.log(line),
}

/**
 * The path of a Chromium that starts. One line tells which it is. What is there is preferred to what would have to be
 * downloaded; CHROMIUM_PATH is preferred to both, and is never silently passed over.
 */
export function findOrInstallChromium(on = machine) {
  const wanted = on.env.CHROMIUM_PATH
  if (wanted) {
    if (!on.exists(wanted)) throw new Error(`CHROMIUM_PATH: there is no file ${wanted}`)
    if (!on.starts(wanted)) throw new Error(`CHROMIUM_PATH: ${wanted} --version does not run`)
    return found(on, wanted, 'from CHROMIUM_PATH')
  }
  const present = find(on)
  if (present) return found(on, present, 'already installed')
  for (const install of installers(on)) {
    install()
    const installed = find(on)
    if (installed) return found(on, installed, 'installed now')
  }
  throw new Error(
    'No Chromium was found and none could be installed. Install one (Debian: `apt-get install chromium`; anywhere: ' +
      '`npx playwright install --with-deps chromium`), or set CHROMIUM_PATH to the executable of one.',
  )
}

function find(on) {
  return [...(places[on.platform] ?? []), on.playwrightPath].find((path) => on.exists(path) && on.starts(path))
}

/** The ways to get one, to be tried in turn. A step that fails leaves it to the next. */
function installers(on) {
  const steps = [() => on.run('playwright', ['install', 'chromium'])]
  if (on.platform === 'linux' && on.isRoot) {
    // A downloaded Chromium does not start where the system lacks its libraries.
    steps.push(() => on.exists(on.playwrightPath) && on.run('playwright', ['install-deps', 'chromium']))
    steps.push(
      () =>
        on.exists('/usr/bin/apt-get') &&
        on.run('apt-get', ['update']) &&
        on.run('apt-get', ['install', '-y', '--no-install-recommends', 'chromium']),
    )
  }
  return steps
}

function found(on, path, how) {
  on.say(`chromium: ${path} (${how})`)
  return path
}

/** Whether it runs at all. On Windows `--version` would open a window, so that being there has to be enough. */
function starts(path) {
  if (process.platform === 'win32') return true
  return spawnSync(path, ['--version'], { stdio: 'ignore', timeout: 30_000 }).status === 0
}

/** Runs one command of the system, or the Playwright of this package. Tells whether it went well. */
function run(command, args) {
  const cli = join(dirname(createRequire(import.meta.url).resolve('playwright/package.json')), 'cli.js')
  const [file, argv] = command === 'playwright' ? [process.execPath, [cli, ...args]] : [command, args]
  console.log(`chromium: none that starts; running ${command} ${args.join(' ')}`)
  const { status } = spawnSync(file, argv, {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    timeout: 600_000,
  })
  return status === 0
}
