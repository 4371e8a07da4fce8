/**
 * What the gateway concludes about a credential: an identity it established itself, or the reason
 * why not.
 */
import type { AuthErrorCode } from './auth-error.ts'
import { byPart, type IdentityCore, type IdentityParts } from './identity-parts.ts'
import { NO_CLAIMS } from './kept-claims.ts'
import { REFUSAL_REASON_NAMES, REFUSAL_REASONS, type RefusalReason } from './refusal-reason.ts'

/**
 * Who is calling, as established by this gateway, with the parts of identity-parts.ts. Strings are
 * as the issuer wrote them.
 */
export interface Identity extends IdentityCore, IdentityParts {}

const NONE: readonly string[] = Object.freeze([])

/** An identity that says nothing, for others to start from. */
export const EMPTY_IDENTITY: Identity = Object.freeze({
  issuer: '',
  subject: '',
  ...(byPart(({ kind }) => (kind === 'text' ? null : NONE)) as IdentityParts),
  clientId: null,
  audiences: NONE,
  tokenId: null,
  sessionId: null,
  issuedAtSeconds: null,
  expiresAtSeconds: null,
  claims: NO_CLAIMS,
})

/** Whom a credential speaks for: a user, or a client for itself. */
export function callerOf({ subject, clientId }: Identity): string {
  return subject === '' ? (clientId ?? '') : subject
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
   * The key under which a signature was found bad, or the place of the key set where all keys were
   * tried: such a refusal stays true as long as the key is published, or no key has come or gone,
   * and may be remembered that long. `null` for all others: they are found without cryptography, or
   * could turn out otherwise a moment later.
   */
  readonly key: KeyReference | null
  /** Which rule of a route or claim it was, where the reason does not say; never a value. */
  readonly detail: string | null
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
    Object.freeze({
      kind: 'refused',
      reason,
      code: REFUSAL_REASONS[reason].code,
      key: null,
      detail: null,
    }),
  ]),
)

/** The one refusal for this reason: always the same object. */
export function refuse(reason: RefusalReason): Refused {
  // The map is built from the table whose keys are the type of `reason`.
  return REFUSALS.get(reason) as Refused
}

/**
 * For this reason, and which claim or rule it was, or why an upstream failed: a name of the
 * configuration or a word of our own, never a value.
 */
export function refuseNaming(reason: RefusalReason, detail: string): Refused {
  return Object.freeze({ ...refuse(reason), detail })
}

/** @param key What says how long it is true that the signature is of none of the keys. */
export function refuseSignature(
  reason: 'signature_invalid' | 'signature_unsettled' | 'key_without_place',
  key: KeyReference | null,
): Refused {
  return key === null ? refuse(reason) : { ...refuse(reason), key }
}
