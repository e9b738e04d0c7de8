import { defineConfig } from 'playwright/test'
// @ts-expect-error: scripts run as they are, and have no declarations
import { findOrInstallChromium } from '../scripts/chromium.mjs'

// This file is read once more by every worker, which then has the path already.
const executablePath: string = process.env.CHROMIUM_PATH || findOrInstallChromium()
process.env.CHROMIUM_PATH = executablePath

export default defineConfig({
  testDir: '.',
  testMatch: '**/*.test.ts',
  outputDir: '../test-results/e2e',
  // A test is a whole room of processes and tabs; two at a time keep two cores busy.
  workers: 2,
  fullyParallel: true,
  forbidOnly: Boolean(process.env.CI),
  // A test that passes at the second attempt has found a race. It fails.
  retries: 0,
  // For machines several times slower than usual: no test is built on waiting this long, all wait for what they expect.
  timeout: 240_000,
  expect: { timeout: 60_000 },
  reporter: 'list',
  use: {
    browserName: 'chromium',
    headless: true,
    launchOptions: {
      executablePath,
      args: [
        '--no-sandbox', // Chromium refuses to run as root with it, as it is in most containers
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    },
  },
})
