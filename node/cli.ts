#!/usr/bin/env node
/** The binary `shoal`. It ends by itself once its verb has closed everything, so the exit code is set, not called. */

import { runVerb } from './commands/verbs.ts'

for (const stream of [process.stdout, process.stderr]) {
  // `shoal members | head` closes the pipe while we write: what is lost there, nobody wanted.
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })
}

process.exitCode = await runVerb(process.argv.slice(2), {
  env: process.env,
  signals: process,
  print: (text) => void process.stdout.write(`${text}\n`),
  complain: (line) => void process.stderr.write(`${line}\n`),
})
