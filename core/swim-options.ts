/** What one peer's core is made of. */

import type { Config } from './config.ts'
import type { ChannelInfo, Host } from './host.ts'
import type { Random } from './random.ts'
import type { SelfOptions } from './self.ts'

/** What `new Swim` takes. */
export interface SwimOptions extends Omit<SelfOptions, 'endpoints'> {
  /** Whose packets are taken, 1 to 128 characters. */
  room: string
  /** In order of preference: where two peers share several kinds, the first is used. */
  channels: readonly ChannelInfo[]
  /** Numbers that nobody can guess: answers are recognised by them. */
  random: Random
  /** What carries out the effects. */
  host: Host
  /** The driver's clock, in milliseconds; it never runs backwards. */
  now: number
  /** Numbers other than the defaults. */
  config?: Partial<Config>
}
