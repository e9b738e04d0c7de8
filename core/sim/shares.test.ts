/** What a flood of messages, as large as members may send, leaves to who is here and to what members publish. */

import { expect, test } from 'vitest'
import { simulate } from './index.ts'
import type { Kind } from './options.ts'

const peers = 24

test.each([
  ['processes', ['udp']],
  ['tabs', ['rtc', 'relay']],
] as [string, Kind[]][])(
  'while five %s publish all they may, 50 messages a second are heard, a state is everywhere in a second, nobody is suspected, and a crash is noticed as in an idle room',
  (_name, kinds) => {
    const detected = [false, true].map((isFlooded) => {
      const world = simulate({
        peers,
        seed: 1,
        kinds,
        linked: kinds.includes('rtc'),
        acquainted: true,
        link: { loss: 0.01 },
      })
      world.run(5_000)
      const crashed = `p${peers - 1}`
      let crashedAt = Number.POSITIVE_INFINITY
      let detectedMs = Number.POSITIVE_INFINITY
      world.onEvent(({ type, of }) => {
        if (type === 'suspect') expect(of).toBe(crashed)
        if (type === 'dead') detectedMs = Math.min(detectedMs, world.now - crashedAt)
      })
      const heard = new Map(world.names().map((name) => [name, 0]))
      const applications = world.names().map((name) =>
        world.connect(name, ({ type }) => {
          if (type === 'message') heard.set(name, heard.get(name)! + 1)
        }),
      )
      const senders = applications.slice(0, 5)
      const data = 'x'.repeat(950)
      const flood = (ms: number) => {
        for (let n = 0; n < ms / 100; n++) {
          for (const sender of isFlooded ? senders : []) {
            for (let k = 0; k < 5; k++) sender.call((swim, now) => swim.publish('news', data, now))
          }
          world.run(100)
        }
      }
      flood(8_000)
      world.setState('p9', { mood: 'fine' })
      flood(1_000)
      for (const name of world.names())
        expect(world.peer(name).member(world.idOf('p9'))?.state).toEqual({ mood: 'fine' })
      if (isFlooded) for (const count of heard.values()) expect(count / 9).toBeGreaterThan(50)
      crashedAt = world.now
      world.crash(crashed)
      flood(6_000)
      expect(world.deaths()).toEqual([])
      for (const name of world.names()) expect(world.status(name, crashed)).toBe('dead')
      return detectedMs
    })
    expect(detected[1]).toBeLessThan(detected[0]! + 1_000)
  },
)
