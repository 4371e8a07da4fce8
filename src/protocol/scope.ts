/** Scopes as tokens carry them (RFC 6749 §3.3; an array as some issuers write it). */

const NO_SCOPES: readonly string[] = Object.freeze([])
const SPACE = 0x20

/**
 * Reads a scope claim: a string of scope-tokens with spaces between, or an array of scope-tokens.
 *
 * Tolerates surplus spaces, which issuers emit and which can mean nothing else. Does *not* remove
 * duplicates.
 *
 * @returns `null` when the value is of another type, or holds a character that a scope-token
 *   cannot have (control, quote, backslash, anything beyond ASCII).
 */
export function parseScope(value: unknown): readonly string[] | null {
  if (typeof value === 'string') return splitScope(value)
  if (!Array.isArray(value)) return null
  for (const member of value) {
    if (typeof member !== 'string' || !isScopeToken(member)) return null
  }
  return value as readonly string[]
}

function splitScope(scope: string): readonly string[] | null {
  if (scope === '') return NO_SCOPES
  const tokens: string[] = []
  let start = 0
  for (let index = 0; index <= scope.length; index += 1) {
    if (index < scope.length && scope.charCodeAt(index) !== SPACE) continue
    if (index > start) {
      const token = scope.slice(start, index)
      if (!isScopeToken(token)) return null
      tokens.push(token)
    }
    start = index + 1
  }
  return tokens
}

/** `1*( %x21 / %x23-5B / %x5D-7E )` */
function isScopeToken(token: string): boolean {
  for (let index = 0; index < token.length; index += 1) {
    const code = token.charCodeAt(index)
    if (code < 0x21 || code > 0x7e || code === 0x22 || code === 0x5c) return false
  }
  return token.length > 0
}
