/**
 * Hot path: the key under which a credential's verdict is cached: SHA-256, whole.
 *
 * The digest is a string of 32 characters, one a byte: native-bench/token-digest.ts has it as the
 * cheapest form in which OpenSSL's answer reaches JavaScript, and a string is also a key of a Map
 * and survives an await, which a shared scratch buffer does not.
 */
import { hash } from 'node:crypto'
import { assertInvariant } from '../runtime/assert-invariant.ts'
import { DIGEST_WORDS } from './layout.ts'

const DIGEST_LENGTH = 32

/**
 * What a verdict holds for besides the token: issuer set, audience, tenant. Derived from the
 * profile's content, so that entries survive a reload that leaves the profile unchanged.
 */
export interface ProfileKey {
  /** SHA-256 of the description as characters, one a byte. */
  readonly text: string
  /** The same as eight words. */
  readonly words: Int32Array
}

/** Which verdict is meant: that on a token, under a profile. */
export interface TokenDigest {
  /** SHA-256 of the token: 32 characters, each one byte. */
  readonly token: string
  /** One object for each profile in a thread, so that profiles are compared by identity. */
  readonly profile: ProfileKey
}

/** One key for each description in this thread: as many as there are different profiles. */
const profileKeys = new Map<string, ProfileKey>()

/**
 * Derives the key of a verification profile. At load, not per request.
 *
 * @param description Everything that the verdict depends on, in one canonical text: two profiles
 *   with the same description share verdicts.
 */
export function profileKey(description: string): ProfileKey {
  const text = hash('sha256', description, 'binary')
  const known = profileKeys.get(text)
  if (known !== undefined) return known
  const words = new Int32Array(DIGEST_WORDS)
  for (let word = 0; word < DIGEST_WORDS; word += 1) words[word] = wordAt(text, word)
  const key = { text, words }
  profileKeys.set(text, key)
  return key
}

/**
 * Cache key of a credential under a profile.
 *
 * The profile is part of the key because the same token may be good for one tenant and not for
 * another. The token itself is never stored: a core file of the shared buffer must not be a list
 * of live credentials.
 *
 * Only the token is hashed here: putting the profile in front of it would copy the whole token
 * first. The two digests are combined where words are needed ({@link unpackDigest}).
 *
 * Does not check the token. Text outside Unicode (lone surrogates) would be replaced before
 * hashing: callers pass only what the b64token grammar (RFC 6750 §2.1) accepted.
 */
export function tokenDigest(profile: ProfileKey, token: string): TokenDigest {
  return { token: hash('sha256', token, 'binary'), profile }
}

/** The digest as one text, for maps of what is under way. */
export function digestText({ token, profile }: TokenDigest): string {
  return token + profile.text
}

/**
 * Writes the key as eight little-endian words into `into`: the digest of the token, with the
 * digest of the profile added to it bit by bit.
 *
 * Two keys are equal only if both parts are, or if SHA-256 of two tokens differs in exactly the
 * bits in which two profiles do. To find a token that does this to a given one takes 2^256 tries,
 * and any two that do 2^128: as hard as a collision of SHA-256 itself.
 */
export function unpackDigest({ token, profile }: TokenDigest, into: Int32Array): void {
  for (let word = 0; word < DIGEST_WORDS; word += 1) {
    into[word] = wordAt(token, word) ^ (profile.words[word] as number)
  }
}

function wordAt(text: string, word: number): number {
  const at = word * 4
  return (
    text.charCodeAt(at) |
    (text.charCodeAt(at + 1) << 8) |
    (text.charCodeAt(at + 2) << 16) |
    (text.charCodeAt(at + 3) << 24)
  )
}

assertInvariant(DIGEST_LENGTH === DIGEST_WORDS * 4, 'a digest is unpacked whole')
