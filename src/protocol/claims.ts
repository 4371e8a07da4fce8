/**
 * The claims of an access token (RFC 7519 §4.1, RFC 9068 §2.2): typed, checked, and turned into
 * the identity that upstreams hear of.
 */
import { ClaimReader } from './claim-reader.ts'
import type { ClaimSources } from './claim-source.ts'
import { isUnverifiedAddress, isUnverifiedEmail } from './email-standing.ts'
import { readIdentity } from './identity-parts.ts'
import type { IssuerTemplate } from './issuer-template.ts'
import { isAbsent, isText, optionalText, optionalTextOrInteger } from './json-members.ts'
import { areKept, type KeptClaims, type KeptPath, keepClaims } from './kept-claims.ts'
import type { RefusalReason } from './refusal-reason.ts'
import { type JsonObject, parseJsonObject } from './strict-json.ts'
import { checkTimeClaims, deadAtSeconds, isNumericDate, type TimeClaims } from './time-claims.ts'
import {
  EMPTY_IDENTITY,
  type Identity,
  type Refused,
  refuse,
  refuseNaming,
} from './verification.ts'

/** What one issuer's tokens must say. */
export interface ClaimPolicy {
  /** Equal to `iss`, character by character, unless it has a placeholder. */
  readonly issuer: string
  /** What may stand in the place of the placeholder; `null`: there is none. */
  readonly template: IssuerTemplate | null
  /** `aud` must contain one of these. */
  readonly audiences: readonly string[]
  /** Clients whose tokens are good without `aud`. Empty: a token without `aud` is not. */
  readonly clientIds: readonly string[]
  /** Audiences that routes ask for: which of them the token names is part of its identity. */
  readonly keptAudiences: readonly string[]
  /** Whether a token that is bound to a key is taken for a bearer token, its proof unseen. */
  readonly acceptsBound: boolean
  /** 0 to 60, allowed either way. */
  readonly clockToleranceSeconds: number
  /**
   * Whether the issuer is asked for the rest of the claims once the signature is good. Then `aud`,
   * the subject, required claims and the parts of the identity need not be there; an `aud` that is
   * there counts.
   */
  readonly isPartial: boolean
  /**
   * Must be there, neither null nor an empty list, on top of `iss`, `aud` and `exp`. `sub` must
   * then be text, too.
   */
  readonly requiredClaims: readonly string[]
  readonly sources: ClaimSources
  /** Whether an e-mail address counts of which the issuer says that it has not verified it. */
  readonly acceptsUnverifiedEmail: boolean
  /** What is kept of the claims beside the parts of the identity. */
  readonly keptPaths: readonly KeptPath[]
}

/** Claims that passed. True only of a token whose signature is good, which is not checked here. */
export interface CheckedClaims {
  readonly kind: 'checked'
  readonly identity: Identity
  /** See {@link deadAtSeconds}. */
  readonly deadAtSeconds: number
}

const NONE: readonly string[] = Object.freeze([])

/**
 * Claims that only another kind of token carries, so that it cannot pass for an access token:
 * security events and logout tokens (RFC 8417 §2.2), and ID tokens (OpenID Connect Core §3.1.3.6,
 * §3.3.2.11).
 */
const FOREIGN_CLAIMS = ['events', 'at_hash', 'c_hash'] as const

/** The same, for issuers that name the use in a claim: Keycloak; Cognito and Ory Hydra. */
const FOREIGN_USES: Readonly<Record<'typ' | 'token_use', readonly string[]>> = {
  typ: ['ID', 'Refresh', 'Offline', 'Logout'],
  token_use: ['id', 'refresh', 'id_token', 'refresh_token'],
}

/**
 * Decodes the claims set. Repeated claim names refuse it (RFC 7519 §4).
 *
 * @param segment Canonical base64url.
 * @returns `null` when it is not a strict JSON object.
 */
export function parseClaims(segment: string): JsonObject | null {
  return parseJsonObject(segment)
}

/**
 * Checks every registered claim and reads the identity.
 *
 * Does *not* check the signature: nothing of the result may be used before that. An ID token
 * without `at_hash`, `c_hash` or a use claim is told apart by `aud` alone, or by an issuer's list
 * of types.
 *
 * @returns `invalid_claims` for a claim that is missing, wrongly typed, absurd or foreign;
 *   `invalid_token` for a token that is bound to a key; `token_expired`; `token_not_yet_valid`.
 */
