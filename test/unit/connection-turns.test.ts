import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ConnectionTurns, strangersMax, type Turn } from '../../src/resilience/connection-turns.ts'
import { CrowdLimit, createCrowdLimitBuffer } from '../../src/resilience/crowd-limit.ts'
import { ManualClock } from '../support/manual-clock.ts'

/** Longer than any of these takes. */
const WAIT_MS = 5_000
const CONNECTIONS = 8

function setUp(connections = CONNECTIONS, threads = 1) {
  const clock = new ManualClock()
  const crowd = new CrowdLimit(createCrowdLimitBuffer(1, threads), {
    index: 0,
    thread: 0,
    threads,
    shareMax: strangersMax(connections),
  })
  const turns = new ConnectionTurns({ connections, crowd, clock })
  const taken: Turn[] = []
  /** Asks for a turn. One that is given, now or later, is in `taken`. */
  const ask = (isKnown: boolean, waitMs = WAIT_MS) =>
    turns.take(isKnown, waitMs).then((turn) => {
      if (turn !== null) taken.push(turn)
      return turn
    })
  return { clock, crowd, turns, taken, ask }
}

const settle = () => new Promise((resolve) => setImmediate(resolve))

describe('turns on connections', () => {
  it('are half for strangers at most, and all for the known', async () => {
    const { taken, ask, turns } = setUp()
    for (let n = 0; n < 20; n += 1) void ask(false)
    await settle()
    assert.equal(taken.length, CONNECTIONS / 2)
    for (let n = 0; n < 20; n += 1) void ask(true)
    await settle()
    assert.equal(taken.length, CONNECTIONS)
    // Whatever becomes free goes to the known first.
    turns.giveBack(taken[0] as Turn, 'failed')
    await settle()
    assert.equal(taken.at(-1)?.isKnown, true)
    for (const turn of taken) if (turn !== taken[0]) turns.giveBack(turn, 'failed')
    await settle()
    for (const turn of taken.slice(CONNECTIONS)) turns.giveBack(turn, 'failed')
  })

  it('leave one connection that strangers cannot have, however few there are', async () => {
    const { taken, ask } = setUp(1)
    void ask(false, 1)
    void ask(false, 1)
    void ask(true, 1)
    await settle()
    assert.deepEqual(
      taken.map(({ isKnown }) => isKnown),
      [false, true],
    )
  })

  it('are given up when their time is up, and never beyond the length of a queue', async () => {
    const { ask } = setUp(2)
    await ask(false)
    const first = ask(false, 5)
    const others = Array.from({ length: 1_023 }, () => ask(false, 5))
    assert.equal(await ask(false, WAIT_MS), null, 'at once')
    assert.equal(await first, null)
    await Promise.all(others)
  })

  it('of strangers come with rests in between when the share is less than one', async () => {
    const { clock, crowd, turns, ask } = setUp(CONNECTIONS, 4)
    for (let n = 0; n < 10; n += 1) crowd.timedOut(crowd.began(false))
    assert.equal(crowd.share, 1 / 4)
    const first = await ask(false)
    let isSecond = false
    const second = ask(false).then((turn) => {
      isSecond = true
      return turn
    })
    clock.advanceMs(100)
    // From here: on a busy machine the rest goes by while this looks at what else happens.
    const startMs = performance.now()
    turns.giveBack(first as Turn, 'decided')
    await settle()
    assert.equal(isSecond, false)
    assert.notEqual(await ask(true), null, 'the known do not rest')
    assert.notEqual(await second, null)
    assert.ok(performance.now() - startMs >= 150)
  })

  it('of strangers become fewer while calls take longer, and more when they do not', async () => {
    const connections = 64
    const { clock, turns, taken, ask } = setUp(connections)
    /** All turns of one round end together, after so long. @returns How many there were. */
    const round = async (durationMs: number): Promise<number> => {
      for (let n = taken.length; n < connections; n += 1) void ask(false, WAIT_MS)
      await settle()
      const inUse = taken.splice(0)
      clock.advanceMs(durationMs)
      for (const turn of inUse) turns.giveBack(turn, 'decided')
      await settle()
      return inUse.length
    }
    const rise: number[] = []
    // By itself, a call takes 20 ms.
    const alone = await turns.take(true, WAIT_MS)
    clock.advanceMs(20)
    if (alone !== null) turns.giveBack(alone, 'decided')
    for (let n = 0; n < 8; n += 1) rise.push(await round(20))
    assert.equal(rise.at(-1), connections / 2, rise.join())
    const fall: number[] = []
    for (let n = 0; n < 6; n += 1) fall.push(await round(200))
    assert.ok((fall.at(-1) ?? 0) <= 4, fall.join())
    const again: number[] = []
    for (let n = 0; n < 30; n += 1) again.push(await round(20))
    assert.equal(again.at(-1), connections / 2, again.join())
    // Ends those who still wait.
    for (let left = 1; left > 0; ) left = await endAll(taken, turns)
  })
})

async function endAll(taken: Turn[], turns: ConnectionTurns): Promise<number> {
  const inUse = taken.splice(0)
  for (const turn of inUse) turns.giveBack(turn, 'failed')
  await settle()
  return inUse.length
}
