/** `shoal version`: what is installed. */

import { printAs, readFormat } from './ask.ts'
import { installedVersion } from './installation.ts'
import { formatFlag, type Verb } from './verb.ts'

export const version: Verb = {
  summary: 'print the version',
  usage: 'version [--format text|json]',
  flags: formatFlag,
  async run(flags, shell) {
    readFormat(flags)
    printAs(flags, shell, { version: installedVersion() }, (body) => `shoal ${body.version}`)
  },
}