export function checkClaims(
  claims: JsonObject,
  policy: ClaimPolicy,
  nowSeconds: number,
): CheckedClaims | Refused {
  const isWhole = !policy.isPartial
  const foreign = issuerProblem(claims, policy) ?? audienceProblem(claims, policy, isWhole)
  if (foreign !== null) return refuse(foreign)
  if (isBound(claims) && !policy.acceptsBound) return refuse('token_bound')
  if (isWhole && policy.requiredClaims.includes('sub') && !isText(claims['sub'])) {
    return refuse('subject_mistyped')
  }
  if (isForeign(claims)) return refuse('foreign_kind_of_token')
  if (isWhole && !hasRequiredClaims(claims, policy.requiredClaims)) {
    return refuse('required_claim_missing')
  }
  const times = readTimeClaims(claims)
  if ('kind' in times) return times
  if (times.expiresAtSeconds === null) return refuse('exp_missing')
  const identity = isWhole
    ? wholeIdentityOf(claims, policy, times)
    : partialIdentityOf(claims, times)
  if ('kind' in identity) return identity
  // Last, so that "expired" is said only of a token that would otherwise be acceptable.
  const refusal = checkTimeClaims(times, policy.clockToleranceSeconds, nowSeconds)
  if (refusal !== null) return refusal
  return {
    kind: 'checked',
    identity,
    deadAtSeconds: deadAtSeconds(times.expiresAtSeconds, policy.clockToleranceSeconds),
  }
}

/** What a token whose issuer is asked for the rest says of itself: by it it can be revoked. */
function partialIdentityOf(claims: JsonObject, times: TimeClaims): Identity | Refused {
  const token = tokenOf(claims, times)
  return 'kind' in token ? token : { ...EMPTY_IDENTITY, ...token }
}

/** The identity of a token that must have a subject. */
function wholeIdentityOf(
  claims: JsonObject,
  policy: ClaimPolicy,
  times: TimeClaims,
): Identity | Refused {
  const identity = identityOfClaims(claims, policy, times)
  return !('kind' in identity) && identity.subject === '' ? refuse('subject_mistyped') : identity
}

/** What a token says of itself, and not of its caller. */
function tokenOf(
  claims: JsonObject,
  { issuedAtSeconds, expiresAtSeconds }: TimeClaims,
): Pick<Identity, 'tokenId' | 'sessionId' | 'issuedAtSeconds' | 'expiresAtSeconds'> | Refused {
  const tokenId = optionalText(claims['jti'])
  const sessionId = optionalText(claims['sid'])
  if (tokenId === undefined) return refuse('jti_mistyped')
  if (sessionId === undefined) return refuse('sid_mistyped')
  const ends = expiresAtSeconds === null ? null : Math.floor(expiresAtSeconds)
  return { tokenId, sessionId, issuedAtSeconds, expiresAtSeconds: ends }
}

/** Whether an issuer is the one of the policy, or one of those that its placeholder stands for. */
export function isIssuer(
  iss: string,
  { issuer, template }: Pick<ClaimPolicy, 'issuer' | 'template'>,
): boolean {
  return template === null ? iss === issuer : template.valueIn(iss) !== null
}

/**
 * Why these claims are not those of the issuer, or `null`. In the place of a placeholder stands
 * what the claim of the template says: a token of one tenant cannot name another as its issuer.
 */
export function issuerProblem(
  claims: JsonObject,
  { issuer, template }: Pick<ClaimPolicy, 'issuer' | 'template'>,
): RefusalReason | null {
  const iss = claims['iss']
  if (template === null) return iss === issuer ? null : 'issuer_mismatch'
  const value = isText(iss) ? template.valueIn(iss) : null
  if (value === null) return 'issuer_mismatch'
  return claims[template.claim] === value ? null : 'issuer_value_mismatch'
}

/**
 * Why a token with these claims is not for this gateway, or `null`. `aud` decides wherever it names
 * anything; where it does not, the client that the token was issued to, if clients are configured.
 *
 * @param isNeeded Whether a token without `aud` is refused where no clients are configured.
 */
export function audienceProblem(
  claims: JsonObject,
  { audiences, clientIds, sources }: Pick<ClaimPolicy, 'audiences' | 'clientIds' | 'sources'>,
  isNeeded: boolean,
): RefusalReason | null {
  const aud = claims['aud']
  if (isAbsent(aud) && clientIds.length > 0) {
    const clientId = clientOf(claims, sources)
    return clientId !== null && clientIds.includes(clientId) ? null : 'client_not_accepted'
  }
  if (isAbsent(aud) && !isNeeded) return null
  return namesAudience(aud, audiences) ? null : 'audience_mismatch'
}

/**
 * Whether `aud`, one string or an array of strings (RFC 7519 §4.1.3), contains one of `audiences`.
 * False for any other type.
 */
export function namesAudience(value: unknown, audiences: readonly string[]): boolean {
  if (typeof value === 'string') return audiences.includes(value)
  if (!Array.isArray(value)) return false
  let isNamed = false
  for (const member of value) {
    if (typeof member !== 'string') return false
    if (audiences.includes(member)) isNamed = true
  }
  return isNamed
}

/** Whether every claim is there: neither null nor an empty list. */
export function hasRequiredClaims(claims: JsonObject, names: readonly string[]): boolean {
  for (const name of names) {
    if (isAbsent(claims[name])) return false
  }
  return true
}

/**
 * Whether the token is bound to a key or a certificate (`cnf`, RFC 7800 §3.1), whatever its members
 * are. Without the proof that goes with that, it must not be taken for a bearer token (RFC 9449
 * §7.1, RFC 8705 §3), and proofs are not checked.
 */
export function isBound(claims: JsonObject): boolean {
  return (claims['cnf'] ?? null) !== null
}

