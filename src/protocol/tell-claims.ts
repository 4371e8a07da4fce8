/**
 * Tells a trace of each claim what was expected and what was found. Decides nothing: the checks are
 * those of claims.ts and time-claims.ts, asked one by one, so that all that is wrong is told and
 * not only what is found first.
 */
import { readClaimPath } from './claim-path.ts'
import {
  audienceProblem,
  type ClaimPolicy,
  clientOf,
  hasRequiredClaims,
  isBound,
  isForeign,
  issuerProblem,
} from './claims.ts'
import { isAbsent, isAbsentOrEmpty, isText } from './json-members.ts'
import { areKept, type KeptPath, keepClaims } from './kept-claims.ts'
import type { JsonObject } from './strict-json.ts'
import { tellIds, tellParts, tellSubject } from './tell-parts.ts'
import { checkTimeClaims, isNumericDate, type TimeClaims } from './time-claims.ts'
import { counted, listed, type Trace, type TraceMark } from './trace.ts'

const NO_TIMES: TimeClaims = {
  expiresAtSeconds: null,
  notBeforeSeconds: null,
  issuedAtSeconds: null,
}
const SECONDS_PER_MINUTE = 60
const SECONDS_PER_HOUR = 3_600
const SECONDS_PER_DAY = 86_400

/** What differs between a token's own claims and an answer about it (RFC 7662 §2.2). */
export interface ToldClaimsRules {
  /** Then `iss` and `exp` may be absent, and the subject where the token is a client's own. */
  readonly isAnswer: boolean
  readonly needsAudience: boolean
}

export function tellClaims(
  trace: Trace,
  claims: JsonObject,
  policy: ClaimPolicy,
  rules: ToldClaimsRules,
  nowSeconds: number,
): void {
  const tell = (isGood: boolean, text: string) => trace.tell('claim', markOf(isGood), text)
  if (!rules.isAnswer || !isAbsent(claims['iss']) || policy.template !== null) {
    tellOwnIssuer(trace, claims, policy)
  }
  tellAudience(trace, claims, policy, rules.needsAudience)
  if (!policy.isPartial) tellRequired(trace, claims, policy, rules.isAnswer)
  if (isForeign(claims)) {
    tell(false, 'kind: its claims are those of an ID, refresh or logout token')
  }
  if (isBound(claims)) {
    const accepted = policy.acceptsBound ? 'boundTokens: accept' : 'proofs are not checked'
    tell(policy.acceptsBound, `cnf: it is bound to a key or a certificate; ${accepted}`)
  }
  tellTimes(trace, claims, policy, !rules.isAnswer, nowSeconds)
  tellIds(trace, claims)
  if (policy.isPartial) return
  tellParts(trace, claims, policy)
  tellKept(trace, claims, policy.keptPaths)
}

/** The subject, and what the issuer is configured to require. */
function tellRequired(
  trace: Trace,
  claims: JsonObject,
  { sources: { subject }, requiredClaims }: ClaimPolicy,
  isAnswer: boolean,
): void {
  const found = (name: string) => `${name}: ${trace.shown(claims[name])}`
  const tell = (isGood: boolean, text: string) => trace.tell('claim', markOf(isGood), text)
  tellSubject(trace, claims, subject, isAnswer)
  const isSubjectSub = subject.order === '"sub"'
  for (const name of requiredClaims) {
    if (name === 'sub' && (isSubjectSub || isAnswer)) continue
    if (name === 'sub') tell(isText(claims['sub']), found(name))
    else tell(hasRequiredClaims(claims, [name]), `${found(name)}; the issuer requires it`)
  }
}

/**
 * What upstreams are told beside the identity, and each path at which there is nothing. What only
 * routes require is told with them.
 */
function tellKept(trace: Trace, claims: JsonObject, paths: readonly KeptPath[]): void {
  for (const kept of paths) {
    if (!kept.isAsked) continue
    if (isAbsentOrEmpty(readClaimPath(claims, kept.path))) {
      const asked = kept.isTold ? 'upstreams are to be told it' : 'a route requires it'
      trace.tell('claim', 'note', `${kept.path.text}: nothing there; ${asked}`)
      continue
    }
    if (!kept.isTold) continue
    const isGood = areKept(keepClaims(claims, [kept]))
    const told = isGood ? 'upstreams are told' : 'upstreams cannot be told'
    const found = `${kept.path.text}: ${trace.shown(readClaimPath(claims, kept.path))}`
    trace.tell('claim', isGood ? 'note' : 'no', `${found}; ${told}`)
  }
}

