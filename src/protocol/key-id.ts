/** The `kid` of a key and of a token: one grammar, so that whatever one may say the other may. */

/** Longest `kid` that is looked up (RFC 7515 §4.1.4 sets no limit). */
const KEY_ID_LENGTH_MAX = 256

/** Whether it is 1 to {@link KEY_ID_LENGTH_MAX} printable ASCII characters, spaces included. */
export function isKeyId(value: unknown): value is string {
  if (typeof value !== 'string') return false
  if (value.length === 0 || value.length > KEY_ID_LENGTH_MAX) return false
  for (let index = 0; index < value.length; index += 1) {
    const code = value.charCodeAt(index)
    if (code < 0x20 || code > 0x7e) return false
  }
  return true
}
