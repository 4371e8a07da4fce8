/** The `WWW-Authenticate` field of an answer about a credential (RFC 6750 §3, RFC 9728 §5.1). */
import { AUTH_ERRORS, type AuthErrorCode } from './auth-error.ts'

export interface ChallengeParameters {
  /**
   * Visible ASCII and spaces. RFC 6750 §3 wants at least one parameter: this one is always sent.
   */
  readonly realm: string
  /** What the resource needs, sent with `insufficient_scope` alone. May be empty. */
  readonly scopes: readonly string[]
  /** URL of the protected-resource metadata; `null` when the resource has none. */
  readonly resourceMetadata: string | null
}

/**
 * Renders one challenge. Every word of it follows from the code and the configuration.
 *
 * @returns `null` when the answer is not about a credential (§3: challenges go with 401, and with
 *   the 400 and 403 of §3.1). Without a credential in the request there is no `error` (§3.1).
 */
export function bearerChallenge(
  code: AuthErrorCode,
  parameters: ChallengeParameters,
): string | null {
  const { status, challengeError, message } = AUTH_ERRORS[code]
  if (status !== 401 && challengeError === null) return null

  let challenge = `Bearer realm=${quoted(parameters.realm)}`
  if (challengeError !== null) {
    challenge += `, error="${challengeError}", error_description=${quoted(message)}`
  }
  if (challengeError === 'insufficient_scope' && parameters.scopes.length > 0) {
    challenge += `, scope=${quoted(parameters.scopes.join(' '))}`
  }
  if (parameters.resourceMetadata !== null) {
    challenge += `, resource_metadata=${quoted(parameters.resourceMetadata)}`
  }
  return challenge
}

/** A quoted-string (RFC 9110 §5.6.4). What cannot stand in one becomes `?`. */
export function quoted(text: string): string {
  return `"${text.replace(/[^\x20-\x7e]/g, '?').replace(/["\\]/g, '\\$&')}"`
}
