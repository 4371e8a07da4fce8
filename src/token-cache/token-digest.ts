/**
 * Hot path: the key under which a credential's verdict is cached: SHA-256, whole.
 *
 * The digest is a string of 32 characters, one a byte: native-bench/token-digest.ts has it as the
 * cheapest form in which OpenSSL's answer reaches JavaScript, and a string is also a key of a Map
 * and survives an await, which a shared scratch buffer does not.
 */
import { hash } from 'node:crypto'
import { assertInvariant } from '../shared-memory/invariant.ts'
import { DIGEST_WORDS } from './layout.ts'

declare const profileKeyBrand: unique symbol
declare const tokenDigestBrand: unique symbol

/**
 * What a verdict holds for besides the token: issuer set, audience, tenant. 32 characters, derived
 * from the profile's content, so that entries survive a reload that leaves the profile unchanged.
 */
export type ProfileKey = string & { readonly [profileKeyBrand]: true }

/** SHA-256 of profile and token: 32 characters, each one byte. */
export type TokenDigest = string & { readonly [tokenDigestBrand]: true }

const DIGEST_LENGTH = 32

/**
 * Derives the key of a verification profile. At load, not per request.
 *
 * @param description Everything that the verdict depends on, in one canonical text: two profiles
 *   with the same description share verdicts.
 */
export function profileKey(description: string): ProfileKey {
  const key = hash('sha256', description, 'base64url').slice(0, DIGEST_LENGTH)
  assertInvariant(key.length === DIGEST_LENGTH, 'a profile key has a fixed length')
  return key as ProfileKey
}

/**
 * Cache key of a credential under a profile.
 *
 * The profile is part of the key because the same token may be good for one tenant and not for
 * another. It has a fixed length, so no pair of profile and token can be mistaken for another
 * pair. The token itself is never stored: a core file of the shared buffer must not be a list of
 * live credentials.
 *
 * Does not check the token. Text outside Unicode (lone surrogates) would be replaced before
 * hashing: callers pass only what the b64token grammar (RFC 6750 §2.1) accepted.
 */
export function tokenDigest(profile: ProfileKey, token: string): TokenDigest {
  return hash('sha256', profile + token, 'binary') as TokenDigest
}

/** Writes the digest as eight little-endian words into `into`. */
export function unpackDigest(digest: TokenDigest, into: Int32Array): void {
  for (let word = 0; word < DIGEST_WORDS; word += 1) {
    const at = word * 4
    into[word] =
      digest.charCodeAt(at) |
      (digest.charCodeAt(at + 1) << 8) |
      (digest.charCodeAt(at + 2) << 16) |
      (digest.charCodeAt(at + 3) << 24)
  }
}
