/**
 * Limits and lock-outs that a whole fleet shares: Redis counts, by its own clock, and all questions
 * of one request are one call.
 *
 *     questions ──► keys (SHA-256) ──► EVALSHA ──► one number a question
 *                                         └─ no answer, or not such a one: null, the cells decide
 *
 * In a cluster a call may only name keys of one node. There each counted key is a call of its own,
 * all of them in one write a node, so that keys lie on all nodes and none carries the whole fleet.
 * Questions do not depend on each other, so nothing is lost but that they see one instant.
 *
 * Redis is asked once and nothing is counted twice: a call that may have run is never repeated.
 */
import { hash } from 'node:crypto'
import type { RedisReply } from '../redis/redis-reply.ts'
import type { RedisScript } from '../redis/redis-script.ts'
import { FLEET_LIMITS_SCRIPT } from './fleet-limits-script.ts'
import type { FailureRule, LimitRate } from './limit-rule.ts'

/** What is asked of Redis. */
export interface FleetLimitsRedis {
  /** Whether keys of one call must lie on one node. */
  readonly isCluster: boolean
  runKnownScript(
    script: RedisScript,
    keys: readonly string[],
    args: readonly string[],
  ): Promise<RedisReply<readonly number[]>>
}

/**
 * `key` names the rule and what is counted under it: see {@link fleetKey}. Keys of takes and those
 * of failures are apart. Spans are rounded up to whole microseconds, counts down to whole numbers.
 *
 * - `take`: >= 0: passed, so many more could come now; < 0: refused and nothing taken, minus the
 *   microseconds until one would pass.
 * - `locked`: microseconds until the lock ends; 0: not locked. Changes nothing.
 * - `fail`: counts one failure. Microseconds for which the key is locked by this very failure; 0:
 *   it is not locked, or was locked before. A failure while it is locked changes nothing; the one
 *   after a lock is the first of a new count.
 */
export type FleetQuestion =
  | { readonly kind: 'take'; readonly key: string; readonly rate: LimitRate }
  | { readonly kind: 'locked'; readonly key: string }
  | { readonly kind: 'fail'; readonly key: string; readonly rule: FailureRule }

/** As the script takes it. */
interface Call {
  readonly keys: string[]
  readonly args: string[]
  /** Where the answers belong. */
  readonly positions: number[]
}

/** Of one request. */
const QUESTIONS_MAX = 64
/** Some 142 years: with the time since 1970 still a number that doubles hold exactly. */
const MICROS_MAX = 2 ** 52
/** Fills up what a question does not need. */
const UNUSED = '0'

/** The length keeps ('ab', 'c') and ('a', 'bc') apart. */
export function fleetKey(ruleName: string, countedKey: string): string {
  return `${ruleName.length}:${ruleName}${countedKey}`
}

export class FleetLimits {
  /** Of this thread, live, only growing: calls without an answer. */
  readonly counters = { failures: 0 }
  readonly #redis: FleetLimitsRedis
  readonly #keyPrefix: string

  /**
   * @param keyPrefix Of all keys in Redis. Without a hash tag, which would lay all of them on one
   *   node of a cluster.
   */
  constructor(redis: FleetLimitsRedis, keyPrefix: string) {
    this.#redis = redis
    this.#keyPrefix = keyPrefix
  }

  /**
   * Asks all questions, in their order; each sees what those before it did to its key.
   *
   * Takes at most the time of a command, and once more that after a restart of Redis. Never throws.
   *
   * @param questions 64 at most. Spans of up to 2^52 microseconds, a burst at the rate included.
   * @returns One whole number a question, or `null` when Redis did not answer, or not with such
   *   numbers: then each question may or may not have counted, and the caller decides without.
   */
  async ask(questions: readonly FleetQuestion[]): Promise<readonly number[] | null> {
    const calls = this.#callsOf(questions)
    const answers = calls === null ? null : await this.#run(calls, questions.length)
    if (answers === null) this.counters.failures += 1
    return answers
  }

  async #run(calls: readonly Call[], count: number): Promise<readonly number[] | null> {
    const replies = await Promise.all(
      calls.map(({ keys, args }) => this.#redis.runKnownScript(FLEET_LIMITS_SCRIPT, keys, args)),
    )
    const answers = new Array<number>(count).fill(0)
    for (const [index, { positions }] of calls.entries()) {
      const reply = replies[index]
      if (!reply?.ok || reply.value.length !== positions.length) return null
      for (const [at, position] of positions.entries()) answers[position] = reply.value[at] ?? 0
    }
    return answers
  }

  /** `null`: a question cannot be asked. */
  #callsOf(questions: readonly FleetQuestion[]): readonly Call[] | null {
    if (questions.length > QUESTIONS_MAX) return null
    const calls = new Map<string, Call>()
    for (const [position, question] of questions.entries()) {
      const words = wordsOf(question)
      if (words === null) return null
      const key = this.#redisKey(question)
      const place = this.#redis.isCluster ? key : ''
      const call = calls.get(place) ?? { keys: [], args: [], positions: [] }
      calls.set(place, call)
      call.keys.push(key)
      call.args.push(...words)
      call.positions.push(position)
    }
    return [...calls.values()]
  }

  /** Tells no name and no address. */
  #redisKey({ kind, key }: FleetQuestion): string {
    const holds = kind === 'take' ? 'rate' : 'lock'
    return `${this.#keyPrefix}${holds}:${hash('sha256', key, 'base64url')}`
  }
}

/** The four arguments of a question; `null` where the script could not count exactly. */
function wordsOf(question: FleetQuestion): readonly string[] | null {
  switch (question.kind) {
    case 'take': {
      const emission = Math.ceil(question.rate.emissionMicros)
      const burst = Math.floor(question.rate.burst)
      if (!areCountable([emission, burst, emission * burst])) return null
      return [question.kind, String(emission), String(burst), UNUSED]
    }
    case 'locked':
      return [question.kind, UNUSED, UNUSED, UNUSED]
    case 'fail': {
      const threshold = Math.floor(question.rule.threshold)
      const window = Math.ceil(question.rule.windowMicros)
      const lockout = Math.ceil(question.rule.lockoutMicros)
      if (!areCountable([threshold, window, lockout])) return null
      return [question.kind, String(threshold), String(window), String(lockout)]
    }
  }
}

function areCountable(numbers: readonly number[]): boolean {
  return numbers.every((number) => number >= 1 && number <= MICROS_MAX)
}
