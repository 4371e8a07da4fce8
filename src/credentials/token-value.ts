/**
 * Hot path: the token in the value of a cookie or a query parameter, where frameworks write it
 * encoded, quoted, or with its scheme.
 *
 * A value is decoded once, and only to visible ASCII and spaces: what is encoded twice, or is no
 * encoding of those, keeps a percent sign, and is no token then (bearer-token.ts). Most values have
 * none, and come back as they are.
 */
import { hasScheme, textAfterScheme } from './bearer-token.ts'

const QUOTE = 0x22
const SPACE = 0x20
const LAST_VISIBLE = 0x7e

/** Of `Bearer`, which some applications store with the token. */
const BEARER = 'bearer'

/** One percent-encoding (RFC 3986 §2.1). */
const ENCODING = /%[0-9A-Fa-f]{2}/g

/**
 * The token in the value of a cookie: without the quotes around it (RFC 6265 §4.1.1), decoded, and
 * without `Bearer ` in front. Empty when nothing follows that.
 */
export function tokenOfCookie(value: string): string {
  const decoded = decodedOnce(withoutQuotes(value))
  if (!hasScheme(decoded, BEARER)) return decoded
  return textAfterScheme(decoded, BEARER.length) ?? ''
}

/** The token in the raw value of a query parameter, decoded. A plus sign stays one. */
export function tokenOfParameter(value: string): string {
  return decodedOnce(value)
}

function withoutQuotes(value: string): string {
  const last = value.length - 1
  if (last < 1 || value.charCodeAt(0) !== QUOTE || value.charCodeAt(last) !== QUOTE) return value
  return value.slice(1, last)
}

/** What cannot be decoded stays: with a percent sign in it, it is no token. */
function decodedOnce(value: string): string {
  return value.includes('%') ? value.replace(ENCODING, decodedCharacter) : value
}

function decodedCharacter(written: string): string {
  const code = Number.parseInt(written.slice(1), 16)
  return code >= SPACE && code <= LAST_VISIBLE ? String.fromCharCode(code) : written
}
