/**
 * What the gateway concludes about a credential: an identity it established itself, or the code of
 * the reason why not.
 */
import { AUTH_ERROR_CODES, type AuthErrorCode } from './auth-error.ts'

/** Who is calling, as established by this gateway. Strings are as the issuer wrote them. */
export interface Identity {
  /**
   * `iss`: namespaces the subject wherever the subject is used as a key. Empty for a session or an
   * API key, which no issuer has issued.
   */
  readonly issuer: string
  /** Empty for a client that acts for itself, with `clientId` instead. */
  readonly subject: string
  readonly email: string | null
  readonly roles: readonly string[]
  readonly scopes: readonly string[]
  readonly tenant: string | null
  readonly organisation: string | null
  /**
   * `client_id` or `azp`: the client that the credential was issued to; `null` when it names none.
   * Never a user: an issuer may call a client what a user is called (RFC 9068 §5).
   */
  readonly clientId: string | null
  /** `jti`, for revocation; `null` when the token has none. */
  readonly tokenId: string | null
  /** `sid`: never leaves the gateway except as a digest. */
  readonly sessionId: string | null
  /** `iat`, NumericDate; `null` when the token has none. */
  readonly issuedAtSeconds: number | null
  /**
   * `exp` exactly as issued, NumericDate, whole seconds rounded down; without clock tolerance.
   * `null` for a credential that names no end: an API key, or an introspected token without `exp`.
   */
  readonly expiresAtSeconds: number | null
}

/** Whom a credential speaks for: a user, or a client for itself. */
export function callerOf({ subject, clientId }: Identity): string {
  return subject === '' ? (clientId ?? '') : subject
}

/** A user as a configuration, a login service or a store describes one. */
export interface StoredUser {
  readonly userId: string
  readonly email: string | null
  readonly roles: readonly string[]
  readonly scopes: readonly string[]
  readonly tenantId: string | null
  readonly organisationId: string | null
}

export interface Verified {
  readonly ok: true
  readonly identity: Identity
  /**
   * First second in which this verdict no longer holds: `exp` plus the issuer's clock tolerance.
   * Checked on every request, cached or not.
   */
  readonly deadAtSeconds: number
  /** Place of the verifying key in the shared table of key generations. */
  readonly keySlot: number
  /** Generation which that place held when the key verified. Another value there: key is gone. */
  readonly keyGeneration: number
}

/** Place of a verification key in the shared table of key generations. */
export interface KeyReference {
  readonly slot: number
  readonly generation: number
}

export interface Refused {
  readonly ok: false
  readonly code: AuthErrorCode
  /**
   * The key under which a signature was found bad: such a refusal stays true as long as the key is
   * published and may be remembered that long. `null` for all others: they are found without
   * cryptography, or could turn out otherwise a moment later.
   */
  readonly key: KeyReference | null
}

export type Verification = Verified | Refused

/**
 * One frozen refusal per code, built once: an attacker controls how often verification fails, so
 * failing allocates nothing.
 */
const REFUSALS: ReadonlyMap<AuthErrorCode, Refused> = new Map(
  AUTH_ERROR_CODES.map((code) => [code, Object.freeze({ ok: false, code, key: null })]),
)

/** The one refusal for this code: always the same object. */
export function refuse(code: AuthErrorCode): Refused {
  // The map is built from the table whose keys are the type of `code`.
  return REFUSALS.get(code) as Refused
}

/** `invalid_token` because the signature does not verify under this key. */
export function refuseSignature(key: KeyReference): Refused {
  return { ok: false, code: 'invalid_token', key }
}
