/** Whether an issuer says that an e-mail address is not verified (OpenID Connect Core §5.1). */
import { readClaimPath } from './claim-path.ts'
import { type ClaimPlace, type ClaimSource, foundPlace } from './claim-source.ts'
import type { JsonObject } from './strict-json.ts'

const ADDRESS = 'email'
const STANDING = 'email_verified'

/** Cognito writes text, and some write numbers. */
const YES: readonly unknown[] = [true, 1, 'true', '1']

/**
 * Whether what a source has is an address that the issuer has not verified: `email_verified` is at
 * the top of the claims, or beside the address where that is nested, and says anything but yes.
 * Absent, it says nothing, as in most access tokens.
 */
export function isUnverifiedEmail(claims: JsonObject, source: ClaimSource): boolean {
  const place = foundPlace(claims, source)
  if (place === null) return false
  return saysNo(claims[STANDING]) || saysNo(besides(claims, place))
}

/** Whether a source reads the address as something else: its place is one of an address. */
export function readsEmail(
  claims: JsonObject,
  source: ClaimSource,
  email: ClaimSource | null,
): boolean {
  const path = foundPlace(claims, source)?.path
  if (path === undefined) return false
  if ((path.steps.at(-1) ?? path.text) === ADDRESS) return true
  return email?.places.some((place) => place.path.text === path.text) === true
}

/** What `email_verified` is beside a nested claim. */
function besides(claims: JsonObject, { path }: ClaimPlace): unknown {
  if (path.steps.length < 2 || Object.hasOwn(claims, path.text)) return undefined
  const steps = [...path.steps.slice(0, -1), STANDING]
  return readClaimPath(claims, { ...path, text: `${path.text}/${STANDING}`, steps })
}

function saysNo(value: unknown): boolean {
  if (value === undefined || value === null || value === '') return false
  return !YES.includes(typeof value === 'string' ? value.toLowerCase() : value)
}
