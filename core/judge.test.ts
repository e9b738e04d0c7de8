import { expect, test } from 'vitest'
import { defaultConfig } from './config.ts'
import type { MemberMode } from './member.ts'
import { Crowd, rttMs } from './sim/crowd.ts'
import { frozenMs, suspicionMs } from './suspicion.ts'

// Witnesses

test('who lives next to a suspect checks at once whether it is there, and nobody else does', () => {
  const crowd = new Crowd(40)
  for (const at of crowd.witnesses(true).slice(0, 3))
    expect(crowd.during(() => crowd.accuse(at, 7)).pinged).toEqual([at])
  for (const at of crowd.witnesses(false).slice(0, 3))
    expect(crowd.during(() => crowd.accuse(at, 7)).pinged).toEqual([])
})

test('a witness checks once: a further accuser is no reason to try again', () => {
  const crowd = new Crowd(40)
  const [at] = crowd.witnesses(true)
  crowd.accuse(at!, 7)
  crowd.run(2 * rttMs)
  expect(crowd.during(() => crowd.accuse(at!, 8)).pinged).toEqual([])
})

test('the check carries the accusation to the suspect, so that it can refute', () => {
  const crowd = new Crowd(40)
  const [at] = crowd.witnesses(true)
  const { packets } = crowd.during(() => crowd.accuse(at!, 7))
  expect(packets[0]!.rumours).toContainEqual({
    type: 'suspect',
    id: crowd.idOf(at!),
    incarnation: 1,
    accuser: crowd.idOf(7),
  })
})

test('a check that fails is a confirmation of its own, and is told to the others', () => {
  const crowd = new Crowd(40)
  crowd.warmUp()
  const [at] = crowd.witnesses(true)
  crowd.silent.add(at!)
  let helped = 0
  crowd.mute = () => ++helped <= 2
  crowd.accuse(at!, 7)
  crowd.run(3 * defaultConfig.ackTimeoutMinMs)
  expect(crowd.belief(at!).accusers).toEqual([crowd.idOf(7), crowd.self])
  // That a suspect does not answer is no reason to doubt oneself, whoever else was silent.
  expect(crowd.health).toBe(0)
  crowd.run(100)
  const told = crowd.sent.flatMap(({ rumours }) => rumours)
  expect(told).toContainEqual({ type: 'suspect', id: crowd.idOf(at!), incarnation: 1, accuser: crowd.self })
})

test('a check that succeeds accuses nobody', () => {
  const crowd = new Crowd(40)
  const [at] = crowd.witnesses(true)
  crowd.accuse(at!, 7)
  crowd.run(600)
  expect(crowd.belief(at!).accusers).toEqual([crowd.idOf(7)])
})

test('whose address another has taken is checked at once by its witnesses, and denied at once by the new owner', () => {
  const crowd = new Crowd(11)
  const heir = { ...crowd.recordOf(50), endpoints: [crowd.endpoint(3)] }
  crowd.denying.add(3)
  expect(crowd.during(() => crowd.hear(4, [heir])).pinged).toEqual([3])
  crowd.run(rttMs)
  expect(crowd.belief(3)).toMatchObject({ status: 'suspect', accusers: [crowd.self] })
})

// How long a suspicion lasts

test('a lone accuser waits the longest, each that confirms shortens it, and three make it as short as it gets', () => {
  const crowd = new Crowd(40)
  const [at] = crowd.witnesses(false)
  crowd.silent.add(at!)
  const from = crowd.now
  const lasts = [7, 8, 9, 10].map((accuser) => {
    crowd.accuse(at!, accuser)
    return crowd.belief(at!).suspectUntil - from
  })
  const circumstances = { size: 41, rttMs: crowd.usualRttMs, mode: 'server' as const, penalty: 0 }
  expect(lasts).toEqual(
    [0, 1, 2, 3].map((count) => expect.closeTo(suspicionMs(defaultConfig, count, circumstances), 5)),
  )
  expect(lasts[0]).toBeGreaterThan(6_000)
  expect(lasts[3]).toBeLessThan(1_300)
})