/** Whether claims are those of another kind of token: an ID, refresh or logout token. */
export function isForeign(claims: JsonObject): boolean {
  for (const name of FOREIGN_CLAIMS) {
    if (!isAbsent(claims[name])) return true
  }
  return isForeignUse(claims['typ'], 'typ') || isForeignUse(claims['token_use'], 'token_use')
}

function isForeignUse(value: unknown, claim: keyof typeof FOREIGN_USES): boolean {
  return typeof value === 'string' && FOREIGN_USES[claim].includes(value)
}

/**
 * Reads `exp`, `nbf` and `iat`, each of which may be absent here.
 *
 * @returns `invalid_claims` when one of them is there and no NumericDate.
 */
export function readTimeClaims(claims: JsonObject): TimeClaims | Refused {
  const expiresAt = optionalNumericDate(claims['exp'])
  const notBefore = optionalNumericDate(claims['nbf'])
  const issuedAt = optionalNumericDate(claims['iat'])
  if (expiresAt === undefined) return refuse('exp_mistyped')
  if (notBefore === undefined) return refuse('nbf_mistyped')
  if (issuedAt === undefined) return refuse('iat_mistyped')
  return { expiresAtSeconds: expiresAt, notBeforeSeconds: notBefore, issuedAtSeconds: issuedAt }
}

/** @returns The instant; `null` when absent; `undefined` when it is no NumericDate. */
function optionalNumericDate(value: unknown): number | null | undefined {
  if (isNumericDate(value)) return value
  return isAbsent(value) ? null : undefined
}

/**
 * Puts the identity together. A token in which there is nothing at any place of the subject has
 * none; whether it may is for the caller to say.
 *
 * @returns `invalid_claims`, with the reason `…_mistyped` for a part that is used and of the wrong
 *   type, `email_unverified` when the subject itself is an address that does not count,
 *   `claim_untellable`, which names it, when a claim cannot be told that upstreams are to be told.
 */
export function identityOfClaims(
  claims: JsonObject,
  policy: Pick<
    ClaimPolicy,
    'issuer' | 'template' | 'keptAudiences' | 'sources' | 'acceptsUnverifiedEmail' | 'keptPaths'
  >,
  times: TimeClaims,
): Identity | Refused {
  const { sources } = policy
  const token = tokenOf(claims, times)
  if ('kind' in token) return token
  const kept = keepClaims(claims, policy.keptPaths)
  if (!areKept(kept)) return refuseNaming('claim_untellable', kept.path.text)
  const reader = new ClaimReader(claims)
  // The issuer as the token names it, and not all that a placeholder stands for, is its issuer.
  const issuer = policy.template === null ? policy.issuer : claims['iss']
  const core = {
    issuer: typeof issuer === 'string' ? issuer : policy.issuer,
    subject: reader.text(sources.subject) ?? '',
    clientId: reader.text(sources.clientId),
    audiences: keptOf(claims['aud'], policy.keptAudiences),
    ...token,
    claims: policy.acceptsUnverifiedEmail ? kept : withoutAddresses(kept, claims, policy),
  }
  const identity = readIdentity(core, sources, reader)
  if (identity === null) return refuse(reader.mistyped ?? 'subject_mistyped')
  return policy.acceptsUnverifiedEmail ? identity : withoutUnverified(identity, claims, sources)
}

/**
 * The client that the token is for: from where the identity has it, or, where that has none, under
 * the name of RFC 9068 §2.2 or that of OpenID Connect.
 */
export function clientOf(
  claims: JsonObject,
  { clientId: source }: Pick<ClaimSources, 'clientId'>,
): string | null {
  if (source !== null) {
    const reader = new ClaimReader(claims)
    const text = reader.text({ ...source, isUsed: true })
    return reader.isMistyped ? null : text
  }
  return optionalTextOrInteger(claims['client_id'] ?? claims['azp']) ?? null
}

/** Which of these the token names, in their order. */
function keptOf(aud: unknown, kept: readonly string[]): readonly string[] {
  return kept.length === 0 ? NONE : kept.filter((name) => namesAudience(aud, [name]))
}

/** An address that is not verified may be anybody's: it is neither a user nor an e-mail. */
function withoutUnverified(
  identity: Identity,
  claims: JsonObject,
  { email, subject }: ClaimSources,
): Identity | Refused {
  if (isUnverifiedAddress(claims, subject, email)) return refuse('email_unverified')
  if (identity.email === null || email === null) return identity
  return isUnverifiedEmail(claims, email) ? { ...identity, email: null } : identity
}

/** No header and no requirement sees such an address either, whatever path leads to it. */
function withoutAddresses(
  kept: KeptClaims,
  claims: JsonObject,
  { keptPaths, sources }: Pick<ClaimPolicy, 'keptPaths' | 'sources'>,
): KeptClaims {
  if (kept.length === 0) return kept
  return kept.map((claim, place) => {
    const path = keptPaths[place]?.path
    if (claim === null || path === undefined) return claim
    const source = { places: [{ path, readsNames: false }] }
    return isUnverifiedAddress(claims, source, sources.email) ? null : claim
  })
}
