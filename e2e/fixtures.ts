/** `test` with a `world`: a signalling server, agents and tabs on demand, and none of them left behind. */

import { test as base, expect } from 'playwright/test'
import { World } from './world.ts'

export { expect }

export const test = base.extend<{ world: World }>({
  world: async ({ browser }, use, info) => {
    const world = new World(`e2e-${info.testId.slice(0, 12)}`, browser)
    await use(world)
    const faults = await world.end()
    if (info.status !== info.expectedStatus || faults.length > 0) {
      await info.attach('processes', { body: world.transcript(), contentType: 'text/plain' })
    }
    expect(faults, 'no errors on a page, and every process ends with code 0 when asked to').toEqual([])
  },
})