test('a confirmed suspicion is a death after a period, one on one voice is none yet', () => {
  for (const [accusers, status] of [
    [[7, 8, 9, 10], 'dead'],
    [[7], 'suspect'],
  ] as const) {
    const crowd = new Crowd(40)
    const [at] = crowd.witnesses(false)
    crowd.silent.add(at!)
    for (const accuser of accusers) crowd.accuse(at!, accuser)
    crowd.run(1_300)
    expect(crowd.belief(at!).status).toBe(status)
  }
})

test.each<[MemberMode, number]>([
  ['visible', 2],
  ['hidden', 3],
])('a tab that is %s is given %i times as long', (mode, factor) => {
  const crowd = new Crowd(40)
  const [at, other] = crowd.witnesses(false)
  crowd.hear(7, [{ ...crowd.recordOf(at!), incarnation: 2, mode }])
  const lasts = [at!, other!].map((one) => {
    for (const accuser of [7, 8, 9, 10]) crowd.accuse(one, accuser)
    return crowd.belief(one).suspectUntil - crowd.now
  })
  expect(lasts[0]! / lasts[1]!).toBeCloseTo(factor)
})

test('a tab that is frozen is given ten minutes, whoever confirms its silence', () => {
  const crowd = new Crowd(40)
  const [at] = crowd.witnesses(false)
  crowd.hear(7, [{ ...crowd.recordOf(at!), incarnation: 2, mode: 'frozen' }])
  for (const accuser of [7, 8, 9, 10]) crowd.accuse(at!, accuser)
  crowd.silent.add(at!)
  expect(crowd.belief(at!).suspectUntil - crowd.now).toBe(frozenMs)
  crowd.run(frozenMs - 1_000)
  expect(crowd.belief(at!).status).toBe('suspect')
  crowd.run(5_000)
  expect(crowd.belief(at!).status).toBe('dead')
})

test('a suspect that goes on answering is not given up, though it never refutes', () => {
  const crowd = new Crowd(40)
  const [at] = crowd.witnesses(true)
  crowd.accuse(at!, 7)
  crowd.run(60_000)
  expect(crowd.told('dead')).toEqual([])
  expect(crowd.belief(at!).status).toBe('suspect')
})

test('whoever is accused and refutes again and again costs one timer', () => {
  const crowd = new Crowd(40)
  const [at] = crowd.witnesses(false)
  const timers = () => crowd.swim.counters().timers!
  const before = timers()
  for (let incarnation = 2; incarnation <= 400; incarnation++) {
    for (const accuser of [7, 8, 9, 10]) crowd.accuse(at!, accuser)
    crowd.hear(at!, [{ ...crowd.recordOf(at!), incarnation }])
    crowd.run(10)
    expect(timers() - before).toBeLessThan(12)
  }
  // And the last of them is still as good as the first.
  crowd.accuse(at!, 7)
  crowd.silent.add(at!)
  crowd.run(120_000)
  expect(crowd.belief(at!).status).toBe('dead')
})

test('a sign of life prolongs a suspicion: it counts from there', () => {
  const crowd = new Crowd(40)
  const [at] = crowd.witnesses(true)
  crowd.accuse(at!, 7)
  crowd.run(2 * rttMs)
  const { lastHeard, since } = crowd.belief(at!)
  expect(lastHeard).toBe(since + rttMs)
  crowd.silent.add(at!)
  for (const accuser of [8, 9, 10]) crowd.accuse(at!, accuser)
  const { suspectUntil } = crowd.belief(at!)
  const circumstances = { size: 41, rttMs: crowd.usualRttMs, mode: 'server' as const, penalty: 0 }
  expect(suspectUntil - lastHeard).toBeCloseTo(suspicionMs(defaultConfig, 3, circumstances), 5)
  crowd.run(suspectUntil - crowd.now - 1)
  expect(crowd.belief(at!).status).toBe('suspect')
})

test('a suspicion lasts longer by as much as this peer doubts itself', () => {
  const crowd = new Crowd(40)
  const [at, other] = crowd.witnesses(false)
  crowd.accuse(at!, 7)
  for (let i = 0; i < 2; i++) crowd.doubt()
  crowd.accuse(other!, 7)
  const [healthy, doubtful] = [at!, other!].map((one) => crowd.belief(one).suspectUntil - crowd.now)
  expect(doubtful! / healthy!).toBeCloseTo(3)
})

