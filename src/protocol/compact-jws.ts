/** The JWS compact serialization (RFC 7515 §7.1): three base64url segments, read strictly. */

/** Where the parts of a token are. Segments are still encoded. */
export interface CompactJws {
  readonly protectedHeader: string
  readonly payload: string
  /** Length of the decoded signature. Never 0. */
  readonly signatureBytes: number
}

/**
 * The form of a token, tested by machine code that V8 makes of it; a loop over `charCodeAt` takes
 * three times as long (native-bench/compact-jws.ts). Linear: no class contains the dot.
 */
const THREE_SEGMENTS = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/

/**
 * Characters that may end a segment, by its length modulo 4: those whose bits beyond the last
 * whole byte are zero. A remainder of one character is no byte at all.
 */
const LAST_CHARACTERS = [null, '', 'AQgw', 'AEIMQUYcgkosw048'] as const

/** A JSON object in base64url, and a dot: the header of any JWS or JWE, white space included. */
const JOSE_HEADER = /^e[3wy][A-Za-z0-9_-]*\./

/**
 * Whether a text can be nothing but a JWT, however bad a one. API keys do not begin so, unless they
 * are made to.
 */
export function hasJoseForm(text: string): boolean {
  return JOSE_HEADER.test(text)
}

/**
 * Splits a token into its segments.
 *
 * Promises that there are exactly three, none empty, each in unpadded base64url whose unused
 * trailing bits are zero: a token has one spelling only, so a client cannot make a second token
 * with another digest out of a good one. Does *not* bound the length (the caller has), does not
 * decode.
 *
 * @returns `null` when the token is anything else, a JWE (five segments) included.
 */
export function parseCompactJws(token: string): CompactJws | null {
  if (!THREE_SEGMENTS.test(token)) return null
  const headerEnd = token.indexOf('.')
  const payloadEnd = token.indexOf('.', headerEnd + 1)
  if (
    !hasCanonicalEnd(token, 0, headerEnd) ||
    !hasCanonicalEnd(token, headerEnd + 1, payloadEnd) ||
    !hasCanonicalEnd(token, payloadEnd + 1, token.length)
  ) {
    return null
  }
  return {
    protectedHeader: token.slice(0, headerEnd),
    payload: token.slice(headerEnd + 1, payloadEnd),
    signatureBytes: Math.floor(((token.length - payloadEnd - 1) * 3) / 4),
  }
}

/** Whether no bits hide behind the last byte of a segment (RFC 4648 §3.5). */
function hasCanonicalEnd(token: string, start: number, end: number): boolean {
  const allowed = LAST_CHARACTERS[(end - start) % 4] ?? null
  return allowed === null || allowed.includes(token.charAt(end - 1))
}
