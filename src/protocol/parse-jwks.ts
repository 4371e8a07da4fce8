/** Parses a JWK Set document (RFC 7517 §5): usable keys, and what was left out and why. */
import type { JwsAlgorithm } from './jws-algorithms.ts'
import { type ParsedKey, parseJwk, type SkipReason } from './parse-jwk.ts'
import { parseJsonDocument } from './strict-json.ts'

/** A document of 100 keys of 4096 bits with certificates stays well below. */
export const JWKS_BYTES_MAX = 256 * 1_024
export const JWKS_KEYS_MAX = 100

export interface SkippedKey {
  /** Place in `keys`, from 0. */
  readonly index: number
  /** `kid` if it was acceptable as one. */
  readonly keyId: string | null
  readonly reason: SkipReason
}

/**
 * Why a document as a whole is refused:
 * - `too_large`: more than {@link JWKS_BYTES_MAX}.
 * - `not_json`: not UTF-8, not JSON, or JSON that repeats a member name (RFC 7517 §4).
 * - `not_a_key_set`: no array called `keys`.
 * - `too_many_keys`: more than {@link JWKS_KEYS_MAX}, usable or not.
 */
export type JwksRefusal = 'too_large' | 'not_json' | 'not_a_key_set' | 'too_many_keys'

export type ParsedJwks =
  | {
      readonly ok: true
      /** In the order of the document; may be empty. */
      readonly keys: readonly ParsedKey[]
      readonly skipped: readonly SkippedKey[]
    }
  | { readonly ok: false; readonly reason: JwksRefusal }

/**
 * Reads a JWK Set. Pure, and never throws, whatever the bytes are.
 *
 * What holds for the result: every key is public, strong enough and fit for every algorithm it
 * lists; and a `kid` together with an algorithm, and the `issuer` of the key where it has one,
 * names at most one key. Where a document uses one `kid` twice, the earlier key keeps the
 * algorithms that both could serve. RFC 7517 §4.5 allows the same `kid` for equivalent keys of
 * different types, so a later key stays for what is left. Either key comes from the issuer, so the
 * choice cannot let a forgery in; it only has to be the same for every thread and for every fetch.
 *
 * @param permitted What the configuration accepts from this issuer.
 */
export function parseJwks(document: Uint8Array, permitted: readonly JwsAlgorithm[]): ParsedJwks {
  if (document.byteLength > JWKS_BYTES_MAX) return { ok: false, reason: 'too_large' }
  const json = parseJsonDocument(document)
  if (json === undefined) return { ok: false, reason: 'not_json' }
  const entries = keysMember(json)
  if (entries === null) return { ok: false, reason: 'not_a_key_set' }
  if (entries.length > JWKS_KEYS_MAX) return { ok: false, reason: 'too_many_keys' }

  const keys: ParsedKey[] = []
  const skipped: SkippedKey[] = []
  for (const [index, entry] of entries.entries()) {
    const parsed = parseJwk(entry, permitted)
    if (!parsed.ok) {
      skipped.push({ index, keyId: parsed.keyId, reason: parsed.reason })
      continue
    }
    const key = withoutTaken(parsed.key, keys)
    if (key === null) {
      skipped.push({ index, keyId: parsed.key.keyId, reason: 'duplicate_key_id' })
    } else {
      keys.push(key)
    }
  }
  return { ok: true, keys, skipped }
}

function keysMember(json: unknown): readonly unknown[] | null {
  if (typeof json !== 'object' || json === null || !Object.hasOwn(json, 'keys')) return null
  const { keys } = json as { readonly keys: unknown }
  return Array.isArray(keys) ? keys : null
}

/** The key without the algorithms that earlier keys of its `kid` serve; `null` if none is left. */
function withoutTaken(key: ParsedKey, earlier: readonly ParsedKey[]): ParsedKey | null {
  const rivals = earlier.filter(
    (other) =>
      key.issuer === other.issuer &&
      // Without a `kid` there is nothing to tell keys apart by: all stay, but each only once.
      (key.keyId === null ? isSameKey(key, other) : key.keyId === other.keyId),
  )
  const algorithms = key.algorithms.filter(
    (algorithm) => !rivals.some((other) => other.algorithms.includes(algorithm)),
  )
  return algorithms.length === 0 ? null : { ...key, algorithms }
}

function isSameKey(key: ParsedKey, other: ParsedKey): boolean {
  return other.keyId === null && key.thumbprint === other.thumbprint
}
