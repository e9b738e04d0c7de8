/**
 * `shoal/signaling`: the server that introduces peers to each other.
 *
 * @module
 */

export type { SignalingCounters } from './counters.ts'
export { defaultSignalingLimits, type SignalingLimits, type SignalingOptions, type TurnOptions } from './options.ts'
export { type SignalingServer, startSignaling } from './server.ts'
