/**
 * Keys in the form in which `node:crypto` takes them at the least cost.
 *
 * Node 24 finds out what a key is by trying, and throws and catches errors within each call for
 * whatever is no `KeyObject`: 10 µs (native-bench/signature-backends.ts), as much as half of an RSA
 * signature costs and four times an HMAC. The bytes of a secret are no `KeyObject`, and neither is
 * `{ key, padding }`. Node 20 and 22 do not care.
 */
import type { KeyObject } from 'node:crypto'

/**
 * The key with options of signing or verifying on it, and itself as `key`: a Node that looks for a
 * `KeyObject` first finds one and reads the options from it, and one that looks for options finds
 * them in their documented form. Changes the key, which must be the caller's own.
 */
export function keyWithOptions<Options extends object>(
  key: KeyObject,
  options: Options,
): KeyObject & Options & { readonly key: KeyObject } {
  return Object.assign(key, options, { key })
}
