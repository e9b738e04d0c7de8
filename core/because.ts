/** Why a member is believed to be what it is, in one sentence that people understand. */

import type { Explanation, Named } from './explain.ts'

/** Names that a list tells; the others are counted. */
const namesMax = 2
/** A member that came back so long ago is one like any other. */
const comebackMs = 60_000

export type Facts = Omit<Explanation, 'because'>

export function because(facts: Facts): string {
  const { observer, status, accusers } = facts
  if (facts.self) return `this is the peer that was asked: ${observer.status}, ${observer.reason}`
  if (status === 'left') return `said farewell ${ago(facts.sinceMs)}`
  if (status === 'dead') return ofDead(facts)
  if (observer.status === 'isolated')
    return `kept as it was, since this peer takes itself for cut off: ${observer.reason}`
  return accusers.length > 0 ? ofSuspect(facts) : ofAlive(facts)
}

function ofDead(facts: Facts): string {
  const { declaredBy, sinceMs, accusers } = facts
  const by = declaredBy ? ` by ${nameOf(declaredBy, facts)}` : ''
  const before = accusers.length > 0 ? `, after ${listOf(accusers, facts)} had suspected it` : ''
  return `declared dead${by} ${ago(sinceMs)}${before}`
}

function ofSuspect(facts: Facts): string {
  const { accusers, sinceMs, deadInMs, lastAnswer, mode, cutOff, displacedBy } = facts
  const parts = [`suspected by ${listOf(accusers, facts)} for ${span(sinceMs)}`]
  if (cutOff) parts.push('no chain of members leads to it')
  if (displacedBy) parts.push(`${nameOf(displacedBy, facts)} lives at its address now`)
  if (lastAnswer && lastAnswer.agoMs < sinceMs) {
    parts.push(`it has answered this peer since, ${ago(lastAnswer.agoMs)}, but not refuted`)
  }
  const unless = mode === 'frozen' ? 'unless its frozen page comes back' : 'unless it answers'
  if (deadInMs !== undefined) parts.push(deadInMs > 0 ? `dead in ${span(deadInMs)} ${unless}` : 'its time is over')
  return parts.join('; ')
}

function ofAlive(facts: Facts): string {
  const { comeback, mode, status } = facts
  const parts: string[] = []
  if (status === 'suspect') parts.push('keeps coming and going, so it counts as suspect until it has been steady')
  else if (comeback && comeback.agoMs < comebackMs) {
    const from = comeback.from === 'suspicion' ? 'refuted a suspicion' : 'came back from the dead'
    parts.push(`${from} ${ago(comeback.agoMs)}`)
  }
  if (mode === 'frozen') parts.push('its page is frozen, so silence is expected of it')
  parts.push(proofOf(facts))
  return parts.join('; ')
}

function proofOf(facts: Facts): string {
  const { lastAnswer, failedProbe, watched } = facts
  if (!watched) {
    const before = lastAnswer ? `, and last answered this peer ${ago(lastAnswer.agoMs)}` : ''
    return `${hearsay(facts)}${before}`
  }
  const missed = failedProbe ? `; a probe ${ago(failedProbe.agoMs)} went unanswered` : ''
  if (lastAnswer === undefined) return `${hearsay(facts)}, and has not answered this peer yet${missed}`
  const { agoMs, kind, helper, carried } = lastAnswer
  if (helper) return `answered ${nameOf(helper, facts)}, which had asked for this peer, ${ago(agoMs)}${missed}`
  const way = kind === 'relay' ? 'through the signalling server' : `over ${kind}${carried ? ' links of others' : ''}`
  return `answered this peer ${ago(agoMs)} ${way}${missed}`
}

function hearsay(facts: Facts): string {
  const { watchers } = facts
  const others = watchers.filter(({ id }) => id !== facts.observer.id)
  if (others.length === 0) return 'known by hearsay only'
  const [whose, watch] = others.length === 1 ? ['neighbour', 'watches'] : ['neighbours', 'watch']
  return `known by hearsay only: its ${whose} ${listOf(others, facts)} ${watch} it`
}

function listOf(all: readonly Named[], facts: Facts): string {
  const shown = all.slice(0, namesMax).map((one) => nameOf(one, facts))
  const others = all.length - shown.length
  if (others > 0) shown.push(others === 1 ? '1 other' : `${others} others`)
  const last = shown.pop()!
  return shown.length === 0 ? last : `${shown.join(', ')} and ${last}`
}

function nameOf({ id, name }: Named, { observer }: Facts): string {
  return id === observer.id ? 'this peer' : name || id.slice(0, 8)
}

function ago(ms: number): string {
  return `${span(ms)} ago`
}

/** Two figures are enough for people. */
function span(ms: number): string {
  const seconds = ms / 1000
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`
  if (seconds < 99.5) return `${Math.round(seconds)} s`
  const minutes = seconds / 60
  return minutes < 99.5 ? `${Math.round(minutes)} min` : `${Math.round(minutes / 60)} h`
}
