/** What a route may require of an identity beyond scopes and roles, as it is written down. */
import {
  type IdentityPart,
  LIST_PARTS,
  type RequirablePart,
  TEXT_PARTS,
} from '../protocol/identity-parts.ts'

/**
 * The parts of an identity that a requirement may name: all that is kept of a credential once it
 * is verified. Which claim of a token each one comes from is a setting of its issuer.
 */
export const REQUIRABLE_CLAIMS = [
  'issuer',
  'subject',
  ...requirableOf(TEXT_PARTS),
  'clientId',
  ...requirableOf(LIST_PARTS),
  'tokenId',
  'sessionId',
] as const

export type RequirableClaim = (typeof REQUIRABLE_CLAIMS)[number]

function requirableOf(parts: readonly IdentityPart[]): readonly RequirablePart[] {
  return parts.filter(({ isRequirable }) => isRequirable).map(({ name }) => name as RequirablePart)
}

/** Bounds the work per character of a claim: see require-claims.ts. */
export const CLAIM_PATTERN_LENGTH_MAX = 128

export const CLAIM_PATTERN_PROBLEM =
  `must be 1 to ${CLAIM_PATTERN_LENGTH_MAX} printable ASCII characters: ` +
  '* for any run, ? for any one, all others for themselves'

/** The pattern, or `null`. It is no regular expression, and nothing in it is an escape. */
export function parseClaimPattern(value: string): string | null {
  if (value.length === 0 || value.length > CLAIM_PATTERN_LENGTH_MAX) return null
  return /^[\x20-\x7e]+$/.test(value) ? value : null
}
