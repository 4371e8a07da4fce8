/**
 * Where the shared cache and the verifiers of tokens meet: recalls a verdict, or has one found once
 * for all who ask at the same time.
 *
 *     recall ──hit──► verdict                                    same tick, no promise
 *        └miss─► establish ─► this thread's flight ─► the process's flight ─► find ─► share
 */
import type { CacheResult } from '../observability/metric-names.ts'
import { type KeyReference, type Refused, refuse, type Verified } from '../protocol/verification.ts'
import type { Clock } from '../resilience/clock.ts'
import { SingleFlight } from '../resilience/single-flight.ts'
import type { KeyGenerations } from '../shared-memory/key-generations.ts'
import { IN_FLIGHT_WAIT_MS_MAX, type InFlight } from '../token-cache/in-flight.ts'
import type { RefusalCache } from '../token-cache/refusal-cache.ts'
import type { TokenCache } from '../token-cache/token-cache.ts'
import { digestText, type TokenDigest } from '../token-cache/token-digest.ts'
import type { IdentityNotes } from './identity-notes.ts'
import type { LongLivedTokens } from './long-lived-tokens.ts'
import type { EstablishedIdentity, Unverified, Verdict } from './verdict.ts'

/** Hears what each request found in the cache. */
export interface LookupCounter {
  countCacheLookup(result: CacheResult): void
}

export interface SharedVerdictsParts {
  readonly cache: TokenCache<IdentityNotes>
  readonly refusals: RefusalCache
  readonly inFlight: InFlight
  readonly keys: KeyGenerations
  readonly clock: Clock
  readonly lookups: LookupCounter
  readonly longLived: LongLivedTokens
}

/** What somebody found out about a token, and how long others may rely on it. */
export type Finding =
  /** Kept until `deadAtSeconds`. */
  | Verified
  /** Recalled from an older answer: not kept anew. */
  | EstablishedIdentity
  | Unverified
  | RefusedFinding

export interface RefusedFinding {
  readonly refused: Refused
  /**
   * How long the refusal may be remembered, in seconds. 0: not at all, because it is found without
   * cost, or could turn out otherwise a moment later. `null`: as long as refusals are by default.
   */
  readonly ttlSeconds: number | null
  /** First second in which its cause is gone, however long that is; `null`: time mends nothing. */
  readonly untilSeconds: number | null
  /** The key under which a signature was found bad: the refusal dies with it. */
  readonly key: KeyReference | null
}

/** Different credentials being verified at once, and requests waiting for one of them. */
const FLIGHTS_MAX = 16_384
const WAITERS_PER_FLIGHT_MAX = 16_384

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
   * Has the credential judged, once for all who ask for it at the same time in this process. Never
   * rejects unless `find` does; `overloaded` when too many wait.
   */
  async establish(
    digest: TokenDigest,
    find: (nowSeconds: number) => Promise<Finding>,
  ): Promise<Verdict> {
    const flight = this.#flights.run(digestText(digest), () => this.#fly(digest, find))
    if (flight === null) return refuse('overloaded')
    const verdict = await flight
    return 'verified' in verdict ? this.#stillGood(verdict) : verdict
  }

  /** A verdict that was kept beside the main one, under a digest of its own. */
  recallCopy(digest: TokenDigest, nowSeconds: number): EstablishedIdentity | null {
    return this.#parts.cache.get(digest, nowSeconds)
  }

  keepCopy(digest: TokenDigest, verified: Verified, nowSeconds: number): void {
    this.#parts.cache.put(digest, verified, nowSeconds)
  }

  forgetCopy(digest: TokenDigest): void {
    this.#parts.cache.delete(digest)
  }

  async #fly(
    digest: TokenDigest,
    find: (nowSeconds: number) => Promise<Finding>,
  ): Promise<Verdict> {
    const { inFlight, clock } = this.#parts
    const claim = inFlight.claim(digest, clock.wallMs())
    try {
      if (!claim.isOwner) await inFlight.wait(claim, IN_FLIGHT_WAIT_MS_MAX)
      // Another thread may have finished between the miss and the claim, or while we waited.
      const nowSeconds = clock.nowSeconds()
      const recalled =
        this.#parts.cache.get(digest, nowSeconds) ?? this.#recallRefusal(digest, nowSeconds)
      if (recalled !== null) return recalled
      return this.#keep(digest, await find(nowSeconds))
    } finally {
      inFlight.release(claim)
    }
  }

  #recallRefusal(digest: TokenDigest, nowSeconds: number): Refused | null {
    const code = this.#parts.refusals.get(digest, nowSeconds)
    return code === null ? null : refuse(code)
  }

  #keep(digest: TokenDigest, finding: Finding): Verdict {
    const { cache, refusals, clock, longLived } = this.#parts
    if ('ok' in finding) {
      const nowSeconds = clock.nowSeconds()
      longLived.notice(finding, nowSeconds)
      cache.put(digest, finding, nowSeconds)
      return { verified: finding, notes: null }
    }
    if (!('refused' in finding)) return finding
    const { refused, ttlSeconds, untilSeconds, key } = finding
    if (ttlSeconds !== 0) {
      const cause = { endsAtSeconds: untilSeconds, place: key, ttlSeconds }
      refusals.put(digest, refused.code, cause, clock.nowSeconds())
    }
    return refused
  }

  /**
   * Whoever waited may have waited past the token's last second, or past the life of its key. Past
   * the time for which an answer may be kept, it is still the answer to this question: only those
   * who come later ask anew.
   */
  #stillGood(established: EstablishedIdentity): EstablishedIdentity | Refused {
    const { keys, clock } = this.#parts
    const { identity, deadAtSeconds, keySlot, keyGeneration } = established.verified
    const endsAtSeconds = Math.max(deadAtSeconds, identity.expiresAtSeconds ?? Number.MAX_VALUE)
    if (clock.nowSeconds() >= endsAtSeconds) return refuse('token_expired')
    return keys.isAlive(keySlot, keyGeneration) ? established : refuse('unknown_signing_key')
  }
}
