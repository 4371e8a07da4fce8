/**
 * What the gateway concludes about a credential: an identity it established itself, or the reason
 * why not.
 */
import type { AuthErrorCode } from './auth-error.ts'
import { REFUSAL_REASON_NAMES, REFUSAL_REASONS, type RefusalReason } from './refusal-reason.ts'

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
  readonly kind: 'verified'
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
  readonly kind: 'refused'
  /** For the operator. */
  readonly reason: RefusalReason
  /** For the client: that of the reason. */
  readonly code: AuthErrorCode
  /**
   * The key under which a signature was found bad: such a refusal stays true as long as the key is
   * published and may be remembered that long. `null` for all others: they are found without
   * cryptography, or could turn out otherwise a moment later.
   */
  readonly key: KeyReference | null
}

export type Verification = Verified | Refused

/** A valid session without a user counts as no credential: that of a visitor without a login. */
export interface Anonymous {
  readonly kind: 'anonymous'
}

export const ANONYMOUS: Anonymous = Object.freeze({ kind: 'anonymous' })

/**
 * One frozen refusal per reason, built once: an attacker controls how often verification fails, so
 * failing allocates nothing.
 */
const REFUSALS: ReadonlyMap<RefusalReason, Refused> = new Map(
  REFUSAL_REASON_NAMES.map((reason) => [
    reason,
    Object.freeze({ kind: 'refused', reason, code: REFUSAL_REASONS[reason].code, key: null }),
  ]),
)

/** The one refusal for this reason: always the same object. */
export function refuse(reason: RefusalReason): Refused {
  // The map is built from the table whose keys are the type of `reason`.
  return REFUSALS.get(reason) as Refused
}

/** This key did not make the signature. */
export function refuseSignature(
  reason: 'signature_invalid' | 'signature_unsettled',
  key: KeyReference,
): Refused {
  return { ...refuse(reason), key }
}
