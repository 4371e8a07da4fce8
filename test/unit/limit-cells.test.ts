import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { createLimitCellsBuffer, LimitCells } from '../../src/rate-limit/limit-cells.ts'
import type { FailureRule, LimitRate } from '../../src/rate-limit/limit-rule.ts'

const SECOND = 1_000_000
const MINUTE = 60 * SECOND
const NOW = 123 * SECOND
const TICKS_PER_MICRO = 16n

/** Never full in these tests: which key goes is tested in cell-table.test.ts. */
function openCells(): LimitCells {
  return new LimitCells(createLimitCellsBuffer(4_096))
}

/** GCRA the slow and obvious way: whole sixteenths of a microsecond, in a Map. */
class ModelLimits {
  readonly #arrivals = new Map<string, bigint>()

  take(key: string, rate: LimitRate, nowMicros: number, isCharged: boolean): number {
    const now = ticks(nowMicros)
    const emission = BigInt(Math.round(rate.emissionMicros * 16))
    const burst = BigInt(rate.burst)
    const known = this.#arrivals.get(key)
    const arrival = known === undefined || known < now ? now : known
    const latest = now + (burst - 1n) * emission
    if (arrival > latest) return -Number((arrival - latest + 15n) / TICKS_PER_MICRO)
    if (isCharged) this.#arrivals.set(key, arrival + emission)
    return Number((latest - arrival) / emission)
  }
}

/** @param passed When each request passed, in any unit; `emission` is in the same. */
function assertConforming(passed: readonly number[], emission: number, burst: number): void {
  for (const [first, from] of passed.entries()) {
    for (const [more, until] of passed.slice(first).entries()) {
      assert.ok(more + 1 <= (until - from) / emission + burst, `${more + 1} from ${from}`)
    }
  }
}

function ticks(micros: number): bigint {
  return BigInt(Math.floor(micros * 16))
}

/** Lock-out the slow and obvious way, for instants that are whole multiples of 64 µs. */
class ModelLocks {
  readonly #failures = new Map<string, { count: number; lastMicros: number }>()
  readonly #lockedUntil = new Map<string, number>()

