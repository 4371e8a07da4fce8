/**
 * Hot path: what a revocation is looked up by: 128 bits of SHA-256 over what is revoked.
 *
 * Never the token itself: an ECDSA signature can be changed into another good one by anybody, so
 * that a token has more than one text. And never the raw value: neither shared memory nor Redis
 * shall list who was revoked. (A guess at a value can be confirmed from its digest, though.)
 */
import { hash } from 'node:crypto'
import { callerOf, type Identity } from '../protocol/verification.ts'
import { KEY_WORDS } from './layout.ts'

/** What a revocation names: a token, a session, a subject, or an issuer as a whole. */
export type RevocationKind = 'jti' | 'sid' | 'sub' | 'issuer'

declare const revocationKeyBrand: unique symbol

/** 32 lower-case hexadecimal digits. Branded, so that no raw value can be passed in its place. */
export type RevocationKey = string & { readonly [revocationKeyBrand]: true }

/** What is revoked, as the issuer wrote it. */
export interface RevocationName {
  readonly kind: RevocationKind
  /** `iss`; empty for what no issuer has issued: sessions and API keys. */
  readonly issuer: string
  /**
   * Empty for the kind `issuer`. A `sid` may also be named by its digest, `sha256:` and 64
   * lower-case hexadecimal digits: that is what upstreams see of it.
   */
  readonly value: string
}

const KEY_DIGITS = KEY_WORDS * 8
const KEY_BYTES = KEY_WORDS * 4
const SESSION_DIGEST = /^sha256:[0-9a-f]{64}$/
const KEY_PATTERN = /^[0-9a-f]{32}$/

/**
 * The keys of one credential, and in which epoch they were last found clean. Made once for each
 * cached identity and kept beside it; belongs to one thread and to one index.
 */
export interface RevocationKeys {
  readonly identity: Identity
  /**
   * Second in which the credential was issued. 0 when it does not say: it then counts as issued
   * before every watermark.
   */
  readonly issuedAtSeconds: number
  /** Four words a key. `null` until an index that holds entries has to be searched. */
  words: Int32Array | null
  /** Epoch in which nothing was found; 0 before the first search. */
  cleanEpoch: number
}

/** Keys of what this identity can be revoked by. Hashes nothing yet: most are never needed. */
export function revocationKeysOf(identity: Identity): RevocationKeys {
  return {
    identity,
    issuedAtSeconds: Math.floor(identity.issuedAtSeconds ?? 0),
    words: null,
    cleanEpoch: 0,
  }
}

/** The words of all keys, computed when first asked for: some 5 µs. */
export function keyWordsOf(keys: RevocationKeys): Int32Array {
  if (keys.words !== null) return keys.words
  const { issuer, tokenId, sessionId } = keys.identity
  const names: RevocationName[] = [
    { kind: 'sub', issuer, value: callerOf(keys.identity) },
    { kind: 'issuer', issuer, value: '' },
  ]
  if (tokenId !== null) names.push({ kind: 'jti', issuer, value: tokenId })
  if (sessionId !== null) names.push({ kind: 'sid', issuer, value: sessionId })
  const words = new Int32Array(names.length * KEY_WORDS)
  names.forEach((name, index) => {
    const digest = hash('sha256', nameText(name), 'buffer')
    for (let word = 0; word < KEY_WORDS; word += 1) {
      words[index * KEY_WORDS + word] = digest.readInt32BE(word * 4)
    }
  })
  keys.words = words
  return words
}

/** The key under which this name is stored. */
export function revocationKey(name: RevocationName): RevocationKey {
  return hash('sha256', nameText(name), 'hex').slice(0, KEY_DIGITS) as RevocationKey
}

/** The key that revokes all that an issuer has issued. */
export function issuerKey(issuer: string): RevocationKey {
  return revocationKey({ kind: 'issuer', issuer, value: '' })
}

/** Whether a text that came from elsewhere is a key. */
export function isRevocationKey(value: unknown): value is RevocationKey {
  return typeof value === 'string' && KEY_PATTERN.test(value)
}

/** Writes the four words of a key into `into`. */
export function unpackKey(key: RevocationKey, into: Int32Array): void {
  const bytes = Buffer.from(key, 'hex')
  for (let byte = 0; byte < KEY_BYTES; byte += 4) into[byte / 4] = bytes.readInt32BE(byte)
}

/** The kind and the length in front keep every two names apart: neither holds a colon. */
function nameText({ kind, issuer, value }: RevocationName): string {
  return `${kind}:${issuer.length}:${issuer}${kind === 'sid' ? sessionName(value) : value}`
}

/** A session can be ended by someone who has only its digest, so the digest is its name. */
function sessionName(value: string): string {
  return SESSION_DIGEST.test(value) ? value : `sha256:${hash('sha256', value, 'hex')}`
}
