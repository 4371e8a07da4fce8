/** Hot path: finds one cookie in a `Cookie` field, where any number may stand (RFC 6265 §4.2.1). */

const EQUALS_SIGN = 0x3d
const SPACE = 0x20
const TAB = 0x09

/**
 * Index of the first pair of this name at or after `from`, or -1.
 *
 * Names are compared to the letter. The index is that of the name's first character.
 */
export function findCookiePair(field: string, name: string, from: number): number {
  let start = from
  while (start < field.length) {
    while (isBlank(field.charCodeAt(start))) start += 1
    if (field.charCodeAt(start + name.length) === EQUALS_SIGN && field.startsWith(name, start)) {
      return start
    }
    start = pairEnd(field, start) + 1
  }
  return -1
}

/**
 * Whether there is a pair that some reader takes for one of this name: also `name =value`. Express,
 * Python and Go skip the blank, browsers never send one, and it is no credential here.
 */
export function hasReadablePair(field: string, name: string): boolean {
  let start = 0
  while (start < field.length) {
    while (isBlank(field.charCodeAt(start))) start += 1
    if (isReadAs(field, name, start)) return true
    start = pairEnd(field, start) + 1
  }
  return false
}

function isReadAs(field: string, name: string, start: number): boolean {
  if (!field.startsWith(name, start)) return false
  let end = start + name.length
  while (isBlank(field.charCodeAt(end))) end += 1
  return field.charCodeAt(end) === EQUALS_SIGN
}

/** Index of the `;` that ends the pair which begins at `start`, or the length of the field. */
export function pairEnd(field: string, start: number): number {
  const semicolon = field.indexOf(';', start)
  return semicolon === -1 ? field.length : semicolon
}

/** The value of the pair at `start`, without blanks at its end. Quotes stay: see token-value.ts. */
export function cookieValue(field: string, name: string, start: number): string {
  const first = start + name.length + 1
  let end = pairEnd(field, start)
  while (end > first && isBlank(field.charCodeAt(end - 1))) end -= 1
  return field.slice(first, end)
}

/**
 * The field without any pair that {@link hasReadablePair} finds; empty when nothing else is in it.
 * The other pairs keep their spelling and order. One pass, however many pairs there are.
 */
export function withoutCookie(field: string, name: string): string {
  let kept = ''
  let start = 0
  while (start < field.length) {
    while (isBlank(field.charCodeAt(start))) start += 1
    const end = pairEnd(field, start)
    if (end > start && !isReadAs(field, name, start)) {
      kept += kept === '' ? field.slice(start, end) : `; ${field.slice(start, end)}`
    }
    start = end + 1
  }
  return kept
}

function isBlank(code: number): boolean {
  return code === SPACE || code === TAB
}
