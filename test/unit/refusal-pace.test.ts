import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { RefusalPace } from '../../src/gateway/refusal-pace.ts'
import { refuse } from '../../src/protocol/verification.ts'

const REFUSED = refuse('signature_invalid')
/** As many are answered before it is known how busy the loop is. */
const AT_ONCE = 128
const BUSY = 0
const IDLE = 1

/** A pace whose ticks, clock and event loop are the test's. */
class Rig {
  readonly answered: number[] = []
  readonly heldBack: number[] = []
  readonly failed: number[] = []
  brokenPlace = -1
  nowMs = 0
  idleShare = BUSY
  isWatching = false
  #tick: () => void = () => undefined
  #arrived = 0
  readonly pace = new RefusalPace({
    monotonicMs: () => this.nowMs,
    idleShare: () => this.idleShare,
    every: (run) => {
      this.#tick = run
      this.isWatching = true
      return () => {
        this.isWatching = false
      }
    },
  })

  arrive(count: number): void {
    for (let index = 0; index < count; index += 1) {
      const place = this.#arrived
      this.#arrived += 1
      this.pace.refuse(
        {
          refuse: () => {
            if (place === this.brokenPlace) throw new Error('broken')
            this.answered.push(place)
          },
          holdBack: () => this.heldBack.push(place),
          fail: () => this.failed.push(place),
        },
        REFUSED,
      )
    }
  }

  /** @returns How many were answered in it. */
  tick(passed = 0): number {
    for (let index = 0; index < passed; index += 1) this.pace.notePassed()
    const before = this.answered.length
    this.nowMs += 10
    this.#tick()
    return this.answered.length - before
  }
}

describe('refusals while the event loop is busy', () => {
  it('are answered one for twelve requests that pass, in their order', () => {
    const rig = new Rig()
    rig.arrive(AT_ONCE + 100)
    assert.equal(rig.answered.length, AT_ONCE)
    assert.equal(rig.tick(120), 10)
    assert.equal(rig.tick(11), 0)
    assert.equal(rig.tick(14), 2)
    assert.equal(rig.tick(), 1, 'nothing passes that it could hold up')
    assert.deepEqual(
      rig.answered,
      Array.from({ length: AT_ONCE + 13 }, (_, place) => place),
    )
  })

  it('give up their bodies while they wait, and cost only themselves when they fail', () => {
    const rig = new Rig()
    rig.brokenPlace = AT_ONCE
    rig.arrive(AT_ONCE + 2)
    assert.deepEqual(rig.heldBack, [AT_ONCE, AT_ONCE + 1])
    rig.tick(80)
    assert.deepEqual(rig.failed, [AT_ONCE])
    assert.equal(rig.answered.at(-1), AT_ONCE + 1)
  })

  it('do not overtake those that wait', () => {
    const rig = new Rig()
    rig.arrive(AT_ONCE + 1)
    assert.equal(rig.tick(1_200), 1)
    rig.arrive(200)
    assert.equal(rig.answered.length, AT_ONCE + 1 + 99)
    assert.equal(rig.answered.at(-1), AT_ONCE + 99)
  })

  it('wait two seconds at the longest', () => {
    const rig = new Rig()
    rig.arrive(AT_ONCE + 5_000)
    rig.nowMs = 1_980
    assert.equal(rig.tick(), 1)
    assert.equal(rig.tick(), 4_999)
    assert.equal(rig.pace.heldCount, 0)
  })

  it('are answered at once where so many wait that more would cost memory', () => {
    const rig = new Rig()
    rig.arrive(AT_ONCE + 8_192)
    assert.equal(rig.answered.length, AT_ONCE)
    rig.arrive(10)
    assert.equal(rig.answered.length, AT_ONCE + 10)
    assert.equal(rig.pace.heldCount, 8_192)
  })
})

describe('refusals while the event loop has idle time', () => {
  it('are answered faster and faster, whether or not anything passes', () => {
    const rig = new Rig()
    rig.arrive(AT_ONCE + 3_000)
    rig.idleShare = IDLE
    const perTick = Array.from({ length: 7 }, () => rig.tick())
    assert.deepEqual(perTick, [256, 512, 1_024, 1_024, 184, 0, 0])
    rig.arrive(1_000)
    assert.equal(rig.pace.heldCount, 0)
  })

  it('are answered again though none was earned before', () => {
    const rig = new Rig()
    rig.arrive(AT_ONCE + 2)
    assert.equal(rig.tick(3), 0)
    rig.idleShare = IDLE
    assert.deepEqual([rig.tick(), rig.tick()], [1, 1])
  })

  it('are not watched any more after a second without one', () => {
    const rig = new Rig()
    rig.arrive(1)
    for (let tick = 1; tick < 100; tick += 1) {
      rig.tick()
      assert.equal(rig.isWatching, true)
    }
    rig.tick()
    assert.equal(rig.isWatching, false)
    rig.arrive(1)
    assert.equal(rig.isWatching, true)
    assert.equal(rig.answered.length, 2)
  })
})