/** The issuer of the policy, and the claim that must say what its placeholder does. */
function tellOwnIssuer(trace: Trace, claims: JsonObject, policy: ClaimPolicy): void {
  const problem = issuerProblem(claims, policy)
  tellIssuer(trace, claims['iss'], [policy.issuer], problem !== 'issuer_mismatch')
  if (policy.template === null || problem === 'issuer_mismatch') return
  const { claim } = policy.template
  const text = `${claim}: ${trace.shown(claims[claim])}; expected what iss says in its place`
  trace.tell('claim', markOf(problem === null), text)
}

/** @param expected Issuers as they are configured, one of which it should be. */
export function tellIssuer(
  trace: Trace,
  found: unknown,
  expected: readonly string[],
  isGood: boolean,
): void {
  const near = isGood ? '' : nearMiss(found, expected)
  const text = `iss: ${trace.shown(found)}; expected ${listed(expected)}${near}`
  trace.tell('claim', markOf(isGood), text)
}

function tellAudience(
  trace: Trace,
  claims: JsonObject,
  policy: ClaimPolicy,
  isNeeded: boolean,
): void {
  const { audiences, clientIds } = policy
  const found = claims['aud']
  const problem = audienceProblem(claims, policy, isNeeded)
  const isGood = problem === null
  if (clientIds.length > 0 && problem !== 'audience_mismatch' && isAbsent(found)) {
    const client = trace.shown(clientOf(claims, policy.sources) ?? undefined)
    const text = `client: ${client}; without aud, expected one of ${listed(clientIds)}`
    trace.tell('claim', markOf(isGood), text)
    return
  }
  const near = isGood ? '' : nearMiss(Array.isArray(found) ? found[0] : found, audiences)
  const text = `aud: ${trace.shown(found)}; expected one of ${listed(audiences)}${near}`
  trace.tell('claim', markOf(isGood), text)
}

/** The mistakes that are made most: a slash, the case, blanks. Says nothing of other values. */
function nearMiss(found: unknown, expected: readonly string[]): string {
  if (typeof found !== 'string') return ''
  const bare = (text: string) => text.trim().replace(/\/+$/, '')
  for (const value of expected) {
    if (bare(found) === bare(value)) return '; they differ in a slash or a blank at an end'
    if (bare(found).toLowerCase() === bare(value).toLowerCase()) return '; they differ in case'
  }
  return ''
}

/** Each instant by itself, with the checks that all of them get. */
function tellTimes(
  trace: Trace,
  claims: JsonObject,
  { clockToleranceSeconds }: ClaimPolicy,
  needsExpiry: boolean,
  nowSeconds: number,
): void {
  const members = [
    ['exp', 'expiresAtSeconds'],
    ['nbf', 'notBeforeSeconds'],
    ['iat', 'issuedAtSeconds'],
  ] as const
  for (const [name, part] of members) {
    const value = claims[name]
    if (isAbsent(value)) {
      if (name === 'exp') trace.tell('claim', needsExpiry ? 'no' : 'note', 'exp: absent')
      continue
    }
    if (!isNumericDate(value)) {
      trace.tell('claim', 'no', `${name}: ${trace.shown(value)}; expected seconds since 1970`)
      continue
    }
    const alone = { ...NO_TIMES, [part]: value }
    const isGood = checkTimeClaims(alone, clockToleranceSeconds, nowSeconds) === null
    const tolerance = `tolerance ${clockToleranceSeconds} s`
    trace.tell('claim', markOf(isGood), `${name}: ${distance(value - nowSeconds)} (${tolerance})`)
  }
}

/** When a token began and ends is told even without values: it says nothing of anyone. */
function distance(seconds: number): string {
  const span = spanOf(Math.abs(Math.trunc(seconds)))
  return seconds > 0 ? `in ${span}` : `${span} ago`
}

/** An age or a wait, for people. @param seconds Whole, 0 or more. */
export function spanOf(seconds: number): string {
  if (seconds < 2 * SECONDS_PER_MINUTE) return `${seconds} s`
  if (seconds < 2 * SECONDS_PER_HOUR) return `${Math.floor(seconds / SECONDS_PER_MINUTE)} min`
  if (seconds < 2 * SECONDS_PER_DAY) return `${Math.floor(seconds / SECONDS_PER_HOUR)} h`
  return counted(Math.floor(seconds / SECONDS_PER_DAY), 'day')
}

function markOf(isGood: boolean): TraceMark {
  return isGood ? 'ok' : 'no'
}