  locked(key: string, nowMicros: number): number {
    return Math.max(0, (this.#lockedUntil.get(key) ?? 0) - nowMicros)
  }

  fail(key: string, rule: FailureRule, nowMicros: number): number {
    if (this.locked(key, nowMicros) > 0) return 0
    const known = this.#failures.get(key)
    const counts = known !== undefined && nowMicros - known.lastMicros <= rule.windowMicros
    const count = counts ? known.count + 1 : 1
    this.#failures.set(key, { count, lastMicros: nowMicros })
    if (count < rule.threshold) return 0
    this.#failures.delete(key)
    this.#lockedUntil.set(key, nowMicros + rule.lockoutMicros)
    return rule.lockoutMicros
  }

  lock(key: string, untilMicros: number, nowMicros: number): void {
    if (untilMicros <= nowMicros) return
    this.#failures.delete(key)
    this.#lockedUntil.set(key, Math.max(untilMicros, this.#lockedUntil.get(key) ?? 0))
  }
}

const anyKey = fc.constantFrom('203.0.113.7', '203.0.113.8', 'person@example.com', '')
/** Up to six years after the start of the process. */
const anyStart = fc.constantFrom(0, NOW, 1e12, 2e14)

describe('a rate limit', () => {
  const anyRate = fc.record({
    emissionMicros: fc.oneof(
      fc.constantFrom(10, 14.2857, 100, 1_000, MINUTE, 86_400 * SECOND),
      fc.double({ min: 10, max: 1_000, noNaN: true }),
    ),
    burst: fc.constantFrom(1, 2, 3, 10, 1_000),
  })
  const anyStep = fc.record({
    key: anyKey,
    // In emissions. Threads read the clock by themselves: time may also go back a little.
    later: fc.oneof(fc.constantFrom(0, 1, 1.5, 100), fc.double({ min: -0.1, max: 3, noNaN: true })),
    isTaken: fc.boolean(),
  })
  const someSteps = fc.array(anyStep, { minLength: 1, maxLength: 80 })

  it('answers every question as GCRA does', () => {
    fc.assert(
      fc.property(anyRate, anyStart, someSteps, (rate, startMicros, steps) => {
        const cells = openCells()
        const group = cells.group('login')
        const model = new ModelLimits()
        let now = startMicros
        let latest = now
        for (const { key, later, isTaken } of steps) {
          now = Math.max(0, latest - SECOND / 2, now + later * rate.emissionMicros)
          latest = Math.max(latest, now)
          const answer = isTaken
            ? cells.take(group, key, rate, now)
            : cells.peek(group, key, rate, now)
          assert.equal(answer, model.take(key, rate, now, isTaken))
        }
      }),
      { numRuns: 500 },
    )
  })

  it('lets no more than span / emission + burst pass in any span of time', () => {
    fc.assert(
      fc.property(anyRate, fc.array(fc.nat(30), { maxLength: 150 }), (rate, gaps) => {
        const cells = openCells()
        const group = cells.group('login')
        const emission = Math.round(rate.emissionMicros * 16)
        const passed: number[] = []
        let now = 0
        for (const gap of gaps) {
          now += (gap * rate.emissionMicros) / 10
          if (cells.take(group, 'key', rate, now) >= 0) passed.push(Math.floor(now * 16))
        }
        assertConforming(passed, emission, rate.burst)
      }),
      { numRuns: 200 },
    )
  })

  it('says how many more could come now', () => {
    const cells = openCells()
    const group = cells.group('login')
    const rate = { emissionMicros: SECOND, burst: 4 }
    const answers = Array.from({ length: 5 }, () => cells.take(group, 'key', rate, NOW))
    assert.deepEqual(answers, [3, 2, 1, 0, -SECOND])
  })

  it('lets one pass after as many microseconds as it said, and not one earlier', () => {
    const cells = openCells()
    const group = cells.group('login')
    const rate = { emissionMicros: 12.3, burst: 2 }
    let now = NOW
    for (let request = 0; request < 1_000; request += 1) {
      const answer = cells.take(group, 'key', rate, now)
      if (answer >= 0) continue
      assert.ok(cells.peek(group, 'key', rate, now - answer - 1) < 0)
      assert.ok(cells.peek(group, 'key', rate, now - answer) >= 0)
      now -= answer
    }
  })

  for (const perSecond of [100_000, 99_000, 70_001, 33_333, 12_345, 7, 1 / 3_600, 1 / 86_400]) {
    it(`keeps a rate of ${perSecond} a second to within 1 %`, () => {
      const cells = openCells()
      const group = cells.group('rate')
      const rate = { emissionMicros: SECOND / perSecond, burst: 10 }
      let now = NOW
      let passed = -rate.burst
      while (passed < 2_000) {
        const answer = cells.take(group, 'key', rate, now)
        if (answer >= 0) passed += 1
        else now -= answer
      }
      const measured = passed / ((now - NOW) / SECOND)
      assert.ok(Math.abs(measured / perSecond - 1) < 0.01, `${measured}`)
    })
  }

  it('counts each key by itself, and each group', () => {
    const cells = openCells()
    const [login, reset] = [cells.group('login'), cells.group('reset')]
    const rate = { emissionMicros: MINUTE, burst: 1 }
    assert.equal(cells.take(login, 'one', rate, NOW), 0)
    assert.equal(cells.take(login, 'two', rate, NOW), 0)
    assert.equal(cells.take(reset, 'one', rate, NOW), 0)
    assert.equal(cells.take(login, 'one', rate, NOW), -MINUTE)
  })

  it('is one for all views of a buffer that name the same group', () => {
    const buffer = createLimitCellsBuffer(64)
    const rate = { emissionMicros: MINUTE, burst: 3 }
    const answers = [1, 2, 3, 4].map(() => {
      const cells = new LimitCells(buffer)
      return cells.take(cells.group('login'), 'key', rate, NOW)
    })
    assert.deepEqual(answers, [2, 1, 0, -MINUTE])
  })

  it('does not meet the lock-out of the same name and key', () => {
    const cells = openCells()
    const group = cells.group('login')
    const rule = { threshold: 1, windowMicros: MINUTE, lockoutMicros: MINUTE }
    assert.equal(cells.fail(group, 'key', rule, NOW), MINUTE)
    assert.equal(cells.take(group, 'key', { emissionMicros: SECOND, burst: 2 }, NOW), 1)
    assert.equal(cells.lockedMicros(group, 'key', NOW), MINUTE)
  })

  it('goes on from what was taken when its rate changes', () => {
    const cells = openCells()
    const group = cells.group('login')
    for (let request = 0; request < 10; request += 1) {
      cells.take(group, 'key', { emissionMicros: SECOND, burst: 10 }, NOW)
    }
    const rate = { emissionMicros: 2 * SECOND, burst: 6 }
    assert.equal(cells.take(group, 'key', rate, NOW), 0)
    assert.equal(cells.take(group, 'key', rate, NOW), -2 * SECOND)
  })

  it('that was used up waits, when it is relaxed, no longer than for a new burst', () => {
    const cells = openCells()
    const group = cells.group('login')
    const strict = { emissionMicros: 720 * SECOND, burst: 5 }
    const relaxed = { emissionMicros: 1_000, burst: 1_000 }
    for (let left = 4; left >= 0; left -= 1) {
      assert.equal(cells.take(group, 'key', strict, NOW), left)
    }
    assert.equal(cells.peek(group, 'key', relaxed, NOW), -1_000)
    assert.equal(cells.peek(group, 'key', strict, NOW), -720 * SECOND, 'a peek changes nothing')
    assert.equal(cells.take(group, 'key', relaxed, NOW), -1_000)
    assert.equal(cells.take(group, 'key', relaxed, NOW + 999), -1)
    assert.equal(cells.take(group, 'key', relaxed, NOW + 1_000), 0)
    assert.equal(cells.take(group, 'key', relaxed, NOW + 1_000), -1_000)
    assert.equal(cells.take(group, 'key', relaxed, NOW + SECOND + 1_000), 999)
  })

  it('gives nothing away to a thread whose clock is a second behind', () => {
    const cells = openCells()
    const group = cells.group('login')
    const rate = { emissionMicros: 1_000, burst: 10 }
    for (let left = 9; left >= 0; left -= 1) {
      assert.equal(cells.take(group, 'key', rate, NOW), left)
    }
    assert.equal(cells.take(group, 'key', rate, NOW - SECOND), -SECOND - 1_000)
    assert.equal(cells.take(group, 'key', rate, NOW), -1_000)
  })
})

describe('a lock-out', () => {
  const RULE: FailureRule = { threshold: 3, windowMicros: MINUTE, lockoutMicros: 5 * MINUTE }
  const UNIT_MICROS = 64
  const anyDuration = fc.integer({ min: 1, max: 40 }).map((units) => units * UNIT_MICROS)
  const anyRule = fc.record({
    threshold: fc.integer({ min: 1, max: 6 }),
    windowMicros: anyDuration,
    lockoutMicros: anyDuration,
  })
  const anyStep = fc.record({
    key: anyKey,
    act: fc.constantFrom('fail', 'fail', 'fail', 'ask', 'lock'),
    laterUnits: fc.oneof(fc.constant(0), fc.nat(12)),
    lockUnits: fc.integer({ min: -3, max: 30 }),
  })

  it('answers every question as counting by hand does', () => {
    fc.assert(
      fc.property(anyRule, anyStart, fc.array(anyStep, { maxLength: 80 }), (rule, start, steps) => {
        const cells = openCells()
        const group = cells.group('login')
        const model = new ModelLocks()
        let now = start
        for (const { key, act, laterUnits, lockUnits } of steps) {
          now += laterUnits * UNIT_MICROS
          const until = now + lockUnits * UNIT_MICROS
          if (act === 'lock') {
            cells.lock(group, key, until, now)
            model.lock(key, until, now)
          } else if (act === 'fail') {
            assert.equal(cells.fail(group, key, rule, now), model.fail(key, rule, now))
          }
          assert.equal(cells.lockedMicros(group, key, now), model.locked(key, now))
        }
      }),
      { numRuns: 500 },
    )
  })

  it('begins with the last failure of the threshold, and tells of it once', () => {
    const cells = openCells()
    const group = cells.group('login')
    const told = [0, 1, 2, 3, 4].map((second) => {
      return cells.fail(group, 'key', RULE, NOW + second * SECOND)
    })
    assert.deepEqual(told, [0, 0, RULE.lockoutMicros, 0, 0])
  })

  it('is neither longer nor shorter for failures that come meanwhile', () => {
    const cells = openCells()
    const group = cells.group('login')
    for (let failure = 0; failure < 3; failure += 1) cells.fail(group, 'key', RULE, NOW)
    const end = NOW + RULE.lockoutMicros
    for (let now = NOW; now < end; now += SECOND) cells.fail(group, 'key', RULE, now)
    assert.equal(cells.lockedMicros(group, 'key', end - 1), 1)
    assert.equal(cells.lockedMicros(group, 'key', end), 0)
    const again = [1, 2, 3].map(() => cells.fail(group, 'key', RULE, end))
    assert.deepEqual(again, [0, 0, RULE.lockoutMicros])
  })

  it('forgets failures when the last one is longer ago than the window', () => {
    const cells = openCells()
    const group = cells.group('login')
    const gap = RULE.windowMicros + UNIT_MICROS
    for (let failure = 0; failure < 20; failure += 1) {
      assert.equal(cells.fail(group, 'key', RULE, NOW + failure * gap), 0)
    }
    assert.equal(cells.fail(group, 'key', RULE, NOW + 19 * gap + RULE.windowMicros), 0)
    const last = NOW + 19 * gap + 2 * RULE.windowMicros
    assert.equal(cells.fail(group, 'key', RULE, last), RULE.lockoutMicros)
  })

  it('counts 1023 failures at the most, so that a higher threshold still locks', () => {
    const cells = openCells()
    const group = cells.group('login')
    const rule = { ...RULE, threshold: 5_000 }
    for (let failure = 1; failure < 1_023; failure += 1) {
      assert.equal(cells.fail(group, 'key', rule, NOW), 0)
    }
    assert.equal(cells.fail(group, 'key', rule, NOW), RULE.lockoutMicros)
  })

  it('is taken over from another instance, and never shortened by one', () => {
    const cells = openCells()
    const group = cells.group('login')
    cells.lock(group, 'key', NOW + MINUTE, NOW)
    cells.lock(group, 'key', NOW + SECOND, NOW)
    cells.lock(group, 'key', NOW - SECOND, NOW)
    assert.equal(cells.lockedMicros(group, 'key', NOW), MINUTE)
    cells.lock(group, 'key', NOW + 2 * MINUTE, NOW)
    assert.equal(cells.lockedMicros(group, 'key', NOW), 2 * MINUTE)
    assert.equal(cells.lockedMicros(group, 'other', NOW), 0)
  })
})
