import { expect, test } from 'vitest'
import { findOrInstallChromium } from './chromium.mjs'

const downloaded = '/cache/playwright/chrome'

/** A pretended Linux machine: `files` are there, `broken` ones do not start, `commands` say what each command leaves. */
function pretend({ env = {}, isRoot = false, files = [], broken = [], commands = {} }) {
  const ran = []
  const said = []
  const there = new Set(files)
  const faulty = new Set(broken)
  const machine = {
    env,
    platform: 'linux',
    isRoot,
    playwrightPath: downloaded,
    exists: (path) => there.has(path),
    starts: (path) => there.has(path) && !faulty.has(path),
    run(command, args) {
      const line = [command, ...args].join(' ')
      ran.push(line)
      return commands[line]?.({ there, faulty }) ?? false
    },
    say: (line) => said.push(line),
  }
  return { machine, ran, said }
}

test('a Chromium that is there is used and nothing is installed', () => {
  const { machine, ran, said } = pretend({ files: ['/usr/bin/chromium', downloaded] })
  expect(findOrInstallChromium(machine)).toBe('/usr/bin/chromium')
  expect(ran).toEqual([])
  expect(said).toEqual(['chromium: /usr/bin/chromium (already installed)'])
})

test('one that does not start is passed over', () => {
  const { machine } = pretend({ files: ['/usr/bin/chromium', downloaded], broken: ['/usr/bin/chromium'] })
  expect(findOrInstallChromium(machine)).toBe(downloaded)
})

test('CHROMIUM_PATH comes first, and a wrong one is an error even where there are others', () => {
  const files = ['/usr/bin/chromium', '/opt/mine']
  expect(findOrInstallChromium(pretend({ env: { CHROMIUM_PATH: '/opt/mine' }, files }).machine)).toBe('/opt/mine')
  const wrong = pretend({ env: { CHROMIUM_PATH: '/opt/none' }, files })
  expect(() => findOrInstallChromium(wrong.machine)).toThrow('CHROMIUM_PATH: there is no file /opt/none')
})

test('where there is none, Playwright downloads one', () => {
  const { machine, ran } = pretend({
    commands: { 'playwright install chromium': ({ there }) => there.add(downloaded) },
  })
  expect(findOrInstallChromium(machine)).toBe(downloaded)
  expect(ran).toEqual(['playwright install chromium'])
})

test('a download that lacks libraries gets them from the system, as root', () => {
  const { machine } = pretend({
    isRoot: true,
    files: ['/usr/bin/apt-get'],
    commands: {
      'playwright install chromium': ({ there, faulty }) => there.add(downloaded) && faulty.add(downloaded),
      'playwright install-deps chromium': ({ faulty }) => faulty.delete(downloaded),
    },
  })
  expect(findOrInstallChromium(machine)).toBe(downloaded)
})

test('root on Debian without the download gets the package of the system', () => {
  const { machine, ran } = pretend({
    isRoot: true,
    files: ['/usr/bin/apt-get'],
    commands: {
      'apt-get update': () => true,
      'apt-get install -y --no-install-recommends chromium': ({ there }) => there.add('/usr/bin/chromium'),
    },
  })
  expect(findOrInstallChromium(machine)).toBe('/usr/bin/chromium')
  expect(ran).toEqual([
    'playwright install chromium',
    'apt-get update',
    'apt-get install -y --no-install-recommends chromium',
  ])
})

test('an ordinary user is not asked for rights but told what to do', () => {
  const { machine, ran } = pretend({ files: ['/usr/bin/apt-get'] })
  expect(() => findOrInstallChromium(machine)).toThrow('or set CHROMIUM_PATH')
  expect(ran).toEqual(['playwright install chromium'])
})
