/**
 * Where the shared cache and the verifiers meet: recalls a verdict, or has one established.
 *
 *     recall ──hit──► verdict                                    same tick, no promise
 *        └miss─► establish ─► this thread's flight ─► the process's flight ─► verify ─► share
 */
import { isB64Token } from '../credentials/bearer-token.ts'
import type { CacheResult } from '../observability/metric-names.ts'
import { type Refused, refuse, type Verification } from '../protocol/verification.ts'
import type { Clock } from '../resilience/clock.ts'
import { SingleFlight } from '../resilience/single-flight.ts'
import type { KeyGenerations } from '../shared-memory/key-generations.ts'
import { IN_FLIGHT_WAIT_MS_MAX, type InFlight } from '../token-cache/in-flight.ts'
import type { RefusalCache } from '../token-cache/refusal-cache.ts'
import type { CachedVerified, TokenCache } from '../token-cache/token-cache.ts'
import { digestText, type TokenDigest } from '../token-cache/token-digest.ts'
import type { JwtProfile } from '../verifiers/jwt/jwt-verifier.ts'
import type { Verifier } from '../verifiers/verifier.ts'
import type { VerificationProfile } from './verification-profile.ts'

/** A verdict, and the identity as lines of a request head once somebody has rendered them. */
export type EstablishedIdentity = CachedVerified<string>

/** Hears what each request found in the cache. */
export interface LookupCounter {
  countCacheLookup(result: CacheResult): void
}

export interface AuthenticatorParts {
  readonly cache: TokenCache<string>
  readonly refusals: RefusalCache
  readonly inFlight: InFlight
  readonly keys: KeyGenerations
  readonly verifier: Verifier<JwtProfile>
  readonly clock: Clock
  readonly lookups: LookupCounter
}

/** Different credentials being verified at once, and requests waiting for one of them. */
const FLIGHTS_MAX = 16_384
const WAITERS_PER_FLIGHT_MAX = 16_384

/** One for each listener thread. Does not authorise: a verdict is about the token alone. */
export class Authenticator {
  readonly #parts: AuthenticatorParts
  readonly #flights = new SingleFlight<EstablishedIdentity | Refused>({
    keysMax: FLIGHTS_MAX,
    waitersPerKeyMax: WAITERS_PER_FLIGHT_MAX,
  })

  constructor(parts: AuthenticatorParts) {
    this.#parts = parts
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
   * Never rejects; `overloaded` when too many wait, `invalid_request` when the text is not one
   * b64token (RFC 6750 §2.1).
   */
  async establish(
    token: string,
    digest: TokenDigest,
    profile: VerificationProfile,
  ): Promise<EstablishedIdentity | Refused> {
    if (!isB64Token(token)) return refuse('invalid_request')
    const flight = this.#flights.run(digestText(digest), () => this.#fly(token, digest, profile))
    if (flight === null) return refuse('overloaded')
    const verdict = await flight
    return 'verified' in verdict ? this.#stillGood(verdict) : verdict
  }

  async #fly(
    token: string,
    digest: TokenDigest,
    profile: VerificationProfile,
  ): Promise<EstablishedIdentity | Refused> {
    const { inFlight, clock } = this.#parts
    const claim = inFlight.claim(digest, clock.wallMs())
    try {
      if (!claim.isOwner) await inFlight.wait(claim, IN_FLIGHT_WAIT_MS_MAX)
      // Another thread may have finished between the miss and the claim, or while we waited.
      const nowSeconds = clock.nowSeconds()
      const recalled =
        this.#parts.cache.get(digest, nowSeconds) ?? this.#recallRefusal(digest, nowSeconds)
      if (recalled !== null) return recalled
      const verdict = await this.#parts.verifier.verify(token, profile.issuers, nowSeconds)
      return this.#keep(digest, verdict)
    } finally {
      inFlight.release(claim)
    }
  }

  #recallRefusal(digest: TokenDigest, nowSeconds: number): Refused | null {
    const code = this.#parts.refusals.get(digest, nowSeconds)
    return code === null ? null : refuse(code)
  }

  #keep(digest: TokenDigest, verdict: Verification): EstablishedIdentity | Refused {
    const { cache, refusals, clock } = this.#parts
    const nowSeconds = clock.nowSeconds()
    if (verdict.ok) {
      cache.put(digest, verdict, nowSeconds)
      return { verified: verdict, rendered: null }
    }
    // Other refusals are found without cryptography, or may change their mind: see Refused.key.
    if (verdict.key !== null) {
      refusals.put(digest, verdict.code, { endsAtSeconds: null, place: verdict.key }, nowSeconds)
    }
    return verdict
  }

  /** Whoever waited may have waited past the token's last second, or past the life of its key. */
  #stillGood(established: EstablishedIdentity): EstablishedIdentity | Refused {
    const { keys, clock } = this.#parts
    const { deadAtSeconds, keySlot, keyGeneration } = established.verified
    if (clock.nowSeconds() >= deadAtSeconds) return refuse('token_expired')
    return keys.isAlive(keySlot, keyGeneration) ? established : refuse('unknown_signing_key')
  }
}
