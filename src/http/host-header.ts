/** The syntax of the `Host` header field (RFC 9110 §7.2), as far as this gateway accepts it. */

const CODE_COLON = 0x3a
const CODE_OPENING_BRACKET = 0x5b
const CODE_DOT = 0x2e
const CODE_ZERO = 0x30
const CODE_NINE = 0x39

/** RFC 1035 §2.3.4; also more than any IP literal needs. */
const HOST_LENGTH_MAX = 255
const PORT_DIGITS_MAX = 5

/**
 * A name or an IPv4 address. Sub-delimiters and percent-encoding, which no host has, are refused.
 */
const HOST_CHARACTER: Uint8Array = Uint8Array.from({ length: 128 }, (_, code) =>
  /[A-Za-z0-9\-._]/.test(String.fromCharCode(code)) ? 1 : 0,
)
const IPV6_CHARACTER: Uint8Array = Uint8Array.from({ length: 128 }, (_, code) =>
  /[0-9A-Fa-f:.]/.test(String.fromCharCode(code)) ? 1 : 0,
)

/**
 * The host part of `host[:port]`, in lower case and without a dot at its end; an IPv6 address keeps
 * its brackets.
 *
 * Does not check that labels or addresses make sense, nor that the port is a possible one.
 *
 * @returns `null` when the value is no `host[:port]`.
 */
export function hostWithoutPort(authority: string): string | null {
  const isBracketed = authority.charCodeAt(0) === CODE_OPENING_BRACKET
  const hostEnd = isBracketed ? authority.indexOf(']') + 1 : plainHostEnd(authority)
  if (hostEnd < 1 || hostEnd > HOST_LENGTH_MAX) return null
  const isHost = isBracketed
    ? hostEnd > 3 && consistsOf(IPV6_CHARACTER, authority, 1, hostEnd - 1)
    : consistsOf(HOST_CHARACTER, authority, 0, hostEnd)
  if (!isHost || !(hostEnd === authority.length || isPort(authority, hostEnd))) return null
  // The dot of the root says nothing, and a route for a host must not be missed because of it.
  const isRooted = hostEnd > 1 && authority.charCodeAt(hostEnd - 1) === CODE_DOT
  return authority.slice(0, isRooted ? hostEnd - 1 : hostEnd).toLowerCase()
}

function plainHostEnd(authority: string): number {
  const colon = authority.indexOf(':')
  return colon === -1 ? authority.length : colon
}

function consistsOf(table: Uint8Array, text: string, start: number, end: number): boolean {
  for (let index = start; index < end; index += 1) {
    // Beyond the table there is `undefined`, which is not 1 either.
    if (table[text.charCodeAt(index)] !== 1) return false
  }
  return true
}

/** Whether a colon and one to five digits stand from there to the end. */
export function isPort(text: string, colon: number): boolean {
  const digits = text.length - colon - 1
  if (text.charCodeAt(colon) !== CODE_COLON) return false
  if (digits < 1 || digits > PORT_DIGITS_MAX) return false
  for (let index = colon + 1; index < text.length; index += 1) {
    const code = text.charCodeAt(index)
    if (code < CODE_ZERO || code > CODE_NINE) return false
  }
  return true
}
