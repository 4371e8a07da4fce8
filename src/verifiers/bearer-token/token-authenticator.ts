/**
 * Bearer tokens of one route: JWTs of known issuers are verified here, opaque tokens and JWTs of
 * the introspecting issuer are introspected. A JWT of anybody else is refused unseen.
 *
 * When the introspection endpoint cannot be asked, the issuer's outage policy decides. An older
 * answer that it may fall back on is kept beside the one that counts, under a profile of its own:
 * it lives longer, and nothing else looks there. So is a mark that the token is known, without
 * anything of the answer: strangers must not crowd out what the issuer has vouched for.
 */
import { isB64Token } from '../../credentials/bearer-token.ts'
import { type ClaimedIssuer, claimedIssuer } from '../../protocol/claimed-issuer.ts'
import { isIssuer } from '../../protocol/claims.ts'
import type { ActiveToken } from '../../protocol/introspection-response.ts'
import type { RefusalReason } from '../../protocol/refusal-reason.ts'
import { tellIssuer } from '../../protocol/tell-claims.ts'
import { listed, type Trace } from '../../protocol/trace.ts'
import {
  EMPTY_IDENTITY,
  type Identity,
  type Refused,
  refuse,
  type Verification,
  type Verified,
} from '../../protocol/verification.ts'
import { type ProfileKey, type TokenDigest, tokenDigest } from '../../token-cache/token-digest.ts'
import {
  type Authenticator,
  type EstablishedIdentity,
  UNVERIFIED,
  type Unverified,
  type Verdict,
} from '../authenticator.ts'
import type {
  IntrospectedToken,
  IntrospectionOutcome,
} from '../introspection/introspection-client.ts'
import type { IntrospectionPolicy } from '../introspection/introspection-verifier.ts'
import type { JwtProfile } from '../jwt/jwt-verifier.ts'
import type { Verifier } from '../verifier.ts'
import type { SharedResult, SharedVerdicts, UndecidedCause } from './shared-verdicts.ts'

/** What a route does with opaque tokens. */
export interface IntrospectionRule {
  /** Who is asked, and as which client: what another one has answered, or another was told, is not
   * what this one would say. */
  readonly asks: { readonly endpoint: string; readonly clientId: string }
  readonly policy: IntrospectionPolicy
  readonly onOutage: 'use-cached-or-reject' | 'reject-all' | 'pass-through'
  /** How long an active answer counts. */
  readonly cacheTtlSeconds: number
  /** How long an inactive one does. */
  readonly inactiveTtlSeconds: number
  /** How old an answer may be that is used during an outage. */
  readonly staleMaxAgeSeconds: number
  /**
   * JWTs of the issuer that are introspected once their signature is good, because they do not say
   * all of it themselves. `null`: what they say is all.
   */
  readonly signed: JwtProfile | null
  /** Under which older answers are kept. */
  readonly staleKey: ProfileKey
  /** Under which it is kept that the issuer has called a token active of late. */
  readonly knownKey: ProfileKey
}

/** What a route accepts as a bearer token. */
export interface TokenProfile {
  /** Under which verdicts are shared: made of everything below. */
  readonly key: ProfileKey
  /** `null`: JWTs are like any other token. */
  readonly jwt: JwtProfile | null
  /** `null`: only JWTs are good here. */
  readonly introspection: IntrospectionRule | null
  /** Longest that verifying a token takes, in ms. */
  readonly settlesWithinMs: number
}

/** Asks the issuer. Does not cache, and knows no outage policy. */
export interface Introspector {
  introspect(
    token: IntrospectedToken,
    policy: IntrospectionPolicy,
    nowSeconds: number,
    trace: Trace | null,
  ): Promise<IntrospectionOutcome>
}

export interface TokenAuthenticatorParts {
  readonly verdicts: SharedVerdicts
  readonly jwt: Verifier<JwtProfile>
  readonly introspector: Introspector
}

