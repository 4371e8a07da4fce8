/** How many verification keys a configuration can have in use at once. */
import type { IssuerConfiguration } from '../config/sections/issuers/issuers.ts'
import { JWKS_KEYS_MAX } from '../protocol/parse-jwks.ts'

/** The longest key sets of all issuers together. */
export function verificationKeysMax(issuers: readonly IssuerConfiguration[]): number {
  return issuers.reduce((sum, { keys }) => sum + KEYS_MAX[keys.kind], 0)
}

/**
 * Places in the table of key generations for all of them: a set that replaces another one first
 * gives up the places of the keys that it lists no longer.
 */
export function verificationPlacesMax(issuers: readonly IssuerConfiguration[]): number {
  const sets = issuers.filter(({ keys }) => keys.kind === 'jwks').length
  return verificationKeysMax(issuers) + sets * PLACES_OF_SET
}

/**
 * Room for as many again, and some more: another configuration may have other issuers, and its keys
 * are there before those of the last one are given up.
 */
export function verificationPlacesRoom(issuers: readonly IssuerConfiguration[]): number {
  return 2 * verificationPlacesMax(issuers) + SPARE_SETS * (JWKS_KEYS_MAX + PLACES_OF_SET)
}

/** Of a key set as it is, beside its keys. */
const PLACES_OF_SET = 1
/** Key sets of issuers that come while the process runs, or get their keys from elsewhere then. */
const SPARE_SETS = 32

const KEYS_MAX: Readonly<Record<IssuerConfiguration['keys']['kind'], number>> = {
  none: 0,
  secret: 1,
  jwks: JWKS_KEYS_MAX,
}
