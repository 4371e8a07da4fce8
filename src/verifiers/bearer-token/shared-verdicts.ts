/**
 * Where the shared cache and the verifiers of tokens meet: recalls a verdict, or has one found once
 * for all who ask at the same time.
 *
 *     recall ──hit──► verdict                                    same tick, no promise
 *        └miss─► establish ─► this thread's flight ─► the process's flight ─► find ─► share
 */
import type { CountsOfCaches } from '../../observability/cache-reading.ts'
import type { CacheResult } from '../../observability/metrics/metric-words.ts'
import {
  type KeyReference,
  type Refused,
  refuse,
  type Verified,
} from '../../protocol/verification.ts'
import { SingleFlight } from '../../resilience/single-flight.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { KeyGenerations } from '../../shared-memory/key-generations.ts'
import { type InFlight, NO_OUTCOME } from '../../token-cache/in-flight.ts'
import type { RefusalCache } from '../../token-cache/refusal-cache.ts'
import type { TokenCache } from '../../token-cache/token-cache.ts'
import { digestText, type TokenDigest } from '../../token-cache/token-digest.ts'
import type { EstablishedIdentity, Unverified, Verdict } from '../authenticator.ts'
import type { DerivedIdentity } from '../derived-identity.ts'
import type { LongLivedTokens } from './long-lived-tokens.ts'
import type { RefusalDetails } from './refusal-details.ts'

/** Hears what each request found in the cache. */
export interface LookupCounter {
  countCacheLookup(result: CacheResult): void
}

export interface SharedVerdictsParts {
  readonly cache: TokenCache<DerivedIdentity>
  readonly refusals: RefusalCache
  readonly inFlight: InFlight
  readonly keys: KeyGenerations
  readonly clock: Clock
  readonly lookups: LookupCounter
  readonly longLived: LongLivedTokens
  readonly details: RefusalDetails
}

/** What somebody found out about a token, and how long others may rely on it. */
export type SharedResult =
  /** Kept until `deadAtSeconds`. */
  Verified | RefusedResult | UndecidedResult

/** It could not be decided. Not kept, but told to all who have asked at the same time. */
export interface UndecidedResult {
  readonly kind: 'undecided'
  readonly undecided: UndecidedCause
}

/** The place of a cause is its number between threads, from 1. */
const UNDECIDED_CAUSES = ['outage', 'overloaded', 'not_taken'] as const

/**
 * `outage`: the introspection endpoint cannot be asked. `overloaded`: too many other tokens are
 * being asked about. `not_taken`: the endpoint does not take this one.
 */
export type UndecidedCause = (typeof UNDECIDED_CAUSES)[number]

/** How a credential is verified. */
export interface Question {
  /** Longest that {@link Question.find} takes, in ms. */
  readonly settlesWithinMs: number
  find(nowSeconds: number): Promise<SharedResult>
  /** What an undecided question means here, in whatever thread that was found. */
  conclude(undecided: UndecidedCause): EstablishedIdentity | Unverified | Refused
}

export interface RefusedResult {
  readonly kind: 'refused'
  readonly refused: Refused
  /**
   * How long the refusal may be remembered, in seconds. 0: not at all, because it is found without
   * cost, or could turn out otherwise a moment later. `null`: as long as refusals are by default.
   */
  readonly ttlSeconds: number | null
  /** First second in which its cause is gone, however long that is; `null`: time mends nothing. */
  readonly untilSeconds: number | null
  /** The key, or the set, under which a signature was found bad: the refusal dies with it. */
  readonly key: KeyReference | null
}

/** Different credentials being verified at once, and requests waiting for one of them. */
const FLIGHTS_MAX = 16_384
const WAITERS_PER_FLIGHT_MAX = 16_384
/** How often a thread waits for others before it asks whatever they do. */
const CLAIMS_MAX = 3