const OF_ANOTHER_ROUTE = refuse('audience_not_of_route')
const NOT_ACCEPTED = refusedAtOnce('token_kind_not_accepted')
const UNSECURED = refusedAtOnce('token_unsecured')
const NOT_INTROSPECTED = refusedAtOnce('issuer_not_introspected')

/** How long a token counts as known after the issuer has called it active. */
const KNOWN_SECONDS = 3_600

/**
 * How long a signature counts as not settled. Less than fetches of keys are apart for one issuer,
 * and no longer than a key that has been fetched since may be waited for.
 */
const UNSETTLED_SECONDS = 1
const UNSETTLED: ReadonlySet<RefusalReason> = new Set(['signature_unsettled', 'key_without_place'])

export class TokenAuthenticator implements Authenticator {
  readonly #parts: TokenAuthenticatorParts
  readonly #profile: TokenProfile
  readonly #audiences: readonly string[] | null

  /**
   * @param audiences Those of the route: a token must name one of them, whatever is cached about
   *   it. They are among those that the policies keep. `null`: it need not.
   */
  constructor(
    parts: TokenAuthenticatorParts,
    profile: TokenProfile,
    audiences: readonly string[] | null,
  ) {
    this.#parts = parts
    this.#profile = profile
    this.#audiences = audiences
  }

  recall(token: string, nowSeconds: number): Verdict | null {
    const verdict = this.#parts.verdicts.recall(tokenDigest(this.#profile.key, token), nowSeconds)
    return verdict === null || this.#audiences === null ? verdict : this.#onRoute(verdict)
  }

  peek(token: string, nowSeconds: number): Verdict | null {
    const verdict = this.#parts.verdicts.peek(tokenDigest(this.#profile.key, token), nowSeconds)
    return verdict === null ? null : this.#onRoute(verdict)
  }

  /** `invalid_request` when the text is not one b64token (RFC 6750 §2.1). */
  async establish(token: string, trace: Trace | null = null): Promise<Verdict> {
    const verdict = this.#onRoute(await this.#establishAnywhere(token, trace))
    if (trace !== null && verdict === OF_ANOTHER_ROUTE) this.#tellAudiences(trace)
    return verdict
  }

