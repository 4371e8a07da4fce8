/** Whatever happens in whatever order, the packed breaker does what a plain one does. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  type BreakerPermit,
  CircuitBreaker,
  type CircuitBreakerOptions,
  type CircuitState,
  createCircuitBreakerBuffer,
} from '../../src/resilience/circuit-breaker.ts'

/** The plain one: objects, and a list of the attempts that still count. */
class PlainBreaker {
  readonly #options: CircuitBreakerOptions
  #state: CircuitState = 'closed'
  #sinceMs = 0
  #streak = 0
  /** Attempts whose verdict matters: those begun in the present phase. */
  #heard = new Set<number>()
  /** Probes on top, for those that ended without a verdict. */
  #more = 0
  openedCount = 0

  constructor(options: CircuitBreakerOptions) {
    this.#options = options
  }

  state(nowMs: number): CircuitState {
    const isOver = nowMs - this.#sinceMs >= this.#options.recoveryTimeoutMs
    return this.#state === 'open' && isOver ? 'half_open' : this.#state
  }

  tryAcquire(attempt: number, nowMs: number): boolean {
    if (this.#state === 'open') {
      if (this.state(nowMs) === 'open') return false
      this.#enter('half_open')
    }
    if (this.#state === 'half_open') {
      const room = this.#options.halfOpenRequests + this.#more
      const isFull = this.#heard.size + this.#streak >= room
      if (isFull && nowMs - this.#sinceMs < this.#options.probeExpiryMs) return false
      if (isFull) {
        this.#heard.clear()
        this.#more = 0
      }
      this.#sinceMs = nowMs
    }
    this.#heard.add(attempt)
    return true
  }

  succeeded(attempt: number): void {
    if (!this.#heard.delete(attempt)) return
    if (this.#state === 'closed') this.#streak = 0
    else if (this.#streak + 1 >= this.#options.halfOpenRequests) this.#enter('closed')
    else this.#streak += 1
  }

  failed(attempt: number, nowMs: number): void {
    if (!this.#heard.delete(attempt)) return
    this.#streak += 1
    if (this.#state === 'closed' && this.#streak < this.#options.failureThreshold) return
    this.#enter('open')
    this.#sinceMs = nowMs
    this.openedCount += 1
  }

  released(attempt: number): void {
    const isProbe = this.#heard.delete(attempt) && this.#state === 'half_open'
    if (isProbe) this.#more += 1
  }

  #enter(state: CircuitState): void {
    this.#state = state
    this.#streak = 0
    this.#more = 0
    this.#heard.clear()
  }
}

const options = fc.record({
  failureThreshold: fc.integer({ min: 1, max: 6 }),
  recoveryTimeoutMs: fc.integer({ min: 1, max: 100 }),
  halfOpenRequests: fc.integer({ min: 1, max: 4 }),
  probeExpiryMs: fc.integer({ min: 1, max: 100 }),
})

const step = fc.record({
  act: fc.oneof(
    { weight: 4, arbitrary: fc.constant('acquire' as const) },
    { weight: 4, arbitrary: fc.constant('failed' as const) },
    { weight: 3, arbitrary: fc.constant('succeeded' as const) },
    { weight: 1, arbitrary: fc.constant('released' as const) },
  ),
  /** Which of the attempts in flight. */
  which: fc.nat(),
  passesMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 60 })),
})

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

/** Both breakers, under the same attempts. */
class Pair {
  readonly packed: CircuitBreaker
  readonly plain: PlainBreaker
  readonly #inFlight: { readonly attempt: number; readonly permit: BreakerPermit }[] = []

  constructor(chosen: CircuitBreakerOptions) {
    this.packed = new CircuitBreaker(createCircuitBreakerBuffer(1), 0, chosen)
    this.plain = new PlainBreaker(chosen)
  }

  take(attempt: number, { act, which }: Step, nowMs: number): void {
    if (act === 'acquire') {
      const permit = this.packed.tryAcquire(nowMs)
      assert.equal(permit !== null, this.plain.tryAcquire(attempt, nowMs))
      if (permit !== null) this.#inFlight.push({ attempt, permit })
      return
    }
    const [one] = this.#inFlight.splice(which % (this.#inFlight.length || 1), 1)
    if (one === undefined) return
    this.packed[act](one.permit, nowMs)
    this.plain[act](one.attempt, nowMs)
  }
}

describe('the circuit breaker', () => {
  it('does what the plain one does', () => {
    // Starts shortly before the low 32 bits of the wall clock come round.
    const startMs = 2 ** 32 * 400 - 500
    const seen = new Set<CircuitState>()
    fc.assert(
      fc.property(options, fc.array(step, { maxLength: 120 }), (chosen, steps) => {
        const pair = new Pair(chosen)
        let nowMs = startMs
        for (const [attempt, taken] of steps.entries()) {
          nowMs += taken.passesMs
          pair.take(attempt, taken, nowMs)
          assert.equal(pair.packed.state(nowMs), pair.plain.state(nowMs))
          assert.equal(pair.packed.openedCount, pair.plain.openedCount)
          seen.add(pair.packed.state(nowMs))
        }
      }),
      { numRuns: 1_000 },
    )
    assert.deepEqual([...seen].sort(), ['closed', 'half_open', 'open'], 'all of it was visited')
  })
})