/** One for each listener thread. A verdict is about the token and its profile alone. */
export class SharedVerdicts {
  readonly #parts: SharedVerdictsParts
  readonly #flights = new SingleFlight<Verdict>({
    keysMax: FLIGHTS_MAX,
    waitersPerKeyMax: WAITERS_PER_FLIGHT_MAX,
  })

  constructor(parts: SharedVerdictsParts) {
    this.#parts = parts
  }

  get clock(): Clock {
    return this.#parts.clock
  }

  /** What this thread did with the caches: live, and only growing. */
  get cacheCounts(): CountsOfCaches {
    const { cache, refusals } = this.#parts
    return { token: cache.counters, refusal: refusals.counters }
  }

  /**
   * Hot path: what is already known about a credential, or `null`. A verdict is only returned
   * while its token is alive and its signing key is published.
   */
  recall(digest: TokenDigest, nowSeconds: number): EstablishedIdentity | Refused | null {
    const { cache, lookups } = this.#parts
    const { expired, deadKey } = cache.counters
    const cached = cache.get(digest, nowSeconds)
    if (cached !== null) {
      lookups.countCacheLookup('hit')
      return cached
    }
    const refused = this.#recallRefusal(digest, nowSeconds)
    if (refused !== null) lookups.countCacheLookup('refusal')
    else if (cache.counters.expired > expired) lookups.countCacheLookup('expired')
    else if (cache.counters.deadKey > deadKey) lookups.countCacheLookup('dead_key')
    else lookups.countCacheLookup('miss')
    return refused
  }

  /**
   * Has the credential verified, once for all who ask for it at the same time in this process.
   * Never rejects unless `find` does; `overloaded` when too many wait.
   */
  async establish(digest: TokenDigest, question: Question): Promise<Verdict> {
    const flight = this.#flights.run(digestText(digest), () => this.#fly(digest, question))
    if (flight === null) return refuse('verification_crowded')
    const verdict = await flight
    return verdict.kind === 'established' ? this.#stillGood(verdict) : verdict
  }

  /** As {@link recall}, and counts nothing and marks nothing as used. */
  peek(digest: TokenDigest, nowSeconds: number): EstablishedIdentity | Refused | null {
    const { cache, refusals, details } = this.#parts
    const cached = cache.peek(digest, nowSeconds)
    if (cached !== null) return cached
    const reason = refusals.peek(digest, nowSeconds)
    return reason === null ? null : details.refusalOf(reason, refusals.detailPlace)
  }

  /** A verdict that was kept beside the main one, looked at as {@link peek} does. */
  peekCopy(digest: TokenDigest, nowSeconds: number): EstablishedIdentity | null {
    return this.#parts.cache.peek(digest, nowSeconds)
  }

  /** A verdict that was kept beside the main one, under a digest of its own. */
  recallCopy(digest: TokenDigest, nowSeconds: number): EstablishedIdentity | null {
    return this.#parts.cache.get(digest, nowSeconds)
  }

  keepCopy(digest: TokenDigest, verified: Verified, nowSeconds: number): void {
    this.#parts.cache.putInReserve(digest, verified, nowSeconds)
  }

  forgetCopy(digest: TokenDigest): void {
    this.#parts.cache.delete(digest)
  }

  async #fly(digest: TokenDigest, question: Question): Promise<Verdict> {
    const { inFlight, clock } = this.#parts
    for (let claimed = 1; ; claimed += 1) {
      const claim = inFlight.claim(digest, clock.wallMs(), question.settlesWithinMs)
      let outcome = NO_OUTCOME
      try {
        await inFlight.wait(claim)
        // Another thread may have finished between the miss and the claim, or while we waited.
        const known = this.#recallAny(digest) ?? this.#outcomeOf(digest, question)
        if (known !== null) return known
        // Who waited for nothing claims anew, lest all who did ask at once; but not for ever.
        if (!claim.isOwner && claimed < CLAIMS_MAX) continue
        const result = await question.find(clock.nowSeconds())
        if (result.kind !== 'undecided') return this.#keep(digest, result)
        outcome = UNDECIDED_CAUSES.indexOf(result.undecided) + 1
        return question.conclude(result.undecided)
      } finally {
        inFlight.release(claim, digest, outcome, clock.wallMs())
      }
    }
  }

  #recallAny(digest: TokenDigest): EstablishedIdentity | Refused | null {
    const nowSeconds = this.#parts.clock.nowSeconds()
    return this.#parts.cache.get(digest, nowSeconds) ?? this.#recallRefusal(digest, nowSeconds)
  }

  /** What another thread, or this one, has found out a moment ago without a verdict. */
  #outcomeOf(digest: TokenDigest, question: Question): Verdict | null {
    const outcome = this.#parts.inFlight.outcome(digest, this.#parts.clock.wallMs())
    const undecided = UNDECIDED_CAUSES[outcome - 1]
    return undecided === undefined ? null : question.conclude(undecided)
  }

  #recallRefusal(digest: TokenDigest, nowSeconds: number): Refused | null {
    const { refusals, details } = this.#parts
    const reason = refusals.get(digest, nowSeconds)
    return reason === null ? null : details.refusalOf(reason, refusals.detailPlace)
  }

  #keep(digest: TokenDigest, result: Verified | RefusedResult): Verdict {
    const { cache, refusals, clock, longLived, details } = this.#parts
    if (result.kind === 'verified') {
      const nowSeconds = clock.nowSeconds()
      longLived.notice(result, nowSeconds)
      cache.put(digest, result, nowSeconds)
      return { kind: 'established', verified: result, terms: null, derived: null }
    }
    const { refused, ttlSeconds, untilSeconds, key } = result
    if (ttlSeconds !== 0) {
      const cause = { endsAtSeconds: untilSeconds, place: key, ttlSeconds }
      const place = details.placeOf(refused)
      refusals.put(digest, refused.reason, cause, clock.nowSeconds(), place)
    }
    return refused
  }

  /**
   * A request may have waited past the token's last second, or past the life of its key. Past the
   * time for which an answer may be kept, it is still the answer to this question: only those who
   * come later ask anew.
   */
  #stillGood(established: EstablishedIdentity): EstablishedIdentity | Refused {
    const { keys, clock } = this.#parts
    const { identity, deadAtSeconds, keySlot, keyGeneration } = established.verified
    const endsAtSeconds = Math.max(deadAtSeconds, identity.expiresAtSeconds ?? Number.MAX_VALUE)
    if (clock.nowSeconds() >= endsAtSeconds) return refuse('token_expired')
    return keys.isAlive(keySlot, keyGeneration) ? established : refuse('key_withdrawn')
  }
}
