/** Where this package is installed, which the same code asks from `node/` and, built, from `dist/node/`. */

import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The version in the package's own package.json. */
export function installedVersion(): string {
  return (JSON.parse(readFileSync(new URL('package.json', packageRoot()), 'utf8')) as { version: string }).version
}

/** The folder of the built demo page, or undefined where it was not built. */
export function demoPage(): string | undefined {
  const folder = fileURLToPath(new URL('dist/page/', packageRoot()))
  return existsSync(folder) ? folder : undefined
}

/** The nearest folder above this file that has a package.json. */
function packageRoot(): URL {
  let folder = new URL('./', import.meta.url)
  while (!existsSync(new URL('package.json', folder))) {
    const parent = new URL('../', folder)
    if (parent.href === folder.href) throw new Error('package.json of shoal is missing')
    folder = parent
  }
  return folder
}