  /** A verdict is about the token; what it is worth on this route is found out on every request. */
  #onRoute(verdict: Verdict): Verdict {
    if (this.#audiences === null || verdict.kind !== 'established') return verdict
    const { audiences } = verdict.verified.identity
    for (let index = 0; index < audiences.length; index += 1) {
      if (this.#audiences.includes(audiences[index] ?? '')) return verdict
    }
    return OF_ANOTHER_ROUTE
  }

  #tellAudiences(trace: Trace): void {
    const expected = listed(this.#audiences ?? [])
    trace.tell('claim', 'no', `aud: the route takes only tokens for one of ${expected}`)
  }

  async #establishAnywhere(token: string, trace: Trace | null): Promise<Verdict> {
    if (!isB64Token(token)) return refuse('token_syntax')
    const digest = tokenDigest(this.#profile.key, token)
    if (trace !== null) return this.#explain(token, digest, trace)
    return this.#parts.verdicts.establish(digest, {
      settlesWithinMs: this.#profile.settlesWithinMs,
      find: (nowSeconds) => this.#find(token, digest, nowSeconds, null),
      conclude: (undecided) => this.#conclude(undecided, digest),
    })
  }

  /** Finds out anew, for the trace alone: nothing that is found out is kept. */
  async #explain(token: string, digest: TokenDigest, trace: Trace): Promise<Verdict> {
    const { clock } = this.#parts.verdicts
    const result = await this.#find(token, digest, clock.nowSeconds(), trace)
    if (result.kind === 'undecided') return this.#conclude(result.undecided, digest, trace)
    if (result.kind === 'refused') return result.refused
    return { kind: 'established', verified: result, terms: null, derived: null }
  }

  async #find(
    token: string,
    digest: TokenDigest,
    nowSeconds: number,
    trace: Trace | null,
  ): Promise<SharedResult> {
    const { jwt, introspection } = this.#profile
    const verify = (by: JwtProfile) => this.#parts.jwt.verify(token, by, nowSeconds, trace)
    if (introspection === null) return jwt === null ? NOT_ACCEPTED : resultOf(await verify(jwt))
    const claimed = claimedIssuer(token)
    if (claimed.kind === 'unsecured') return UNSECURED
    const way = claimed.kind === 'issuer' ? this.#wayOf(claimed.issuer, introspection) : 'ask'
    if (way === 'foreign') {
      if (trace !== null) this.#tellForeign(trace, claimed, introspection)
      return NOT_INTROSPECTED
    }
    if (way === 'ask') {
      return this.#introspect(token, digest, introspection, nowSeconds, trace, null)
    }
    const verified = await verify(way)
    // A forged token never gets to the endpoint.
    if (verified.kind === 'refused' || way !== introspection.signed) return resultOf(verified)
    trace?.tell('token', 'note', 'its signature is good: its issuer is asked for the rest')
    return this.#introspect(token, digest, introspection, nowSeconds, trace, verified)
  }

  /**
   * By which profile a JWT of this issuer is verified; `ask`: its issuer is asked about it unseen;
   * `foreign`: a token of another issuer is not shown to this one.
   */
  #wayOf(issuer: string, { policy, signed }: IntrospectionRule): JwtProfile | 'ask' | 'foreign' {
    const { jwt } = this.#profile
    const verified = jwt?.byIssuer.find(issuer)
    if (jwt === null || verified === undefined) return isIssuer(issuer, policy) ? 'ask' : 'foreign'
    return verified.name === policy.name ? (signed ?? jwt) : jwt
  }

  #tellForeign(trace: Trace, claimed: ClaimedIssuer, { policy }: IntrospectionRule): void {
    const expected = [...(this.#profile.jwt?.issuers ?? []), policy.issuer]
    tellIssuer(trace, claimed.kind === 'issuer' ? claimed.issuer : null, expected, false)
  }

  async #introspect(
    text: string,
    digest: TokenDigest,
    rule: IntrospectionRule,
    nowSeconds: number,
    trace: Trace | null,
    signed: Verified | null,
  ): Promise<SharedResult> {
    const { introspector, verdicts } = this.#parts
    const stale = { token: digest.token, profile: rule.staleKey }
    const known = { token: digest.token, profile: rule.knownKey }
    // Known tokens are asked about first, so that an older answer stands in for outages only.
    const isKept = (copy: TokenDigest) =>
      (trace === null
        ? verdicts.recallCopy(copy, nowSeconds)
        : verdicts.peekCopy(copy, nowSeconds)) !== null
    const asked = { text, isKnown: isKept(known) || isKept(stale) }
    const outcome = await introspector.introspect(asked, rule.policy, nowSeconds, trace)
    if (outcome.kind === 'overloaded') return { kind: 'undecided', undecided: 'overloaded' }
    if (outcome.kind === 'undecided') {
      const undecided = outcome.reason === 'request_refused' ? 'not_taken' : 'outage'
      return { kind: 'undecided', undecided }
    }
    if (outcome.kind === 'refused') {
      if (trace === null) {
        // Whatever it was before: from now on no outage makes this token good again.
        verdicts.forgetCopy(stale)
        verdicts.forgetCopy(known)
      }
      const { refused, untilSeconds } = outcome
      return {
        kind: 'refused',
        refused,
        ttlSeconds: rule.inactiveTtlSeconds,
        untilSeconds,
        key: null,
      }
    }
    return this.#keepActive(outcome, { stale, known }, rule, trace, signed)
  }

  /** @param signed What its signature says: it ends with the token's own end and with its key. */
  #keepActive(
    { identity: answered, deadAtSeconds }: ActiveToken,
    { stale, known }: { readonly stale: TokenDigest; readonly known: TokenDigest },
    rule: IntrospectionRule,
    trace: Trace | null,
    signed: Verified | null,
  ): Verified {
    const { verdicts } = this.#parts
    const identity = signed === null ? answered : withSigned(answered, signed.identity)
    const endsAtSeconds = Math.min(
      deadAtSeconds ?? Number.POSITIVE_INFINITY,
      signed?.deadAtSeconds ?? Number.POSITIVE_INFINITY,
    )
    const answeredAtSeconds = verdicts.clock.nowSeconds()
    const until = (ttlSeconds: number, about = identity): Verified => ({
      kind: 'verified',
      identity: about,
      deadAtSeconds: Math.min(answeredAtSeconds + ttlSeconds, endsAtSeconds),
      keySlot: signed?.keySlot ?? 0,
      keyGeneration: signed?.keyGeneration ?? 0,
    })
    if (trace !== null) return until(rule.cacheTtlSeconds)
    if (rule.onOutage === 'use-cached-or-reject') {
      verdicts.keepCopy(stale, until(rule.staleMaxAgeSeconds), answeredAtSeconds)
    }
    // The mark says nothing of the caller.
    verdicts.keepCopy(known, until(KNOWN_SECONDS, EMPTY_IDENTITY), answeredAtSeconds)
    return until(rule.cacheTtlSeconds)
  }

  #conclude(
    undecided: UndecidedCause,
    digest: TokenDigest,
    trace: Trace | null = null,
  ): EstablishedIdentity | Unverified | Refused {
    const rule = this.#profile.introspection
    const { verdicts } = this.#parts
    // Not an outage: a client must not get past an endpoint by sending what that cannot take.
    if (rule === null || undecided === 'not_taken') return refuse('introspection_not_taken')
    // Nor is our own load one: it lets no request through unverified.
    if (undecided === 'outage' && rule.onOutage === 'pass-through') return UNVERIFIED
    const refused = refuse(
      undecided === 'outage' ? 'introspection_unavailable' : 'introspection_crowded',
    )
    if (rule.onOutage !== 'use-cached-or-reject') return refused
    const stale = { token: digest.token, profile: rule.staleKey }
    const nowSeconds = verdicts.clock.nowSeconds()
    if (trace === null) return verdicts.recallCopy(stale, nowSeconds) ?? refused
    const copy = verdicts.peekCopy(stale, nowSeconds)
    const told = copy === null ? 'there is no older answer' : 'an older answer stands in'
    trace.tell(
      'introspection',
      copy === null ? 'no' : 'note',
      `onOutage: ${rule.onOutage}; ${told}`,
    )
    return copy ?? refused
  }
}

