/** An instance for tests: alive, passing and of weight 1 unless told otherwise. */

import type { Instance } from '../core/index.ts'

export function instance(id: string, facts: Partial<Instance> = {}): Instance {
  return {
    service: 'web',
    id,
    member: 'm',
    name: 'n',
    tags: [],
    meta: {},
    weight: 1,
    health: 'passing',
    status: 'alive',
    ageMs: 0,
    ...facts,
  }
}
