import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['{core,peer,node,signaling,browser,react,yjs,examples,scripts}/**/*.test.{ts,tsx,mjs}'],
    // Processes, not threads: a native module (WebRTC for Node) may be loaded in one test file only to crash the next.
    pool: 'forks',
    maxWorkers: 2,
    retry: 0,
    // For machines that stall. No test is built on waiting this long: all wait for what they expect.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})
