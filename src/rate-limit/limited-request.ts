/**
 * One request on a route with limits: what it has been counted for, and how near it came to them.
 *
 * A lock comes before the rate of what it locks, and takes nothing. A request that one limit
 * refuses has been counted by those before it: address, all, user, verification, then API key and
 * tenant.
 */
import { addressKey } from '../http/client-address.ts'
import type { FleetQuestion } from './fleet-limits.ts'
import { type LimitRefusal, refuseFor } from './limit-refusal.ts'
import type { Limiter } from './limiter.ts'
import { rateFields } from './rate-fields.ts'
import type { LockRule, RateRule, RouteLimits } from './route-limits.ts'

const MICROS_PER_SECOND = 1_000_000
/** What is counted for all requests together. */
const ALL = ''
const NO_FIELDS: readonly string[] = Object.freeze([])

type Limited = LimitRefusal | null

/** A question to the fleet, and what its answer means. */
interface FleetStep {
  readonly question: FleetQuestion
  conclude(answer: number): Limited
}

export class LimitedRequest {
  readonly limits: RouteLimits
  readonly #limiter: Limiter
  readonly #addressKey: string
  #username: string | null = null
  #credential: string | null = null
  #hasFailed = false
  /** The rule that leaves the fewest requests. */
  #tightest: RateRule | null = null
  #remaining = Number.POSITIVE_INFINITY

  constructor(limits: RouteLimits, limiter: Limiter, address: string) {
    this.limits = limits
    this.#limiter = limiter
    this.#addressKey = addressKey(address)
  }

  /** Counts the request for its address and for all. Answers in the same tick. */
  enter(): Limited {
    const { addressLock, perAddress, global } = this.limits
    const nowMicros = this.#limiter.nowMicros()
    return (
      this.#locked(addressLock, this.#addressKey, nowMicros) ??
      this.#take(perAddress, this.#addressKey, nowMicros) ??
      this.#take(global, ALL, nowMicros)
    )
  }

  /** Whether the fleet has to be asked about a request that names no user. */
  get asksFleet(): boolean {
    const { addressLock, perAddress, global } = this.limits
    if (perAddress?.isFleet === true || global?.isFleet === true) return true
    return addressLock !== null && this.#limiter.asksFleetAbout(addressLock, this.#addressKey)
  }

  /**
   * The rest of the way in: the user that the body names, and all that the fleet counts, in one
   * call to Redis.
   *
   * @param username As body-field.ts gives it; `null`: nothing in this request names a user.
   */
  async enterFurther(username: string | null): Promise<Limited> {
    const { addressLock, usernameLock, perAddress, perUsername, global } = this.limits
    const steps: FleetStep[] = []
    this.#askLock(steps, addressLock, this.#addressKey)
    this.#askRate(steps, perAddress, this.#addressKey)
    this.#askRate(steps, global, ALL)
    if (username !== null) {
      this.#username = username
      const nowMicros = this.#limiter.nowMicros()
      const refused =
        this.#locked(usernameLock, username, nowMicros) ??
        this.#take(perUsername, username, nowMicros)
      if (refused !== null) return refused
      this.#askLock(steps, usernameLock, username)
      this.#askRate(steps, perUsername, username)
    }
    return this.#conclude(steps)
  }

  /** Counts a credential that has to be verified. */
  validate(): Limited | Promise<Limited> {
    return this.#takeEverywhere(this.limits.validation, ALL)
  }

  /** Counts a request that may pass for its API key. */
  countKey(apiKey: string): Limited | Promise<Limited> {
    return this.#takeEverywhere(this.limits.perKey, apiKey)
  }

  /** Counts a request that may pass for its tenant. */
  countTenant(tenantId: string): Limited | Promise<Limited> {
    return this.#takeEverywhere(this.limits.perTenant, tenantId)
  }

  /** The credential that the request is decided by. */
  presents(credential: string): void {
    this.#credential = credential
  }

  /**
   * The credential, or the guess at the upstream, was wrong. Counts once a request, and the same
   * credential once a window: a page that goes on with a session that has ended guesses nothing.
   */
  fail(): void {
    if (this.#hasFailed) return
    this.#hasFailed = true
    const { addressLock, usernameLock } = this.limits
    if (addressLock !== null) this.#limiter.fail(addressLock, this.#addressKey, this.#credential)
    if (usernameLock !== null && this.#username !== null) {
      this.#limiter.fail(usernameLock, this.#username, this.#credential)
    }
  }

  /** Fields for an answer that no limit refused. */
  get fields(): readonly string[] {
    const rule = this.#tightest
    if (rule === null) return NO_FIELDS
    const { burst, emissionMicros } = rule.rate
    const resetMicros = (burst - this.#remaining) * emissionMicros
    return rateFields(rule.policy, this.#remaining, Math.ceil(resetMicros / MICROS_PER_SECOND))
  }

  #locked(rule: LockRule | null, key: string, nowMicros: number): Limited {
    if (rule === null) return null
    const lockedMicros = this.#limiter.lockedMicros(rule, key, nowMicros)
    return lockedMicros > 0 ? refuseFor(rule.reason, null, lockedMicros) : null
  }

  #take(rule: RateRule | null, key: string, nowMicros: number): Limited {
    return rule === null ? null : this.#standing(rule, this.#limiter.take(rule, key, nowMicros))
  }

  #takeEverywhere(rule: RateRule | null, key: string): Limited | Promise<Limited> {
    const refused = this.#take(rule, key, this.#limiter.nowMicros())
    if (refused !== null || rule?.isFleet !== true) return refused
    const steps: FleetStep[] = []
    this.#askRate(steps, rule, key)
    return this.#conclude(steps)
  }

  /** @param answer As LimitCells and FleetLimits give it. */
  #standing(rule: RateRule, answer: number): Limited {
    if (answer < 0) return refuseFor(rule.reason, rule.policy, -answer)
    if (answer < this.#remaining) {
      this.#tightest = rule
      this.#remaining = answer
    }
    return null
  }

  #askRate(steps: FleetStep[], rule: RateRule | null, key: string): void {
    if (rule?.isFleet !== true) return
    steps.push({
      question: this.#limiter.takeQuestion(rule, key),
      conclude: (answer) => this.#standing(rule, answer),
    })
  }

  #askLock(steps: FleetStep[], rule: LockRule | null, key: string): void {
    if (rule === null || !this.#limiter.asksFleetAbout(rule, key)) return
    steps.push({
      question: this.#limiter.lockedQuestion(rule, key),
      conclude: (lockedMicros) => {
        this.#limiter.noteLock(rule, key, lockedMicros)
        return lockedMicros > 0 ? refuseFor(rule.reason, null, lockedMicros) : null
      },
    })
  }

  async #conclude(steps: readonly FleetStep[]): Promise<Limited> {
    if (steps.length === 0) return null
    const answers = await this.#limiter.askFleet(steps.map(({ question }) => question))
    if (answers === null) return null
    let refused: Limited = null
    // All of them: what is known of a lock is kept, whatever else was refused.
    for (const [index, step] of steps.entries()) {
      const limited = step.conclude(answers[index] ?? 0)
      refused ??= limited
    }
    return refused
  }
}
