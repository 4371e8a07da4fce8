/**
 * Field values with bytes beyond ASCII (`obs-text`, RFC 9110 §5.5), as one character a byte.
 *
 * The native parser shows them in two ways: one decodes UTF-8 and replaces what is none, the other
 * gives a character for each byte, but only of the first field of a name. What neither shows
 * unchanged is refused.
 *
 * Not seen by either: such bytes at the ends of a value, which the parser cuts off.
 */
import type { HeaderList } from '../http/header-list.ts'

/** Stands in the first view for bytes that are no UTF-8. */
const REPLACED = '\ufffd'
const BEYOND_ASCII = /[^\0-\x7f]/
/** Visible ASCII, space and tab, and all beyond ASCII. */
const OPAQUE = /^[\t\x20-\x7e\x80-\uffff]*$/

/** Whether a decoded value has no control characters but tabs. */
export function isOpaqueText(value: string): boolean {
  return OPAQUE.test(value)
}

/**
 * The fields with one character a byte, and how many bytes more these are than characters were
 * before; `null` when a value cannot be told.
 *
 * @param decoded Values as UTF-8 was decoded.
 * @param firstBytes Of the first field of that name, one character a byte.
 */
export function opaqueFields(
  decoded: HeaderList,
  firstBytes: (name: string) => string,
): { readonly headers: string[]; readonly moreBytes: number } | null {
  const headers: string[] = []
  let moreBytes = 0
  for (let index = 0; index + 1 < decoded.length; index += 2) {
    const name = decoded[index] ?? ''
    const value = decoded[index + 1] ?? ''
    const bytes = BEYOND_ASCII.test(value) ? bytesOf(decoded, name, value, firstBytes) : value
    if (bytes === null) return null
    headers.push(name, bytes)
    moreBytes += bytes.length - value.length
  }
  return { headers, moreBytes }
}

function bytesOf(
  decoded: HeaderList,
  name: string,
  value: string,
  firstBytes: (name: string) => string,
): string | null {
  if (!value.includes(REPLACED)) return Buffer.from(value, 'utf8').toString('latin1')
  const isAlone = decoded.filter((it, index) => index % 2 === 0 && it === name).length === 1
  if (!isAlone) return null
  const bytes = firstBytes(name)
  return Buffer.from(bytes, 'latin1').toString('utf8') === value ? bytes : null
}
