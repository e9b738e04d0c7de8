/** Examples as somebody runs them who tries them, and visitors of their pages. */

import { type BrowserContext, expect } from 'playwright/test'
import { test } from './fixtures.ts'
import type { Process } from './process.ts'
import { Tab } from './tab.ts'
import type { World } from './world.ts'

/** Starts an example with a page and waits for the address it prints. */
export async function runExample(world: World, args: readonly string[]): Promise<{ example: Process; url: string }> {
  const example = world.run('example', args, { script: 'scripts/example.mjs' })
  let url = ''
  await expect
    .poll(() => {
      example.assertRunning()
      url = /http:\/\/localhost:\d+\//.exec(example.printed('out').join('\n'))?.[0] ?? ''
      return url
    })
    .not.toBe('')
  return { example, url }
}

/** `test` with the page of this example, for whoever visits it. */
export function testOf(name: string) {
  return test.extend<{ url: string; visit: (who: string) => Promise<Tab> }>({
    url: async ({ world }, use) => {
      const { url } = await runExample(world, [name, '--port', '0'])
      await use(url)
    },
    /** Opens a tab. A person's first one is asked for a name; their others are in the same browser, and are not. */
    visit: async ({ url, world, browser }, use) => {
      const browsers = new Map<string, BrowserContext>()
      await use(async (who) => {
        const known = browsers.get(who)
        const context = known ?? (await browser.newContext({ viewport: { width: 1000, height: 640 } }))
        browsers.set(who, context)
        const tab = new Tab(who, await context.newPage())
        world.tabs.push(tab)
        await tab.page.goto(`${url}?${new URLSearchParams({ room: world.room })}`)
        if (!known) {
          await tab.page.getByLabel('Your name').fill(who)
          await tab.page.getByRole('button').click()
        }
        return tab
      })
      for (const context of browsers.values()) await context.close()
    },
  })
}
