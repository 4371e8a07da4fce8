/**
 * Counts requests and failures of one listener thread: in the cells that all threads share, and in
 * Redis where the fleet counts together.
 *
 * The cells are asked first, with the same figures. What they refuse, Redis would refuse too, so a
 * flood costs no commands; and what this process has let through is known when Redis goes away.
 */
import type { OwnRate } from '../resilience/own-rate.ts'
import type { Clock } from '../runtime/clock.ts'
import { type FleetLimits, type FleetQuestion, fleetKey } from './fleet-limits.ts'
import type { FreshAnswers } from './fresh-answers.ts'
import type { LimitCells } from './limit-cells.ts'
import { type LimitRefusal, refuseFor } from './limit-refusal.ts'
import {
  compileLimits,
  type LimitSettings,
  type LockRule,
  type RateRule,
  type RouteLimits,
  rateRule,
} from './route-limits.ts'

const MICROS_PER_MS = 1_000

/** Somebody has failed too often. */
export interface Lockout {
  /** `login/address lock`. */
  readonly rule: string
  readonly locks: 'address' | 'username'
  /** What is locked. */
  readonly key: string
  readonly micros: number
}

export interface LimiterParts {
  /** Of addresses, users, tenants and API keys. */
  readonly cells: LimitCells
  /** Of all requests of a limit together. */
  readonly totals: LimitCells
  /** `null`: nothing is counted together with other instances. */
  readonly fleet: FleetLimits | null
  readonly fresh: FreshAnswers
  readonly clock: Clock
  /** Of the thread: live, and only growing. `fallbacks`: Redis did not answer. */
  readonly counters: { fallbacks: number; lockouts: number }
  readonly onLockout: (lockout: Lockout) => void
}

export class Limiter {
  readonly #parts: LimiterParts
  /** By the object of the record, which is replaced when the record changes. */
  readonly #ownRules = new WeakMap<OwnRate, RateRule>()

  constructor(parts: LimiterParts) {
    this.#parts = parts
  }

  /** Of a clock that all threads share. */
  nowMicros(): number {
    return this.#parts.clock.processMs() * MICROS_PER_MS
  }

  compile(settings: LimitSettings): RouteLimits {
    return compileLimits(settings, this.#parts.cells, this.#parts.totals)
  }

  /** Counts a request for a tenant or an API key by the rate of its own record. */
  takeOwn(part: 'tenant' | 'key', rate: OwnRate, key: string): LimitRefusal | null {
    let rule = this.#ownRules.get(rate)
    if (rule === undefined) {
      const reason = part === 'tenant' ? 'rate_of_tenant' : 'rate_of_key'
      const settings = { ...rate, isFleet: false }
      // Begins as no limit of the configuration may be called.
      rule = rateRule(`/${part}`, part, reason, settings, this.#parts.cells)
      this.#ownRules.set(rate, rule)
    }
    const answer = this.take(rule, key, this.nowMicros())
    return answer < 0 ? refuseFor(rule.reason, rule.policy, -answer) : null
  }

  /** As {@link LimitCells.take}. */
  take({ cells, group, rate }: RateRule, key: string, nowMicros: number): number {
    return cells.take(group, key, rate, nowMicros)
  }

  /** Micros for which it is locked, as far as this process knows; 0: it is not. */
  lockedMicros({ group }: LockRule, key: string, nowMicros: number): number {
    return this.#parts.cells.lockedMicros(group, key, nowMicros)
  }

  /** Whether Redis has to be asked if this is locked. */
  asksFleetAbout(rule: LockRule, key: string): boolean {
    return rule.isFleet && this.#parts.fleet !== null && !this.#parts.fresh.has(keyOf(rule, key))
  }

  /**
   * One number for each question, as FleetLimits gives it.
   *
   * @returns `null` when Redis did not answer: what the cells said counts.
   */
  async askFleet(questions: readonly FleetQuestion[]): Promise<readonly number[] | null> {
    const answers = (await this.#parts.fleet?.ask(questions)) ?? null
    if (answers === null) this.#parts.counters.fallbacks += 1
    return answers
  }

  takeQuestion(rule: RateRule, key: string): FleetQuestion {
    return { kind: 'take', key: keyOf(rule, key), rate: rule.rate }
  }

  lockedQuestion(rule: LockRule, key: string): FleetQuestion {
    return { kind: 'locked', key: keyOf(rule, key) }
  }

  /** What Redis said about a lock: kept, so that the next request need not ask. */
  noteLock(rule: LockRule, key: string, lockedMicros: number): void {
    const { cells, fresh } = this.#parts
    const nowMicros = this.nowMicros()
    if (lockedMicros > 0) cells.lock(rule.group, key, nowMicros + lockedMicros, nowMicros)
    else fresh.remember(keyOf(rule, key))
  }

  /**
   * Counts one failure, here and in the fleet. Redis is told without waiting.
   *
   * @param credential Counts once a window; `null`: every failure counts.
   */
  fail(rule: LockRule, key: string, credential: string | null): void {
    if (credential !== null && !this.#isNewGuess(rule, key, credential)) return
    const micros = this.#parts.cells.fail(rule.group, key, rule.failures, this.nowMicros())
    if (micros > 0) this.#tell(rule, key, micros)
    if (!rule.isFleet || this.#parts.fleet === null) return
    this.#parts.fresh.forget(keyOf(rule, key))
    const question = { kind: 'fail', key: keyOf(rule, key), rule: rule.failures } as const
    void this.askFleet([question]).then((answers) => {
      const lockedMicros = answers?.[0] ?? 0
      if (lockedMicros === 0) return
      const nowMicros = this.nowMicros()
      const isNew = this.lockedMicros(rule, key, nowMicros) === 0
      this.#parts.cells.lock(rule.group, key, nowMicros + lockedMicros, nowMicros)
      if (isNew) this.#tell(rule, key, lockedMicros)
    })
  }

  #isNewGuess({ guesses, failures }: LockRule, key: string, credential: string): boolean {
    const once = { emissionMicros: failures.windowMicros, burst: 1 }
    return this.#parts.cells.take(guesses, `${key}\0${credential}`, once, this.nowMicros()) >= 0
  }

  #tell({ name, locks }: LockRule, key: string, micros: number): void {
    this.#parts.counters.lockouts += 1
    this.#parts.onLockout({ rule: name, locks, key, micros })
  }
}

function keyOf({ name }: RateRule | LockRule, key: string): string {
  return fleetKey(name, key)
}
