/** Which of the two kinds of body a `Content-Type` announces, in which charset (RFC 9110 §8.3). */

export interface BodyType {
  readonly kind: 'json' | 'form'
  /** Whether no byte above 0x7F may be in it. */
  readonly isAscii: boolean
}

const KINDS: ReadonlyMap<string, BodyType['kind']> = new Map([
  ['application/json', 'json'],
  ['application/x-www-form-urlencoded', 'form'],
])

/** Of each charset that may be named, whether it is ASCII. */
const CHARSETS: ReadonlyMap<string, boolean> = new Map([
  ['utf-8', false],
  ['utf8', false],
  ['us-ascii', true],
  ['ascii', true],
])

/** A quoted value with an escape or a `;` in it is none: parsers differ about where it ends. */
const PARAMETER = /^([!#$%&'*+.^_`|~\w-]+)=(?:([!#$%&'*+.^_`|~\w-]+)|"([^"\\]*)")$/

/**
 * Names and charsets count in any case, quoted or not. Parameters other than `charset` are ignored,
 * as services do; without one the charset is UTF-8.
 *
 * @returns `null` for any other media type, any other charset, a charset that comes twice, and a
 *   parameter that is none.
 */
export function bodyType(contentType: string): BodyType | null {
  const [written = '', ...parameters] = contentType.split(';')
  const kind = KINDS.get(written.trim().toLowerCase())
  if (kind === undefined) return null
  let isAscii: boolean | null = null
  for (const parameter of parameters) {
    const text = parameter.trim()
    if (text === '') continue
    const [, name = '', token, quoted] = PARAMETER.exec(text) ?? []
    if (name === '') return null
    // `charset*` is one as well, for those who know RFC 8187.
    if (!name.toLowerCase().startsWith('charset')) continue
    const charset = CHARSETS.get((token ?? quoted ?? '').trim().toLowerCase())
    if (charset === undefined || isAscii !== null) return null
    isAscii = charset
  }
  return { kind, isAscii: isAscii ?? false }
}
