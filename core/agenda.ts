/** What a peer has to do at some time. Each item carries what it is recognised by, should it have become stale. */

import type { JudgeTimer } from './judge.ts'

export type Due =
  | { type: 'period'; at: number }
  | JudgeTimer
  | { type: 'sync'; seq: number; at: number }
  | { type: 'signal' | 'letter' | 'reminder'; seq: number }
  | { type: 'gossip' | 'heal'; at: number }
  | { type: 'sweep' }
