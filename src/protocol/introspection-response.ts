/**
 * Processes the answer of an introspection endpoint (RFC 7662 §2.2): does it say that the token is
 * good, that it is not, or nothing at all?
 *
 * The third is never turned into one of the other two. A proxy's page of HTML, a truthy "true" or
 * an answer about another token is neither leave to enter nor a bad credential.
 */
import { isUtf8 } from 'node:buffer'
import { readClaimPath } from './claim-path.ts'
import type { ClaimSource } from './claim-source.ts'
import {
  audienceProblem,
  type ClaimPolicy,
  hasRequiredClaims,
  identityOfClaims,
  isBound,
  isForeign,
  issuerProblem,
  parseClaims,
  readTimeClaims,
} from './claims.ts'
import { parseCompactJws } from './compact-jws.ts'
import { isAbsent, optionalTextOrInteger } from './json-members.ts'
import type { RefusalReason } from './refusal-reason.ts'
import { type JsonObject, parseJsonText } from './strict-json.ts'
import { tellClaims } from './tell-claims.ts'
import { checkTimeClaims, deadAtSeconds, startsAtSeconds, type TimeClaims } from './time-claims.ts'
import type { Trace } from './trace.ts'
import { type Identity, type Refused, refuse } from './verification.ts'

/** An answer describes one token; a longer one is something else. */
export const INTROSPECTION_BODY_BYTES_MAX = 64 * 1_024

/** What an active token must be like, by the same rules as a JWT of this issuer. */
export interface IntrospectionAnswerPolicy extends ClaimPolicy {
  /** Whether an answer without `aud` is refused. */
  readonly requireAudience: boolean
}

/**
 * - `not_json`: not one strict JSON object; empty, a page of HTML, a repeated member name.
 * - `no_verdict`: JSON, but `active` is not a boolean.
 * - `another_token`: the token is a JWT, and what it says of itself is not what the answer says.
 */
export type UndecidedAnswer = 'not_json' | 'no_verdict' | 'another_token'

export interface ActiveToken {
  readonly kind: 'active'
  readonly identity: Identity
  /** All that the endpoint has said. */
  readonly claims: JsonObject
  /** First second in which the token is dead, clock tolerance included; `null` without `exp`. */
  readonly deadAtSeconds: number | null
}

export interface RefusedToken {
  readonly kind: 'refused'
  readonly refused: Refused
  /**
   * First second in which the same answer would not be refused for this: `nbf` and `iat` have come.
   * `null` when time does not mend it.
   */
  readonly untilSeconds: number | null
}

export type ProcessedIntrospection =
  | ActiveToken
  | RefusedToken
  | { readonly kind: 'undecided'; readonly reason: UndecidedAnswer }

/**
 * Values of `token_type` (RFC 6749 §7.1) that no bearer token has: proof of possession (RFC 9449
 * §5); "not an access token" (RFC 8693 §2.2.1), and other kinds of token.
 */
const BOUND_TOKEN_TYPES: readonly string[] = ['dpop', 'pop', 'mac']
const FOREIGN_TOKEN_TYPES: readonly string[] = [
  ...['n_a', 'refresh', 'refresh_token', 'id', 'id_token', 'offline', 'logout'],
]

/** What a JWT and the answer about it say in the same words, if both say it. */
const COMMON_CLAIMS = ['iss', 'sub', 'jti', 'client_id'] as const

const INACTIVE = refusedWith('token_inactive')
const BOUND = refusedWith('token_bound')
const FOREIGN_KIND = refusedWith('foreign_kind_of_token')
const CLAIM_MISSING = refusedWith('required_claim_missing')
const NOT_JSON = undecided('not_json')
const NO_VERDICT = undecided('no_verdict')
const ANOTHER_TOKEN = undecided('another_token')

