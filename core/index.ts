/**
 * `shoal`: the protocol core, and the words in which applications see it. Drivers and applications import from here only.
 *
 * @module
 */

export type { Consistency } from './agreement.ts'
export { Allowance, costOf } from './allowance.ts'
export * from './clock.ts'
export { isGossip } from './codec.ts'
export * from './config.ts'
export { hashFact, hashText } from './digest.ts'
export * from './errors.ts'
export type { Explanation, Named } from './explain.ts'
export * from './host.ts'
export * from './ids.ts'
export type { Instance } from './instance.ts'
export * from './member.ts'
export { checkData, checkTopic, type Message } from './message.ts'
export { checkFlag, checkKnown, shown } from './options.ts'
export type { LinkProgress } from './paths.ts'
export * from './random.ts'
export type { EntryChange } from './self.ts'
export * from './services.ts'
export { Swim } from './swim.ts'
export type { SwimOptions } from './swim-options.ts'
