/** When a token is alive: `exp`, `nbf` and `iat` (RFC 7519 §4.1.4 to §4.1.6). */
import { type Refused, refuse } from './verification.ts'

export interface TimeClaims {
  /** `exp`, NumericDate; `null` when there is none, which only an introspected token may lack. */
  readonly expiresAtSeconds: number | null
  /** `nbf`, NumericDate; `null` when there is none. */
  readonly notBeforeSeconds: number | null
  /** `iat`, NumericDate; `null` when there is none. */
  readonly issuedAtSeconds: number | null
}

/** 9999-12-31T23:59:59Z. Later instants are mistakes of unit, or attempts at overflow. */
export const NUMERIC_DATE_MAX_SECONDS = 253_402_300_799

/** Whether this is a NumericDate that a token may carry: finite, from the epoch to year 9999. */
export function isNumericDate(value: unknown): value is number {
  // The comparison is false for NaN.
  return typeof value === 'number' && value >= 0 && value <= NUMERIC_DATE_MAX_SECONDS
}

/**
 * First second in which the token is dead. "On or after" in §4.1.4: that is the very second which
 * `exp` names, of which a fraction of a second is no part.
 */
export function deadAtSeconds(expiresAtSeconds: number, clockToleranceSeconds: number): number {
  return Math.floor(expiresAtSeconds) + clockToleranceSeconds
}

/**
 * First second in which neither `nbf` nor `iat` is in the future any more; `null` when the token
 * has neither.
 */
export function startsAtSeconds(
  { notBeforeSeconds, issuedAtSeconds }: TimeClaims,
  clockToleranceSeconds: number,
): number | null {
  if (notBeforeSeconds === null && issuedAtSeconds === null) return null
  return Math.ceil(Math.max(notBeforeSeconds ?? 0, issuedAtSeconds ?? 0)) - clockToleranceSeconds
}

/**
 * Checks the three instants. On a cache hit only the expiry is checked again: the other two
 * cannot come undone.
 *
 * @param clockToleranceSeconds Skew allowed between the gateway and the issuer, either way.
 * @param nowSeconds Whole seconds.
 * @returns `null` when the token is alive; else `token_expired`, `token_not_yet_valid`, or
 *   `invalid_claims` when the token claims to be issued in the future.
 */
export function checkTimeClaims(
  claims: TimeClaims,
  clockToleranceSeconds: number,
  nowSeconds: number,
): Refused | null {
  const { expiresAtSeconds } = claims
  if (
    expiresAtSeconds !== null &&
    nowSeconds >= deadAtSeconds(expiresAtSeconds, clockToleranceSeconds)
  ) {
    return refuse('token_expired')
  }
  const latestSeconds = nowSeconds + clockToleranceSeconds
  if (claims.notBeforeSeconds !== null && claims.notBeforeSeconds > latestSeconds) {
    return refuse('token_not_yet_valid')
  }
  if (claims.issuedAtSeconds !== null && claims.issuedAtSeconds > latestSeconds) {
    return refuse('issued_in_future')
  }
  return null
}
