/** One revocation: what it covers and for how long; and how an operator asks for one. */
import { INSTANT_GRAMMAR, instantSeconds } from '../protocol/instant.ts'
import { isJsonObject, type JsonObject } from '../protocol/strict-json.ts'
import {
  issuerKey,
  type RevocationKey,
  type RevocationKind,
  type RevocationName,
  revocationKey,
} from './revocation-key.ts'

export interface RevocationEntry {
  /** `lifted`: ends entries of this key that reach no further in watermark and end. */
  readonly kind: RevocationKind | 'lifted'
  readonly key: RevocationKey
  /** Whose share of the index it fills: the key that revokes all of the issuer. `null`: none's. */
  readonly issuer: RevocationKey | null
  /** Whether other instances are told the issuer. Those of the first version skip it then. */
  readonly tellsIssuer: boolean
  /**
   * Covers what was issued in this second or before, NumericDate. `null` for `jti` and `sid`:
   * covers it whenever it was issued.
   */
  readonly watermarkSeconds: number | null
  /** First second in which everything that it covers is dead anyway, NumericDate. */
  readonly untilSeconds: number
}

export interface RevocationPolicy {
  /** Longest life of any credential that may be revoked; for a request that names no end. */
  readonly credentialLifeMaxSeconds: number
  /** A token is accepted that much longer than it says, and may say that it was issued later. */
  readonly clockToleranceSeconds: number
}

/** `message` is for the operator: it repeats nothing of the request but names of members. */
export type ParsedRevocation =
  | { readonly ok: true; readonly entry: RevocationEntry; readonly reason: string | null }
  | { readonly ok: false; readonly message: string }

/** Of `jti`, `sid`, `sub` and `issuer`, in UTF-16 code units. */
export const REVOKED_VALUE_LENGTH_MAX = 512
export const REASON_LENGTH_MAX = 256

/** A watermark further ahead than clocks may differ would refuse tokens of the next login. */
const BEFORE_AHEAD_SECONDS_MAX = 300
/** No entry is kept for longer: 400 days. */
export const REVOCATION_LIFE_MAX_SECONDS = 400 * 86_400

const MEMBERS = ['jti', 'sid', 'sub', 'issuer', 'before', 'until', 'reason']
const VALUE_MEMBERS = ['jti', 'sid', 'sub'] as const
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/u

type Read<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly message: string }

/**
 * Reads what an operator asks for, in one of these forms:
 *
 *     { "jti": "…", "issuer": "…" }     one token
 *     { "sid": "…", "issuer"?: "…" }    one session, at that issuer or at none
 *     { "sub": "…", "issuer": "…" }     what the issuer issued to the subject before now
 *     { "issuer": "…" }                 all that the issuer issued before now
 *
 * An issuer of `null` means credentials that no issuer has issued: sessions and API keys. `before`
 * (NumericDate) moves the instant of the last two. `until` (NumericDate) says when the last of the
 * covered credentials expires; without it the longest life of any is assumed. `reason` is a remark.
 *
 * A watermark covers the whole second that it falls into. It is compared with the issuer's `iat`,
 * so that "now" is as far ahead as the issuer's clock may be; `before` is taken as it is.
 *
 * Does not check whether the issuer is a configured one, nor whether anything like this was ever
 * issued. Cannot see members that were repeated: the parser of the text does.
 */
export function parseRevocation(
  body: unknown,
  policy: RevocationPolicy,
  nowSeconds: number,
): ParsedRevocation {
  if (!isJsonObject(body)) return refused('the body must be a JSON object')
  for (const member of Object.keys(body)) {
    if (!MEMBERS.includes(member)) return refused(`the body may only have ${MEMBERS.join(', ')}`)
  }
  const named = readName(body)
  if (!named.ok) return named
  const reason = readReason(body['reason'])
  if (!reason.ok) return reason
  const { kind } = named.value
  const hasWatermark = kind === 'sub' || kind === 'issuer'
  const before = hasWatermark
    ? readBefore(body['before'], policy, nowSeconds)
    : readNoBefore(body['before'], kind)
  if (!before.ok) return before
  const until = readUntil(body['until'], before.value, policy, nowSeconds)
  if (!until.ok) return until
  return {
    ok: true,
    entry: {
      kind,
      key: revocationKey(named.value),
      issuer: issuerKey(named.value.issuer),
      tellsIssuer: false,
      watermarkSeconds: before.value,
      untilSeconds: until.value,
    },
    reason: reason.value,
  }
}