/** Only a bad signature costs enough to be remembered: see `Refused.key`. */
function resultOf(verification: Verification): SharedResult {
  if (verification.kind === 'verified') return verification
  const { key, reason } = verification
  const rememberedSeconds = key === null ? 0 : null
  const ttlSeconds = UNSETTLED.has(reason) ? UNSETTLED_SECONDS : rememberedSeconds
  return { kind: 'refused', refused: verification, ttlSeconds, untilSeconds: null, key }
}

/** Found without cost: not remembered. */
function refusedAtOnce(reason: RefusalReason): SharedResult {
  const refused = refuse(reason)
  return Object.freeze({ kind: 'refused', refused, ttlSeconds: 0, untilSeconds: null, key: null })
}

/**
 * An answer about a token whose signature is good, with what the token itself says: by its ids and
 * its age it can be revoked, and what it is good for ends with the earlier of both ends.
 */
function withSigned(answered: Identity, signed: Identity): Identity {
  const ends = [answered.expiresAtSeconds, signed.expiresAtSeconds].filter((end) => end !== null)
  return {
    ...answered,
    tokenId: signed.tokenId ?? answered.tokenId,
    sessionId: signed.sessionId ?? answered.sessionId,
    issuedAtSeconds: signed.issuedAtSeconds ?? answered.issuedAtSeconds,
    expiresAtSeconds: ends.length === 0 ? null : Math.min(...ends),
  }
}
