/**
 * What clients are told of limits: `RateLimit-Policy` and `RateLimit`
 * (draft-ietf-httpapi-ratelimit-headers-10 §3 and §4), and `Retry-After`.
 */

/** Why nothing more may come for a while, as an answer says it. */
export interface LimitAnswer {
  /** Seconds until it is worth trying again, at least 1. */
  readonly retryAfterSeconds: number
  /** Names and values of fields of the answer. */
  readonly limitFields: readonly string[]
}

const MICROS_PER_SECOND = 1_000_000
const NO_FIELDS: readonly string[] = Object.freeze([])

/** What a limit is called and allows, as its fields say it. */
export interface RatePolicy {
  /** A word of ours: `address`, `username` and so on. */
  readonly name: string
  readonly count: number
  readonly periodSeconds: number
}

/** The answer to a request that has to wait for so long. @param policy `null`: after failures. */
export function limitAnswer(policy: RatePolicy | null, waitMicros: number): LimitAnswer {
  const retryAfterSeconds = Math.max(1, Math.ceil(waitMicros / MICROS_PER_SECOND))
  const limitFields = policy === null ? NO_FIELDS : rateFields(policy, 0, retryAfterSeconds)
  return { retryAfterSeconds, limitFields }
}

/** @param remaining Requests that could come now. @param resetSeconds Until all of them could. */
export function rateFields(
  { name, count, periodSeconds }: RatePolicy,
  remaining: number,
  resetSeconds: number,
): readonly string[] {
  return [
    'ratelimit-policy',
    `"${name}";q=${count};w=${periodSeconds}`,
    'ratelimit',
    `"${name}";r=${remaining};t=${resetSeconds}`,
  ]
}
