/**
 * What a logout token must say (OpenID Connect Back-Channel Logout 1.0 §2.4, §2.6).
 *
 * Checks claims only: the signature, the algorithm and `typ` in the protected header are checked
 * elsewhere and *before*.
 */
import { type ClaimPolicy, issuerProblem, namesAudience } from './claims.ts'
import { isJsonObject, type JsonObject } from './strict-json.ts'
import { isNumericDate } from './time-claims.ts'

/** The member of `events` that makes a token a logout token. */
export const BACKCHANNEL_LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout'

/** A notice is sent when the user logs out; one that comes much later is a replay or a mistake. */
export const LOGOUT_TOKEN_AGE_MAX_SECONDS = 600

/** Of `jti`, `sub` and `sid`, in UTF-16 code units. */
const CLAIM_LENGTH_MAX = 512

export interface LogoutTokenPolicy extends Pick<ClaimPolicy, 'issuer' | 'template'> {
  /** Client identifiers: `aud` must contain one of these. */
  readonly audiences: readonly string[]
  /** 0 to 60, allowed either way. */
  readonly clockToleranceSeconds: number
}

export type LogoutTokenRefusal =
  | 'wrong_issuer'
  | 'wrong_audience'
  /** `iat` is missing or no NumericDate. */
  | 'malformed_issued_at'
  | 'issued_in_future'
  /** `iat` is {@link LOGOUT_TOKEN_AGE_MAX_SECONDS} ago, or more. */
  | 'too_old'
  /** `exp` is missing or no NumericDate. */
  | 'malformed_expiry'
  | 'expired'
  /** `jti` is missing, empty, too long or no string: replays could not be told. */
  | 'malformed_token_id'
  /** `events` is no object with {@link BACKCHANNEL_LOGOUT_EVENT}, whose value is an object. */
  | 'no_logout_event'
  /** An ID token could otherwise be passed off as a logout token, or the reverse. */
  | 'nonce_present'
  /** `sub` or `sid` is there, but empty, too long or no string. */
  | 'malformed_subject_or_session'
  | 'no_subject_or_session'

export interface LogoutToken {
  readonly ok: true
  /** `sub`; `null` when there is none, which leaves `sid`. */
  readonly sub: string | null
  /** `sid`; `null` when there is none, which leaves `sub`. */
  readonly sid: string | null
  readonly jti: string
  /** `iat`, NumericDate, rounded down. */
  readonly issuedAtSeconds: number
  /**
   * First second, without clock tolerance, in which this token is refused for its age: the earlier
   * of `exp` and `iat` plus {@link LOGOUT_TOKEN_AGE_MAX_SECONDS}.
   */
  readonly expiresAtSeconds: number
}

export interface RefusedLogoutToken {
  readonly ok: false
  readonly reason: LogoutTokenRefusal
}

/**
 * Checks every claim of §2.4, in the order of §2.6. Does not check the signature, and not whether
 * the token was seen before: see `LogoutReplayMemory`.
 *
 * @param claims From `parseClaims`: every member name once.
 */
export function checkLogoutToken(
  claims: JsonObject,
  policy: LogoutTokenPolicy,
  nowSeconds: number,
): LogoutToken | RefusedLogoutToken {
  if (issuerProblem(claims, policy) !== null) return refused('wrong_issuer')
  if (!namesAudience(claims['aud'], policy.audiences)) return refused('wrong_audience')
  const issuedAt = claims['iat']
  const expiresAt = claims['exp']
  if (!isNumericDate(issuedAt)) return refused('malformed_issued_at')
  if (!isNumericDate(expiresAt)) return refused('malformed_expiry')
  const jti = claims['jti']
  if (!isClaimText(jti)) return refused('malformed_token_id')
  const sub = claims['sub'] ?? null
  const sid = claims['sid'] ?? null
  if (!isClaimTextOrNull(sub) || !isClaimTextOrNull(sid)) {
    return refused('malformed_subject_or_session')
  }
  if (sub === null && sid === null) return refused('no_subject_or_session')
  if (!holdsLogoutEvent(claims['events'])) return refused('no_logout_event')
  if (claims['nonce'] !== undefined) return refused('nonce_present')
  // Last, so that "expired" is said only of a token that would otherwise be acceptable.
  const reason = checkTimes(issuedAt, expiresAt, policy.clockToleranceSeconds, nowSeconds)
  if (reason !== null) return refused(reason)
  const issuedAtSeconds = Math.floor(issuedAt)
  return {
    ok: true,
    sub,
    sid,
    jti,
    issuedAtSeconds,
    expiresAtSeconds: Math.min(
      Math.floor(expiresAt),
      issuedAtSeconds + LOGOUT_TOKEN_AGE_MAX_SECONDS,
    ),
  }
}

function checkTimes(
  issuedAtSeconds: number,
  expiresAtSeconds: number,
  clockToleranceSeconds: number,
  nowSeconds: number,
): LogoutTokenRefusal | null {
  if (issuedAtSeconds > nowSeconds + clockToleranceSeconds) return 'issued_in_future'
  if (nowSeconds >= Math.floor(expiresAtSeconds) + clockToleranceSeconds) return 'expired'
  const oldAtSeconds = Math.floor(issuedAtSeconds) + LOGOUT_TOKEN_AGE_MAX_SECONDS
  return nowSeconds >= oldAtSeconds + clockToleranceSeconds ? 'too_old' : null
}

function holdsLogoutEvent(events: unknown): boolean {
  return (
    isJsonObject(events) &&
    Object.hasOwn(events, BACKCHANNEL_LOGOUT_EVENT) &&
    isJsonObject(events[BACKCHANNEL_LOGOUT_EVENT])
  )
}

function isClaimText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= CLAIM_LENGTH_MAX
}

function isClaimTextOrNull(value: unknown): value is string | null {
  return value === null || isClaimText(value)
}

function refused(reason: LogoutTokenRefusal): RefusedLogoutToken {
  return { ok: false, reason }
}