test('whoever doubts itself looks once more before it declares a death, and a healthy peer need not', () => {
  for (const doubts of [0, 3]) {
    const crowd = new Crowd(40)
    for (let i = 0; i < doubts; i++) crowd.doubt()
    const [at] = crowd.witnesses(false)
    for (const accuser of [7, 8, 9, 10]) crowd.accuse(at!, accuser)
    const { pinged } = crowd.during(() => crowd.run(10_000))
    expect([pinged.includes(at!), crowd.belief(at!).status]).toEqual(doubts === 0 ? [false, 'dead'] : [true, 'suspect'])
  }
})

// Whom it accuses

test('one that answers nobody is accused after the ack timeout and twice as much, if those asked heard the asking', () => {
  const crowd = new Crowd(40)
  crowd.warmUp()
  crowd.silent.add(3)
  crowd.sent.length = 0
  const pingedAt = crowd.runUntil(() => crowd.sent.at(-1)?.to === crowd.endpoint(3))
  crowd.runUntil(() => crowd.told('suspect').length > 0)
  expect(crowd.told('suspect')).toEqual(['m3'])
  expect(crowd.now - pingedAt).toBeCloseTo(3 * defaultConfig.ackTimeoutMinMs)
  expect(crowd.health).toBe(0)
})

test('one whose address says that it does not live there is accused without any waiting', () => {
  const crowd = new Crowd(40)
  crowd.denying.add(3)
  // Not even one that comes and goes is given another try.
  crowd.belief(3).punish(1.5, crowd.now)
  const pingedAt = crowd.runUntil(() => crowd.sent.at(-1)?.to === crowd.endpoint(3), 600_000)
  crowd.runUntil(() => crowd.told('suspect').length > 0)
  expect(crowd.now - pingedAt).toBe(rttMs)
})

test('one that keeps coming back from the dead has to miss several probes in a row before it is accused again', () => {
  const crowd = new Crowd(11)
  const belief = crowd.belief(3)
  belief.punish(1.5, crowd.now)
  belief.punish(0.9, crowd.now + 10_000)
  crowd.silent.add(3)
  crowd.runUntil(() => crowd.told('suspect').length > 0)
  expect(belief.failures).toBe(3)
})

test('a probe that is answered ends the row of those that were missed', () => {
  const crowd = new Crowd(11)
  const belief = crowd.belief(3)
  belief.punish(1.5, crowd.now)
  crowd.silent.add(3)
  crowd.runUntil(() => belief.failures === 1)
  crowd.silent.delete(3)
  crowd.run(5_000)
  expect(belief.failures).toBe(0)
  expect(crowd.told('suspect')).toEqual([])
})

// Its own health

test('where half of those asked say that they were, health improves; where fewer do, it stays as it is', () => {
  for (const [muted, health] of [
    [1, 2],
    [2, 3],
  ] as const) {
    const crowd = new Crowd(40)
    crowd.warmUp()
    crowd.silent.add(3)
    let helped = 0
    crowd.mute = () => ++helped <= muted
    crowd.sent.length = 0
    crowd.runUntil(() => crowd.sent.at(-1)?.to === crowd.endpoint(3))
    for (let i = 0; i < 3; i++) crowd.doubt()
    crowd.runUntil(() => crowd.told('suspect').length > 0)
    expect({ muted, health: crowd.health }).toEqual({ muted, health })
  }
})

test('each probe answered in time improves health, until it is well again', () => {
  const crowd = new Crowd(40)
  for (let i = 0; i < 3; i++) crowd.doubt()
  expect(crowd.health).toBe(3)
  crowd.runUntil(() => crowd.received === 1)
  expect(crowd.health).toBe(2)
  crowd.run(30_000)
  expect(crowd.health).toBe(0)
})

