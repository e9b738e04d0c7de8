/** `shoal`: the protocol core. Drivers and applications import from here only. */

export type { Consistency } from './agreement.ts'
export * from './clock.ts'
export * from './config.ts'
export * from './errors.ts'
export * from './host.ts'
export * from './ids.ts'
export * from './member.ts'
export * from './random.ts'
export type { EntryChange } from './self.ts'
export * from './services.ts'
export { Swim, type SwimOptions } from './swim.ts'
