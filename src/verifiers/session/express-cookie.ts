/** The signed cookie of express-session: `s:<id>.<signature>`, percent-encoded. */
import { createHmac, type KeyObject, timingSafeEqual } from 'node:crypto'

const SIGNED_PREFIX = 's:'

/**
 * The id that one of these secrets has signed: HMAC-SHA-256, base64 without padding, compared in
 * constant time with each.
 *
 * @returns `null` when the value has another form, or was signed with none of the secrets.
 */
export function readExpressCookie(value: string, secrets: readonly KeyObject[]): string | null {
  const decoded = percentDecoded(value)
  if (decoded === null || !decoded.startsWith(SIGNED_PREFIX)) return null
  const dot = decoded.lastIndexOf('.')
  if (dot < SIGNED_PREFIX.length) return null
  const id = decoded.slice(SIGNED_PREFIX.length, dot)
  const given = Buffer.from(decoded.slice(dot + 1), 'utf8')
  let isSigned = false
  for (const secret of secrets) {
    const text = createHmac('sha256', secret).update(id).digest('base64').replace(/=+$/, '')
    const expected = Buffer.from(text, 'utf8')
    if (expected.length === given.length && timingSafeEqual(expected, given)) isSigned = true
  }
  return isSigned ? id : null
}

function percentDecoded(value: string): string | null {
  if (!value.includes('%')) return value
  try {
    return decodeURIComponent(value)
  } catch {
    return null
  }
}