test('an answer that comes too late improves nothing, though it is a sign of life', () => {
  const crowd = new Crowd(40)
  crowd.warmUp()
  crowd.silent.add(3)
  crowd.sent.length = 0
  const pingedAt = crowd.runUntil(() => crowd.sent.at(-1)?.to === crowd.endpoint(3))
  const { header } = crowd.sent.at(-1)!
  crowd.runUntil(() => crowd.told('suspect').length > 0)
  crowd.doubt()
  crowd.ack(3, header.kind === 'ping' ? header.seq : 0)
  expect(crowd.health).toBe(1)
  expect(crowd.belief(3).lastHeard).toBe(crowd.now)
  expect(crowd.now - pingedAt).toBeGreaterThan(0)
})

test('having to refute worsens health', () => {
  const crowd = new Crowd(40)
  crowd.doubt()
  expect(crowd.health).toBe(1)
})

test('a timer that comes more than a quarter of a period late worsens health, a little delay does not', () => {
  for (const [ms, health] of [
    [240, 0],
    [260, 1],
  ] as const) {
    const crowd = new Crowd(40)
    crowd.stall(ms)
    expect({ ms, health: crowd.health }).toEqual({ ms, health })
  }
})

test('bad health makes periods last longer, up to eight times', () => {
  const crowd = new Crowd(40)
  crowd.run(1_500)
  for (let i = 0; i < 20; i++) crowd.doubt()
  expect(crowd.health).toBe(7)
  const periods = () => crowd.swim.counters().periods!
  crowd.silentAll = true
  crowd.runUntil(() => periods() === 3)
  const from = crowd.now
  crowd.runUntil(() => periods() === 4)
  expect(crowd.now - from).toBeGreaterThan(7_900)
})

// Judging oneself first

test('after an absence of half a period and more, what fell due meanwhile is void, and suspicions last longer by it', () => {
  for (const [ms, absences, prolonged] of [
    [450, undefined, 0],
    [600, 1, 600],
    [30_000, 1, 30_000],
  ] as const) {
    const crowd = new Crowd(40)
    const [at] = crowd.witnesses(false)
    for (const accuser of [7, 8]) crowd.accuse(at!, accuser)
    crowd.stall(ms)
    expect(crowd.swim.counters().absences).toBe(absences)
    expect(crowd.belief(at!).extendedMs).toBe(prolonged)
    expect(crowd.belief(at!).status).toBe('suspect')
  }
})

test('a probe that was under way during an absence accuses nobody', () => {
  const crowd = new Crowd(40)
  crowd.warmUp()
  crowd.silent.add(3)
  crowd.sent.length = 0
  crowd.runUntil(() => crowd.sent.at(-1)?.header.kind === 'pingReq')
  // The nacks have come, and a moment later the probe would have failed.
  crowd.run(2 * defaultConfig.ackTimeoutMinMs - 1)
  expect(crowd.told('suspect')).toEqual([])
  crowd.silent.delete(3)
  crowd.stall(1_000)
  crowd.run(10_000)
  expect(crowd.told('suspect')).toEqual([])
})

test('for three periods after an absence of two nobody is accused, though nobody answers', () => {
  const crowd = new Crowd(2)
  crowd.warmUp()
  crowd.silentAll = true
  crowd.stall(2_100)
  const from = crowd.now
  crowd.runUntil(() => crowd.told('suspect').length > 0, 60_000)
  expect(crowd.now - from).toBeGreaterThan(3_000)
})

// Isolation

test('where nobody answers at all, this peer accuses nobody and says that it is isolated, and why', () => {
  const crowd = new Crowd(20)
  crowd.warmUp()
  crowd.silentAll = true
  crowd.runUntil(() => crowd.swim.status === 'isolated', 20_000)
  crowd.run(300_000)
  expect(crowd.swim.status).toBe('isolated')
  expect(crowd.swim.reason).toBe('none of 20 members answers, so this peer is probably cut off; the last view is kept')
  expect(crowd.swim.members()).toHaveLength(21)
  expect([crowd.told('suspect'), crowd.told('dead')]).toEqual([[], []])
  expect(crowd.statuses).toEqual(['isolated'])
})

test('whoever is cut off keeps trying once a period, however bad its health', () => {
  const crowd = new Crowd(20)
  crowd.silentAll = true
  crowd.run(60_000)
  expect(crowd.health).toBe(7)
  const before = crowd.swim.counters().periods!
  crowd.run(60_000)
  expect(crowd.swim.counters().periods! - before).toBeGreaterThanOrEqual(59)
})