/**
 * Processes the body of an answer with status 200. Never throws, whatever the bytes.
 *
 * All but `active` is optional in an answer (RFC 7662 §2.2): null or an empty list in place of a
 * member says no more than its absence. Without `iss` the token is the issuer's whose endpoint was
 * asked, unless that one has a placeholder. Without `aud` it is accepted unless `requireAudience`
 * or clients are configured: the endpoint answers to this gateway by name, and has to consider
 * whether the token is of use there (RFC 7662 §4). An endpoint that does not makes every token of
 * the issuer good here.
 *
 * The subject is the configured claim. An answer without it is about a token that a client obtained
 * for itself, if it has a `client_id`: that is no user, and its identity has no subject. Only where
 * `client_id` is the configured claim is a client's name a subject.
 *
 * Does *not* check `username`. Of an opaque token it cannot know whether the answer is about
 * another one.
 *
 * @param body At most {@link INTROSPECTION_BODY_BYTES_MAX}, which the caller sees to.
 * @param token What was asked about; only looked into when it is a JWT.
 * @returns Refused with `inactive_token`, or as the claims of a JWT: `invalid_claims`,
 *   `invalid_token`, `token_expired`, `token_not_yet_valid`.
 */
export function processIntrospectionResponse(
  body: Uint8Array,
  token: string,
  policy: IntrospectionAnswerPolicy,
  nowSeconds: number,
  trace: Trace | null = null,
): ProcessedIntrospection {
  const answer = parseAnswer(body)
  if (answer === null) return NOT_JSON
  const active = answer['active']
  if (active === false) return INACTIVE
  if (active !== true) return NO_VERDICT
  const own = claimsOfJwt(token)
  if (own !== null && contradicts(answer, own)) return ANOTHER_TOKEN
  if (trace !== null) tellActive(trace, answer, own, policy, nowSeconds)
  return processActive(answer, own, policy, nowSeconds)
}