function readName(body: JsonObject): Read<RevocationName> {
  const present = VALUE_MEMBERS.filter((member) => body[member] !== undefined)
  if (present.length > 1) return refused(`${present.join(' and ')} exclude each other`)
  const kind = present[0] ?? 'issuer'
  const issuer = readIssuer(body['issuer'], kind)
  if (!issuer.ok) return issuer
  if (kind === 'issuer') {
    return { ok: true, value: { kind, issuer: issuer.value, value: '' } }
  }
  const value = body[kind]
  const problem = problemOfText(kind, value)
  if (problem !== null) return refused(problem)
  return { ok: true, value: { kind, issuer: issuer.value, value: value as string } }
}

/** @returns Empty for "no issuer". */
function readIssuer(value: unknown, kind: RevocationKind): Read<string> {
  if (value === undefined) {
    if (kind === 'sid') return { ok: true, value: '' }
    if (kind === 'issuer') return refused('one of jti, sid, sub and issuer is needed')
    return refused(`${kind} needs an issuer; null for sessions and API keys, which have none`)
  }
  if (value === null && kind !== 'issuer') return { ok: true, value: '' }
  const problem = problemOfText('issuer', value)
  return problem === null ? { ok: true, value: value as string } : refused(problem)
}

function problemOfText(member: string, value: unknown): string | null {
  if (typeof value !== 'string') return `${member} must be a string`
  if (value === '') return `${member} must not be empty`
  if (value.length > REVOKED_VALUE_LENGTH_MAX) {
    return `${member} must not be longer than ${REVOKED_VALUE_LENGTH_MAX} characters`
  }
  return null
}

function readReason(value: unknown): Read<string | null> {
  if (value === undefined) return { ok: true, value: null }
  if (typeof value !== 'string') return refused('reason must be a string')
  if (value.length > REASON_LENGTH_MAX) {
    return refused(`reason must not be longer than ${REASON_LENGTH_MAX} characters`)
  }
  // It goes into logs and onto terminals.
  if (UNPRINTABLE.test(value)) return refused('reason must be printable')
  return { ok: true, value }
}

/**
 * Without a value: now, by the clock of the issuer. That may be ahead of ours by the tolerance, and
 * with it the `iat` of a token that exists already.
 */
function readBefore(
  value: unknown,
  { clockToleranceSeconds }: RevocationPolicy,
  nowSeconds: number,
): Read<number> {
  if (value === undefined) return { ok: true, value: nowSeconds + clockToleranceSeconds }
  const seconds = instantSeconds(value)
  if (seconds === null) return refused(`before must be an instant: ${INSTANT_GRAMMAR}`)
  if (seconds > nowSeconds + BEFORE_AHEAD_SECONDS_MAX) {
    return refused(`before must not be more than ${BEFORE_AHEAD_SECONDS_MAX} s ahead`)
  }
  return { ok: true, value: Math.ceil(seconds) }
}

function readNoBefore(value: unknown, kind: RevocationKind): Read<null> {
  if (value !== undefined) return refused(`before has no meaning with ${kind}`)
  return { ok: true, value: null }
}

/** @returns The given end, or the latest possible one, plus the clock tolerance. */
function readUntil(
  value: unknown,
  beforeSeconds: number | null,
  policy: RevocationPolicy,
  nowSeconds: number,
): Read<number> {
  if (value === undefined) {
    return { ok: true, value: lastDeathSeconds(beforeSeconds, policy, nowSeconds) }
  }
  const seconds = instantSeconds(value)
  if (seconds === null) return refused(`until must be an instant: ${INSTANT_GRAMMAR}`)
  if (seconds <= nowSeconds) return refused('until must be in the future')
  if (seconds > nowSeconds + REVOCATION_LIFE_MAX_SECONDS) {
    return refused('until must not be more than 400 days ahead')
  }
  return { ok: true, value: Math.ceil(seconds) + policy.clockToleranceSeconds }
}

/** What a request that names a revocation names, to find it again; `before` and `until` aside. */
export function parseRevocationName(body: unknown): Read<RevocationName> {
  if (!isJsonObject(body)) return refused('the body must be a JSON object')
  return readName(body)
}

/** First second in which all that was issued up to now, or up to the watermark, is dead. */
export function lastDeathSeconds(
  watermarkSeconds: number | null,
  policy: RevocationPolicy,
  nowSeconds: number,
): number {
  const lastIssuedSeconds = Math.max(nowSeconds, watermarkSeconds ?? nowSeconds)
  const { credentialLifeMaxSeconds, clockToleranceSeconds } = policy
  return lastIssuedSeconds + credentialLifeMaxSeconds + clockToleranceSeconds
}

function refused(message: string): { readonly ok: false; readonly message: string } {
  return { ok: false, message }
}
