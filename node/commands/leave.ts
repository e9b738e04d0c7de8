/** `shoal leave`: the agent says goodbye to its room, and ends. */

import { ask, httpAddress } from './ask.ts'
import { httpFlag, type Verb } from './verb.ts'

export const leave: Verb = {
  summary: 'make the agent leave its room and end',
  usage: 'leave [--http host:port]',
  flags: httpFlag,
  async run(flags, shell) {
    const { address } = httpAddress(flags, shell)
    await ask<{ status: string }>(address, 'PUT', '/v1/agent/leave', 'status')
    shell.print('the agent has left')
  },
}