function parseAnswer(body: Uint8Array): JsonObject | null {
  if (!isUtf8(body)) return null
  return parseJsonText(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8'))
}

/** @param own What the token says of itself, unverified; `null`: it is no JWT. */
function processActive(
  answer: JsonObject,
  own: JsonObject | null,
  policy: IntrospectionAnswerPolicy,
  nowSeconds: number,
): ProcessedIntrospection {
  const namesIssuer = !isAbsent(answer['iss']) || policy.template !== null
  const foreign =
    (namesIssuer ? issuerProblem(answer, policy) : null) ?? requiredAudienceProblem(answer, policy)
  if (foreign !== null) return refusedWith(foreign)
  if (!policy.acceptsBound && isBoundToken(answer, own)) return BOUND
  if (isForeign(answer) || isForeignType(answer['token_type'])) return FOREIGN_KIND

  const times = readTimeClaims(answer)
  if ('kind' in times) return { kind: 'refused', refused: times, untilSeconds: null }
  if (!hasRequired(answer, policy)) return CLAIM_MISSING
  const identity = identityOf(answer, policy, times)
  if ('kind' in identity) return { kind: 'refused', refused: identity, untilSeconds: null }
  const { clockToleranceSeconds } = policy
  const refused = checkTimeClaims(times, clockToleranceSeconds, nowSeconds)
  if (refused !== null) {
    const isOver = refused.code === 'token_expired'
    const untilSeconds = isOver ? null : startsAtSeconds(times, clockToleranceSeconds)
    return { kind: 'refused', refused, untilSeconds }
  }
  const { expiresAtSeconds } = times
  return {
    kind: 'active',
    identity,
    claims: answer,
    deadAtSeconds:
      expiresAtSeconds === null ? null : deadAtSeconds(expiresAtSeconds, clockToleranceSeconds),
  }
}

function tellActive(
  trace: Trace,
  answer: JsonObject,
  own: JsonObject | null,
  policy: IntrospectionAnswerPolicy,
  nowSeconds: number,
): void {
  const rules = { isAnswer: true, needsAudience: policy.requireAudience }
  tellClaims(trace, answer, policy, rules, nowSeconds)
  if (own !== null && isBound(own) && !isBound(answer) && !policy.acceptsBound) {
    trace.tell('claim', 'no', 'cnf: the token itself is bound to a key; proofs are not checked')
  }
  const tokenType = answer['token_type']
  if (!isForeignType(tokenType) && (policy.acceptsBound || !isBoundType(tokenType))) return
  trace.tell('claim', 'no', `token_type: ${trace.shown(answer['token_type'])}; no bearer token`)
}

function hasRequired(
  answer: JsonObject,
  { sources: { subject }, requiredClaims }: IntrospectionAnswerPolicy,
): boolean {
  const isClient = !hasSubject(answer, subject)
  const needsNoSubject = isClient || subject.places.some(({ path }) => path.text === 'client_id')
  const required = requiredClaims.filter((name) => name !== 'sub' || !needsNoSubject)
  return hasRequiredClaims(answer, required)
}

function identityOf(
  answer: JsonObject,
  policy: IntrospectionAnswerPolicy,
  times: TimeClaims,
): Identity | Refused {
  const identity = identityOfClaims(answer, policy, times)
  if ('kind' in identity || identity.subject !== '') return identity
  const isClient = !hasSubject(answer, policy.sources.subject)
  const clientId = optionalTextOrInteger(answer['client_id']) ?? null
  if (!isClient || clientId === null) return refuse('subject_mistyped')
  return { ...identity, clientId: identity.clientId ?? clientId }
}

/** Whether a token has one, however wrong: an empty text is no absent subject. */
function hasSubject(answer: JsonObject, { places }: ClaimSource): boolean {
  return places.some(({ path }) => !isAbsent(readClaimPath(answer, path)))
}

/** `requireAudience` asks for `aud` also where clients are configured. */
function requiredAudienceProblem(
  answer: JsonObject,
  policy: IntrospectionAnswerPolicy,
): RefusalReason | null {
  if (policy.requireAudience && isAbsent(answer['aud'])) return 'audience_mismatch'
  return audienceProblem(answer, policy, false)
}

/** Whether the answer says that the token is bound to a key, or the token does, if it is a JWT. */
function isBoundToken(answer: JsonObject, own: JsonObject | null): boolean {
  if (isBound(answer) || isBoundType(answer['token_type'])) return true
  return own !== null && isBound(own)
}

function isBoundType(tokenType: unknown): boolean {
  return typeof tokenType === 'string' && BOUND_TOKEN_TYPES.includes(tokenType.toLowerCase())
}

/** Absent is a bearer token: `token_type` is optional. Compared in any case (RFC 6749 §5.1). */
function isForeignType(tokenType: unknown): boolean {
  if (isAbsent(tokenType)) return false
  return typeof tokenType !== 'string' || FOREIGN_TOKEN_TYPES.includes(tokenType.toLowerCase())
}

/** Unverified. `null`: it is no JWT. */
function claimsOfJwt(token: string): JsonObject | null {
  const jws = parseCompactJws(token)
  return jws === null ? null : parseClaims(jws.payload)
}

/**
 * Whether the token is a JWT that says something else of itself than the answer does. Its signature
 * is not checked: it can only make an answer worthless, never good.
 */
function contradicts(answer: JsonObject, own: JsonObject): boolean {
  return COMMON_CLAIMS.some((name) => {
    if (isAbsent(own[name]) || isAbsent(answer[name])) return false
    return comparable(own[name]) !== comparable(answer[name])
  })
}

/** An integer is its decimal text. What is neither is only equal to itself: nothing here is. */
function comparable(value: unknown): unknown {
  return optionalTextOrInteger(value) ?? value
}

function refusedWith(reason: RefusalReason): ProcessedIntrospection {
  return Object.freeze({ kind: 'refused', refused: refuse(reason), untilSeconds: null })
}

function undecided(reason: UndecidedAnswer): ProcessedIntrospection {
  return Object.freeze({ kind: 'undecided', reason })
}
