/**
 * Bearer tokens of one route: JWTs of known issuers are verified here, all others are introspected.
 *
 * When the introspection endpoint cannot be asked, the issuer's outage policy decides. An older
 * answer that it may fall back on is kept beside the one that counts, under a profile of its own:
 * it lives longer, and nobody else looks there.
 */
import { isB64Token } from '../credentials/bearer-token.ts'
import { refuse, type Verification, type Verified } from '../protocol/verification.ts'
import { type ProfileKey, type TokenDigest, tokenDigest } from '../token-cache/token-digest.ts'
import type {
  IntrospectionPolicy,
  IntrospectionResult,
} from '../verifiers/introspection/introspection-verifier.ts'
import { isJwtOf, type JwtProfile } from '../verifiers/jwt/jwt-verifier.ts'
import type { Verifier } from '../verifiers/verifier.ts'
import type { Finding, SharedVerdicts } from './shared-verdicts.ts'
import { type Authenticator, UNVERIFIED, type Verdict } from './verdict.ts'

/** What a route does with opaque tokens. */
export interface IntrospectionRule {
  readonly policy: IntrospectionPolicy
  readonly onOutage: 'use-cached-or-reject' | 'reject-all' | 'pass-through'
  /** How long an active answer counts. */
  readonly cacheTtlSeconds: number
  /** How long an inactive one does. */
  readonly inactiveTtlSeconds: number
  /** How old an answer may be that is used during an outage. */
  readonly staleMaxAgeSeconds: number
  /** Under which older answers are kept. */
  readonly staleKey: ProfileKey
}

/** What a route accepts as a bearer token. */
export interface TokenProfile {
  /** Under which verdicts are shared: made of everything below. */
  readonly key: ProfileKey
  /** `null`: JWTs are like any other token. */
  readonly jwt: JwtProfile | null
  /** `null`: only JWTs are good here. */
  readonly introspection: IntrospectionRule | null
}

/** Asks the issuer. Does not cache, and knows no outage policy. */
export interface Introspector {
  introspect(
    token: string,
    policy: IntrospectionPolicy,
    nowSeconds: number,
  ): Promise<IntrospectionResult>
}

export interface TokenAuthenticatorParts {
  readonly verdicts: SharedVerdicts
  readonly jwt: Verifier<JwtProfile>
  readonly introspector: Introspector
}

export class TokenAuthenticator implements Authenticator {
  readonly #parts: TokenAuthenticatorParts
  readonly #profile: TokenProfile

  constructor(parts: TokenAuthenticatorParts, profile: TokenProfile) {
    this.#parts = parts
    this.#profile = profile
  }

  recall(token: string, nowSeconds: number): Verdict | null {
    return this.#parts.verdicts.recall(tokenDigest(this.#profile.key, token), nowSeconds)
  }

  /** `invalid_request` when the text is not one b64token (RFC 6750 §2.1). */
  async establish(token: string): Promise<Verdict> {
    if (!isB64Token(token)) return refuse('invalid_request')
    const digest = tokenDigest(this.#profile.key, token)
    return this.#parts.verdicts.establish(digest, (nowSeconds) => this.#find(token, nowSeconds))
  }

  async #find(token: string, nowSeconds: number): Promise<Finding> {
    const { jwt, introspection } = this.#profile
    const isJwt = jwt !== null && (introspection === null || isJwtOf(token, jwt))
    if (isJwt) return findingOf(await this.#parts.jwt.verify(token, jwt, nowSeconds))
    if (introspection === null) return keptNot('invalid_token')
    return this.#introspect(token, introspection, nowSeconds)
  }

  async #introspect(token: string, rule: IntrospectionRule, nowSeconds: number): Promise<Finding> {
    const { introspector, verdicts } = this.#parts
    const outcome = await introspector.introspect(token, rule.policy, nowSeconds)
    const stale = tokenDigest(rule.staleKey, token)
    if (outcome.kind === 'overloaded') return keptNot('overloaded')
    if (outcome.kind === 'undecided') {
      // Not an outage: a client must not get past an endpoint by sending what that cannot take.
      const { reason } = outcome
      if (reason === 'request_refused') return keptNot('verifier_unavailable')
      return this.#duringOutage(stale, rule)
    }
    if (outcome.kind === 'refused') {
      // Whatever it was before: from now on no outage makes this token good again.
      verdicts.forgetCopy(stale)
      const { refused, untilSeconds } = outcome
      return { refused, ttlSeconds: rule.inactiveTtlSeconds, untilSeconds, key: null }
    }
    const endsAtSeconds = outcome.deadAtSeconds ?? Number.POSITIVE_INFINITY
    const answeredAtSeconds = verdicts.clock.nowSeconds()
    const until = (ttlSeconds: number): Verified => ({
      ok: true,
      identity: outcome.identity,
      deadAtSeconds: Math.min(answeredAtSeconds + ttlSeconds, endsAtSeconds),
      keySlot: 0,
      keyGeneration: 0,
    })
    if (rule.onOutage === 'use-cached-or-reject') {
      verdicts.keepCopy(stale, until(rule.staleMaxAgeSeconds), answeredAtSeconds)
    }
    return until(rule.cacheTtlSeconds)
  }

  #duringOutage(stale: TokenDigest, rule: IntrospectionRule): Finding {
    const { verdicts } = this.#parts
    if (rule.onOutage === 'pass-through') return UNVERIFIED
    if (rule.onOutage === 'reject-all') return keptNot('verifier_unavailable')
    return (
      verdicts.recallCopy(stale, verdicts.clock.nowSeconds()) ?? keptNot('verifier_unavailable')
    )
  }
}

/** Only a bad signature costs enough to be remembered: see `Refused.key`. */
function findingOf(verification: Verification): Finding {
  if (verification.ok) return verification
  const { key } = verification
  return { refused: verification, ttlSeconds: key === null ? 0 : null, untilSeconds: null, key }
}

function keptNot(code: 'invalid_token' | 'overloaded' | 'verifier_unavailable'): Finding {
  return { refused: refuse(code), ttlSeconds: 0, untilSeconds: null, key: null }
}
