/** `shoal invite`: an address that lets a newcomer into the agent's room. */

import { ask, httpAddress, printAs, readFormat } from './ask.ts'
import { formatFlag, httpFlag, type Verb } from './verb.ts'

export const invite: Verb = {
  summary: 'print an address that lets a newcomer into the room while its signalling server is away',
  usage: 'invite [--format text|json] [--http host:port]',
  flags: { ...formatFlag, ...httpFlag },
  async run(flags, shell) {
    readFormat(flags)
    const { address } = httpAddress(flags, shell)
    const body = await ask<{ invite: string }>(address, 'GET', '/v1/invite', 'invite')
    printAs(flags, shell, body, ({ invite }) => invite)
  },
}
