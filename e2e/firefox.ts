/** Firefox as it is installed, with a new profile. It is opened on a page and not driven: the page does what there is to do. */

import { accessSync, constants, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { Process } from './process.ts'

/** No questions, no updates, and nothing said to its maker. */
const settings = {
  'app.normandy.enabled': false,
  'app.update.auto': false,
  'browser.shell.checkDefaultBrowser': false,
  'browser.startup.homepage_override.mstone': 'ignore',
  'datareporting.policy.dataSubmissionEnabled': false,
  'datareporting.healthreport.uploadEnabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'toolkit.telemetry.reportingpolicy.firstRun': false,
}

/** Where Firefox is: as `FIREFOX_PATH` says, else by its names on the PATH; undefined where there is none. */
export function findFirefox(): string | undefined {
  const { FIREFOX_PATH: named, PATH = '' } = process.env
  if (named) return named
  const places = PATH.split(delimiter).flatMap((folder) => ['firefox', 'firefox-esr'].map((name) => join(folder, name)))
  return places.find((path) => {
    try {
      accessSync(path, constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

export class Firefox {
  readonly #process: Process
  readonly #home: string

  constructor(path: string, url: string) {
    this.#home = mkdtempSync(join(tmpdir(), 'shoal-firefox-'))
    const lines = Object.entries(settings).map(([name, value]) => `user_pref('${name}', ${JSON.stringify(value)})`)
    writeFileSync(join(this.#home, 'user.js'), `${lines.join('\n')}\n`)
    this.#process = new Process('firefox', ['--headless', '--no-remote', '--profile', this.#home, url], {
      program: path,
      env: { HOME: this.#home },
    })
  }

  assertRunning(): void {
    this.#process.assertRunning()
  }

  /** Ends it without a word. */
  async kill(): Promise<void> {
    await this.#process.kill()
    // Its content processes notice that, and may write meanwhile.
    rmSync(this.#home, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
  }
}
