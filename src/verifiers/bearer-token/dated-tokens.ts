/**
 * Gives tokens an instant of issue that do not say one: that of their first sight, so that a
 * revocation of their subject can tell those of before from those of a new login.
 */
import { parseCompactJws } from '../../protocol/compact-jws.ts'
import type { Trace } from '../../protocol/trace.ts'
import { type Identity, refuse, type Verification } from '../../protocol/verification.ts'
import type { FirstSights } from '../../revocation/first-sights.ts'
import { REVOCATION_LIFE_MAX_SECONDS } from '../../revocation/revocation-entry.ts'
import type {
  IntrospectedToken,
  IntrospectionOutcome,
} from '../introspection/introspection-client.ts'
import type { IntrospectionPolicy } from '../introspection/introspection-verifier.ts'
import type { JwtProfile } from '../jwt/jwt-verifier.ts'
import type { Verifier } from '../verifier.ts'
import type { Introspector } from './token-authenticator.ts'

/** A token whose first sight cannot be told now is looked at again so soon. */
const UNDATED_SECONDS = 1
/** An end is exact to the second, and forgiven by the clock tolerance. */
const KEPT_MARGIN_SECONDS = 120

export class DatedJwtVerifier implements Verifier<JwtProfile> {
  readonly #verifier: Verifier<JwtProfile>
  readonly #firstSights: FirstSights

  constructor(verifier: Verifier<JwtProfile>, firstSights: FirstSights) {
    this.#verifier = verifier
    this.#firstSights = firstSights
  }

  async verify(
    token: string,
    profile: JwtProfile,
    nowSeconds: number,
    trace: Trace | null,
  ): Promise<Verification> {
    const verified = await this.#verifier.verify(token, profile, nowSeconds, trace)
    if (verified.kind === 'refused' || verified.identity.issuedAtSeconds !== null) return verified
    const undated = { token, identity: verified.identity, lifeSeconds: null, trace }
    const identity = await dated(this.#firstSights, undated, nowSeconds)
    if (identity !== null) return { ...verified, identity }
    const deadAtSeconds = Math.min(verified.deadAtSeconds, nowSeconds + UNDATED_SECONDS)
    return { ...verified, deadAtSeconds }
  }
}

export class DatedIntrospector implements Introspector {
  readonly #introspector: Introspector
  readonly #firstSights: FirstSights
  readonly #lives: ReadonlyMap<string, number | null>

  /** @param lives Longest life of tokens without `exp`, by the name of the issuer. */
  constructor(
    introspector: Introspector,
    firstSights: FirstSights,
    lives: ReadonlyMap<string, number | null>,
  ) {
    this.#introspector = introspector
    this.#firstSights = firstSights
    this.#lives = lives
  }

  /** Refuses with `token_expired`, too: a token without `exp` that is older than any may be. */
  async introspect(
    token: IntrospectedToken,
    policy: IntrospectionPolicy,
    nowSeconds: number,
    trace: Trace | null,
  ): Promise<IntrospectionOutcome> {
    const result = await this.#introspector.introspect(token, policy, nowSeconds, trace)
    if (result.kind !== 'active') return result
    const life = this.#lives.get(policy.name) ?? null
    const undated = { token: token.text, identity: result.identity, lifeSeconds: life, trace }
    const identity =
      result.identity.issuedAtSeconds === null
        ? await dated(this.#firstSights, undated, nowSeconds)
        : result.identity
    if (identity === null) {
      const soonSeconds = nowSeconds + UNDATED_SECONDS
      return {
        ...result,
        deadAtSeconds: Math.min(result.deadAtSeconds ?? soonSeconds, soonSeconds),
      }
    }
    const { expiresAtSeconds, issuedAtSeconds } = identity
    if (expiresAtSeconds !== null || life === null) return { ...result, identity }
    const deadAtSeconds = (issuedAtSeconds ?? 0) + life + policy.clockToleranceSeconds
    if (nowSeconds < deadAtSeconds) return { ...result, identity, deadAtSeconds }
    return { kind: 'refused', refused: refuse('token_too_old'), untilSeconds: null }
  }
}

/** A token that does not say when it was issued. */
interface UndatedToken {
  readonly token: string
  readonly identity: Identity
  /** Longest life of a token without `exp`; `null`: no end is known. */
  readonly lifeSeconds: number | null
  readonly trace: Trace | null
}

/** @returns `null`: cannot be told now. */
async function dated(
  firstSights: FirstSights,
  { token, identity, lifeSeconds, trace }: UndatedToken,
  nowSeconds: number,
): Promise<Identity | null> {
  // Known for twice as long as it may live: what is too old must not begin anew.
  const endsAtSeconds =
    identity.expiresAtSeconds ??
    nowSeconds + (lifeSeconds === null ? REVOCATION_LIFE_MAX_SECONDS : 2 * lifeSeconds)
  const name = `token\n${unsigned(token)}`
  const keptUntilSeconds = endsAtSeconds + KEPT_MARGIN_SECONDS
  const issuedAtSeconds =
    trace === null
      ? await firstSights.of(name, nowSeconds, keptUntilSeconds)
      : await firstSights.peek(name, nowSeconds)
  trace?.tell('claim', 'note', 'without iat, it counts as issued when it was first seen')
  return issuedAtSeconds === null ? null : { ...identity, issuedAtSeconds }
}

/** A JWT without its signature: an ECDSA signature has a second form that verifies as well. */
function unsigned(token: string): string {
  return parseCompactJws(token) === null ? token : token.slice(0, token.lastIndexOf('.'))
}
