/** The scenarios that must hold, in the order of the table in `docs/scenarios.md`. */

import { anomaly } from './anomaly.ts'
import { churn } from './churn.ts'
import { clocks } from './clocks.ts'
import { cursors, cursorsUdp } from './cursors.ts'
import { deaf } from './deaf.ts'
import { gateways } from './gateways.ts'
import { kill, killApart } from './kill.ts'
import { lossyFew } from './lossy-few.ts'
import { lossyJoin } from './lossy-join.ts'
import { partition, partitionForgotten } from './partition.ts'
import { restart } from './restart.ts'
import type { Scenario } from './scenario.ts'
import { starved } from './starved.ts'
import { tabsChurn } from './tabs-churn.ts'
import { tabsJoin } from './tabs-join.ts'
import { tabsNat } from './tabs-nat.ts'
import { tabsNeighbours } from './tabs-neighbours.ts'
import { tabsRoom } from './tabs-room.ts'
import { tabsSplit } from './tabs-split.ts'
import { tabsVanish } from './tabs-vanish.ts'
import { update, updateLarge } from './update.ts'

export { type Figures, type Result, type Statistic, statistic } from './findings.ts'
export {
  exceeded,
  judge,
  type Limit,
  perform,
  pooled,
  type Say,
  type Scenario,
  type Settings,
} from './scenario.ts'

export const scenarios: readonly Scenario[] = [
  kill,
  killApart,
  update,
  updateLarge,
  cursorsUdp,
  starved,
  anomaly,
  lossyJoin,
  deaf,
  lossyFew,
  partition,
  partitionForgotten,
  restart,
  clocks,
  churn,
  tabsJoin,
  tabsRoom,
  cursors,
  tabsVanish,
  tabsChurn,
  tabsNeighbours,
  tabsNat,
  tabsSplit,
  gateways,
]