test('without a path to anybody a peer is isolated, accuses nobody, and is back when there is one', () => {
  const crowd = new Crowd(2)
  crowd.warmUp()
  // Also the probe that is under way says nothing any more.
  crowd.silent.add(0)
  crowd.sent.length = 0
  crowd.runUntil(() => crowd.sent.at(-1)?.to === crowd.endpoint(0))
  crowd.swim.channelAvailable('udp', false, crowd.now)
  crowd.run(60_000)
  expect(crowd.swim.reason).toBe('no path is left to any of 2 members; the last view is kept')
  crowd.silent.clear()
  crowd.swim.channelAvailable('udp', true, crowd.now)
  crowd.run(1_000)
  expect(crowd.statuses).toEqual(['isolated', 'joined'])
  expect([crowd.told('suspect'), crowd.told('dead')]).toEqual([[], []])
})

test('where nobody answered, neither the member nor those asked to help, it is tried again before anything is concluded', () => {
  const crowd = new Crowd(20)
  crowd.warmUp()
  crowd.silentAll = true
  crowd.sent.length = 0
  const failed = () => crowd.swim.counters().probes_failed ?? 0
  crowd.runUntil(() => crowd.sent.at(-1)?.header.kind === 'pingReq')
  const { header } = crowd.sent.at(-1)!
  const { pinged } = crowd.during(() => crowd.runUntil(() => failed() === 1))
  expect(pinged.map((n) => crowd.idOf(n))).toEqual([header.kind === 'pingReq' && header.target])
  expect(crowd.told('suspect')).toEqual([])
})

test('isolation ends with the first answer', () => {
  const crowd = new Crowd(20)
  crowd.warmUp()
  crowd.silentAll = true
  crowd.runUntil(() => crowd.swim.status === 'isolated', 20_000)
  crowd.run(60_000)
  crowd.silentAll = false
  const before = crowd.received
  crowd.runUntil(() => crowd.received > before, 10_000)
  expect(crowd.swim.status).toBe('joined')
  expect(crowd.swim.reason).toBe('in touch with the room')
  crowd.run(60_000)
  expect(crowd.statuses).toEqual(['isolated', 'joined'])
  expect([crowd.told('suspect'), crowd.told('dead')]).toEqual([[], []])
  expect(crowd.health).toBe(0)
})

test('in a room of three, where two may well go at once, both are given up', () => {
  const crowd = new Crowd(2)
  crowd.warmUp()
  crowd.silentAll = true
  crowd.run(60_000)
  expect(crowd.told('dead').sort()).toEqual(['m0', 'm1'])
  expect(crowd.swim.status).toBe('joined')
})

test('where most of a crowd is accused at once, nobody is given up for half a minute, and then they are', () => {
  const crowd = new Crowd(40)
  const gone = Array.from({ length: 24 }, (_, i) => i)
  for (const at of gone) crowd.silent.add(at)
  for (const at of gone) for (const accuser of [30, 31, 32, 33]) crowd.accuse(at, accuser)
  crowd.run(29_000)
  expect(crowd.told('dead')).toEqual([])
  expect(crowd.swim.status).toBe('isolated')
  expect(crowd.swim.reason).toContain('24 of 40 members fell silent at once')
  crowd.run(15_000)
  expect(crowd.told('dead')).toHaveLength(24)
  expect(crowd.swim.status).toBe('joined')
})

test('a room that is restarted under the same addresses is no sign of isolation: where the old ones went is known', () => {
  const crowd = new Crowd(24)
  const [heirs, accusers] = [100, [100, 101, 102, 103]]
  for (let at = 0; at < 24; at++) {
    crowd.hear(at, [{ ...crowd.recordOf(heirs + at), endpoints: [crowd.endpoint(at)] }])
    crowd.denying.add(at)
  }
  for (let at = 0; at < 24; at++) for (const accuser of accusers) crowd.accuse(at, accuser)
  // With one of the new ones they are more than half of all.
  for (const accuser of accusers) crowd.accuse(heirs + 9, accuser)
  crowd.run(2_000)
  expect(crowd.statuses).toEqual([])
  expect(crowd.told('dead')).toHaveLength(25)
})
