/** How many verification keys a configuration can have in use at once. */
import type { IssuerConfiguration } from '../config/sections/issuers/issuers.ts'
import { JWKS_KEYS_MAX } from '../protocol/parse-jwks.ts'

/**
 * Room for the longest key set of every issuer: a set that replaces another one first gives up the
 * places of the keys that it lists no longer.
 */
export function verificationKeysMax(issuers: readonly IssuerConfiguration[]): number {
  return issuers.reduce((sum, { keys }) => sum + KEYS_MAX[keys.kind], 0)
}

/** Key sets of issuers that come while the process runs, or get their keys from elsewhere then. */
const SPARE_SETS = 32

/**
 * Room for as many again, and some more: another configuration may have other issuers, and its keys
 * are there before those of the last one are given up.
 */
export function verificationKeysRoom(issuers: readonly IssuerConfiguration[]): number {
  return 2 * verificationKeysMax(issuers) + SPARE_SETS * JWKS_KEYS_MAX
}

const KEYS_MAX: Readonly<Record<IssuerConfiguration['keys']['kind'], number>> = {
  none: 0,
  secret: 1,
  jwks: JWKS_KEYS_MAX,
}
