// Threads that run scenarios side by side. The file is both ends: the pool, and what each of its threads does.

import { pathToFileURL } from 'node:url'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'

/** A run waits until one of the threads is free. */
export class Pool {
  #waiting = []
  #workers

  /** `library` is the file of the built scenarios. */
  constructor(library, size) {
    const workerData = pathToFileURL(library).href
    this.#workers = Array.from({ length: size }, () => {
      const worker = { thread: new Worker(new URL(import.meta.url), { workerData }), resolve: undefined }
      worker.thread.on('message', (result) => this.#done(worker, result))
      // What a scenario throws is a finding; an error that gets here is a fault of ours and ends everything.
      worker.thread.on('error', (error) => {
        throw error
      })
      return worker
    })
  }

  /** The result of one run: `{ scenario, seed, peers, quick }`. */
  run(job) {
    return new Promise((resolve) => {
      this.#waiting.push({ job, resolve })
      this.#next()
    })
  }

  close() {
    return Promise.all(this.#workers.map(({ thread }) => thread.terminate()))
  }

  #next() {
    const idle = this.#workers.find(({ resolve }) => resolve === undefined)
    if (idle === undefined || this.#waiting.length === 0) return
    const { job, resolve } = this.#waiting.shift()
    idle.resolve = resolve
    idle.thread.postMessage(job)
  }

  #done(worker, result) {
    worker.resolve(result)
    worker.resolve = undefined
    this.#next()
  }
}

if (!isMainThread && parentPort) {
  const { scenarios, perform } = await import(workerData)
  parentPort.on('message', ({ scenario, ...settings }) => {
    parentPort.postMessage(
      perform(
        scenarios.find(({ name }) => name === scenario),
        settings,
      ),
    )
  })
}
