/**
 * Where the shared cache and the verifiers meet: recalls a verdict, or has one established.
 *
 *     recall ──hit──► verdict                                    same tick, no promise
 *        └miss─► establish ─► this thread's flight ─► the process's flight ─► verify ─► share
 */
import { type Refused, refuse, type Verification } from '../protocol/verification.ts'
import type { Clock } from '../resilience/clock.ts'
import { SingleFlight } from '../resilience/single-flight.ts'
import { IN_FLIGHT_WAIT_MS_MAX, type InFlight } from '../token-cache/in-flight.ts'
import type { RefusalCache } from '../token-cache/refusal-cache.ts'
import type { CachedVerified, TokenCache } from '../token-cache/token-cache.ts'
import type { TokenDigest } from '../token-cache/token-digest.ts'
import type { JwtProfile } from '../verifiers/jwt/jwt-verifier.ts'
import type { Verifier } from '../verifiers/verifier.ts'
import type { VerificationProfile } from './verification-profile.ts'

/** A verdict with the identity's rendered header fields, once somebody has rendered them. */
export type EstablishedIdentity = CachedVerified<readonly string[]>

export interface AuthenticatorParts {
  readonly cache: TokenCache<readonly string[]>
  readonly refusals: RefusalCache
  readonly inFlight: InFlight
  readonly verifier: Verifier<JwtProfile>
  readonly clock: Clock
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
    const cached = this.#parts.cache.get(digest, nowSeconds)
    if (cached !== null) return cached
    const code = this.#parts.refusals.get(digest, nowSeconds)
    return code === null ? null : refuse(code)
  }

  /**
   * Has the credential verified, once for all who ask for it at the same time in this process.
   * Never rejects; `overloaded` when too many wait.
   */
  async establish(
    token: string,
    digest: TokenDigest,
    profile: VerificationProfile,
  ): Promise<EstablishedIdentity | Refused> {
    const flight = this.#flights.run(digest, () => this.#fly(token, digest, profile))
    if (flight === null) return refuse('overloaded')
    const verdict = await flight
    // Whoever waited may have waited past the last second of the token.
    const isDead = 'verified' in verdict && this.#isDead(verdict.verified.deadAtSeconds)
    return isDead ? refuse('token_expired') : verdict
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
      const recalled = this.recall(digest, clock.nowSeconds())
      if (recalled !== null) return recalled
      const nowSeconds = clock.nowSeconds()
      const verdict = await this.#parts.verifier.verify(token, profile.issuers, nowSeconds)
      return this.#keep(digest, verdict)
    } finally {
      inFlight.release(claim)
    }
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

  #isDead(deadAtSeconds: number): boolean {
    return this.#parts.clock.nowSeconds() >= deadAtSeconds
  }
}
