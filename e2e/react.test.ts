/** `shoal/react` with peers of real tabs. */

import { build } from 'esbuild'
import { App } from './app.ts'
import { expect, test } from './fixtures.ts'
import { countHoldings } from './holdings.ts'
import { root } from './process.ts'

declare global {
  var mount: () => void
  var unmount: () => void
}

/** A development build, since StrictMode mounts twice in no other. */
async function bundle(options: object): Promise<string> {
  const contents = `
    import { StrictMode } from 'react'
    import { createRoot } from 'react-dom/client'
    import { ShoalProvider, useMembers, usePeer, useStatus } from 'shoal/react'
    import { join } from '/shoal.js'
    const Here = () => {
      globalThis.shoal = { peer: usePeer() }
      return [useStatus().status, ...useMembers().map(({ name }) => name)].join(' ')
    }
    const place = document.body.appendChild(document.createElement('main'))
    globalThis.mount = () => {
      const root = createRoot(place)
      const enter = (signal) => join({ ...${JSON.stringify(options)}, signal })
      root.render(<StrictMode><ShoalProvider join={enter}><Here /></ShoalProvider></StrictMode>)
      globalThis.unmount = () => root.unmount()
    }
    mount()`
  const { outputFiles } = await build({
    stdin: { contents, loader: 'jsx', resolveDir: root },
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    // As an application has it, without the paths that lead to our sources.
    tsconfigRaw: { compilerOptions: { jsx: 'react-jsx' } },
    external: ['/shoal.js'],
  })
  return outputFiles[0]!.text
}

test('a provider is one member while it is mounted, also twice over, and leaves nothing open behind it', async ({
  world,
}) => {
  await world.startSignal()
  const gate = await world.startAgent('gate', { gateway: true })
  const app = await App.serve(await bundle({ room: world.room, signaling: world.signaling, name: 'App' }))
  try {
    const { page } = await world.openTab('App', { url: app.url, before: countHoldings })
    const shown = page.locator('main')
    const holdings = () => page.evaluate(() => globalThis.holdings())
    const seen = async () => (await gate.view()).map(({ name, status }) => `${name} ${status}`).sort()
    await expect(shown).toHaveText(/^joined (App gate|gate App)$/)
    await expect.poll(seen).toEqual(['App alive', 'gate alive'])
    await expect.poll(holdings).toMatchObject({ sockets: 1, connections: 1 })

    await page.evaluate(() => globalThis.unmount())
    await expect.poll(seen).toEqual(['App left', 'gate alive'])
    // React's own scheduler has no timer at rest.
    await expect.poll(holdings).toEqual({ timers: 0, sockets: 0, connections: 0, workers: 0 })

    await page.evaluate(() => globalThis.mount())
    await expect(shown).toHaveText(/^joined (App gate|gate App)$/)
    await expect.poll(seen).toEqual(['App alive', 'App left', 'gate alive'])
  } finally {
    app.close()
  }
})
