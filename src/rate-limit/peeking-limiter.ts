/**
 * A limiter that counts nothing and tells a trace where each limit stands: for requests that are
 * only explained. What Redis counts for the fleet is not asked, because asking counts; whether
 * something is locked in the fleet is.
 */
import { counted, type Trace } from '../protocol/trace.ts'
import type { FleetQuestion } from './fleet-limits.ts'
import { Limiter, type LimiterParts } from './limiter.ts'
import type { LockRule, RateRule } from './route-limits.ts'

const MICROS_PER_SECOND = 1_000_000
/** Says of the fleet what refuses nothing, and is never the tightest. */
const NOT_ASKED = Number.MAX_SAFE_INTEGER

export class PeekingLimiter extends Limiter {
  readonly #parts: LimiterParts
  readonly #trace: Trace

  constructor(parts: LimiterParts, trace: Trace) {
    super(parts)
    this.#parts = parts
    this.#trace = trace
  }

  override take(rule: RateRule, key: string, nowMicros: number): number {
    const answer = rule.cells.peek(rule.group, key, rule.rate, nowMicros)
    const { count, periodSeconds } = rule.policy
    const allowed = `${count} in ${periodSeconds} s, ${rule.rate.burst} at once`
    const room =
      answer < 0
        ? `used up for ${secondsOf(-answer)} s`
        : `room for ${counted(answer + 1, 'request')}`
    const fleet = rule.isFleet ? '; Redis counts as well, and is not asked' : ''
    const text = `${nameOf(rule.name)} (${allowed}): ${room}${fleet}`
    this.#trace.tell('limit', answer < 0 ? 'no' : 'ok', text)
    return answer
  }

  override lockedMicros(rule: LockRule, key: string, nowMicros: number): number {
    const micros = super.lockedMicros(rule, key, nowMicros)
    this.#tellLock(rule, micros)
    return micros
  }

  override async askFleet(questions: readonly FleetQuestion[]): Promise<readonly number[] | null> {
    const locks = questions.filter(({ kind }) => kind === 'locked')
    const answers = locks.length === 0 ? [] : await this.#parts.fleet?.ask(locks)
    if (answers === null || answers === undefined) {
      this.#trace.tell('limit', 'note', 'Redis does not answer: this process decides alone')
      return null
    }
    return questions.map((question) => {
      return question.kind === 'locked' ? (answers[locks.indexOf(question)] ?? 0) : NOT_ASKED
    })
  }

  override noteLock(rule: LockRule, _key: string, lockedMicros: number): void {
    if (lockedMicros > 0) this.#tellLock(rule, lockedMicros)
  }

  override fail(): void {
    // A request that is explained guesses nothing.
  }

  #tellLock({ name, locks, failures }: LockRule, micros: number): void {
    const state = micros > 0 ? `locked for ${secondsOf(micros)} s` : 'not locked'
    const rule = `${counted(failures.threshold, 'failure')} lock the ${locks}`
    this.#trace.tell('limit', micros > 0 ? 'no' : 'ok', `${name} (${rule}): ${state}`)
  }
}

/** The rate of a record of its own has a name that no limit of the configuration may have. */
function nameOf(name: string): string {
  return name.startsWith('/') ? `own rate of the ${name.slice(1)}` : name
}

function secondsOf(micros: number): number {
  return Math.ceil(micros / MICROS_PER_SECOND)
}
