/** Whether an issuer says that an e-mail address is not verified (OpenID Connect Core §5.1). */
import { type ClaimPath, isNamed, readClaimPath } from './claim-path.ts'
import { type ClaimPlace, type ClaimSource, foundPlace } from './claim-source.ts'
import type { JsonObject } from './strict-json.ts'

const ADDRESS = 'email'
const STANDING = 'email_verified'

type Places = Pick<ClaimSource, 'places'>

/** Cognito writes text, and some write numbers. */
const YES: readonly unknown[] = [true, 1, 'true', '1']

/**
 * Whether what a source has is an address that the issuer has not verified: `email_verified` is at
 * the top of the claims, or beside the address where that is nested, and says anything but yes.
 * Absent, it says nothing, as in most access tokens.
 */
export function isUnverifiedEmail(claims: JsonObject, source: Places): boolean {
  const place = foundPlace(claims, source)
  if (place === null) return false
  return saysNo(claims[STANDING]) || saysNo(besides(claims, place))
}

/** Whether what a source has is an address, or holds one, that the issuer has not verified. */
export function isUnverifiedAddress(
  claims: JsonObject,
  source: Places,
  email: Places | null,
): boolean {
  const isUnverified =
    isUnverifiedEmail(claims, source) || (email !== null && isUnverifiedEmail(claims, email))
  return isUnverified && readsEmail(claims, source, email)
}

/** Whether a source reads the address as something else: its place is one of an address. */
function readsEmail(claims: JsonObject, source: Places, email: Places | null): boolean {
  const path = foundPlace(claims, source)?.path
  if (path === undefined) return false
  if ((path.steps.at(-1) ?? path.text) === ADDRESS) return true
  return email?.places.some((place) => overlap(place.path, path)) === true
}

/** Whether one leads to the other, or to what it is a part of, however they are written. */
function overlap(first: ClaimPath, second: ClaimPath): boolean {
  return stepsOf(first).some((one) => stepsOf(second).some((other) => isPrefix(one, other)))
}

/** A claim that has the whole text for its name is found as well. */
function stepsOf({ text, steps }: ClaimPath): readonly (readonly string[])[] {
  return steps.length === 0 ? [[text]] : [[text], steps]
}

function isPrefix(one: readonly string[], other: readonly string[]): boolean {
  const [short, long] = one.length <= other.length ? [one, other] : [other, one]
  return short.every((step, place) => step === long[place])
}

/** What `email_verified` is beside a nested claim. */
function besides(claims: JsonObject, { path }: ClaimPlace): unknown {
  if (path.steps.length < 2 || isNamed(claims, path.text)) return undefined
  const steps = [...path.steps.slice(0, -1), STANDING]
  return readClaimPath(claims, { ...path, text: `${path.text}/${STANDING}`, steps })
}

function saysNo(value: unknown): boolean {
  if (value === undefined || value === null || value === '') return false
  return !YES.includes(typeof value === 'string' ? value.toLowerCase() : value)
}
