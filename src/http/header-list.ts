/**
 * Header fields as one flat list, name then value: the shape in which they travel from the socket
 * to the upstream (RFC 9110 §5), without an object or a lookup table per request.
 */

/** `[name, value, name, value, …]`. Names of requests are lower case; order is arrival order. */
export type HeaderList = readonly string[]

/** What looking for a place gives when there is none. */
export const NOWHERE = -1

/**
 * Hot path: the value of the one field of this name; `null` when there is none, and when there are
 * several where one is meant: an upstream may pick another one than we would.
 *
 * @param name In lower case.
 */
export function fieldValue(headers: HeaderList, name: string): string | null {
  let found: string | null = null
  for (let index = 0; index < headers.length; index += 2) {
    if (headers[index] !== name) continue
    if (found !== null) return null
    found = headers[index + 1] ?? null
  }
  return found
}

/** @param name In lower case. */
export function hasField(headers: HeaderList, name: string): boolean {
  for (let index = 0; index < headers.length; index += 2) {
    if (headers[index] === name) return true
  }
  return false
}

/**
 * Hot path: where the last field of this name before a place is, for lists that proxies append to;
 * {@link NOWHERE} when there is none.
 *
 * @param name In lower case.
 * @param place Of a name, or the length of the list.
 */
export function fieldBefore(headers: HeaderList, name: string, place: number): number {
  for (let index = place - 2; index >= 0; index -= 2) {
    if (headers[index] === name) return index
  }
  return NOWHERE
}

/**
 * The fields as text that follows others: CRLF and `name: value` for each. One flat string, because
 * it is made once and sent often. Does *not* check that a value holds no CR or LF.
 */
export function fieldLines(headers: HeaderList): string {
  const pieces: string[] = []
  for (let index = 0; index + 1 < headers.length; index += 2) {
    pieces.push('\r\n', headers[index] as string, ': ', headers[index + 1] as string)
  }
  return pieces.join('')
}

/** Repeated fields mean the same as one with a list (RFC 9110 §5.3); empty ones count for none. */
export function joinedValues(headers: HeaderList, name: string): string {
  let joined = ''
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const value = headers[index + 1] as string
    if (headers[index] === name && value !== '')
      joined = joined === '' ? value : `${joined}, ${value}`
  }
  return joined
}

/** Whether a value that is a list has this word, in any case. Splits: not for every request. */
export function listHas(value: string, word: string): boolean {
  return value.split(',').some((entry) => entry.trim().toLowerCase() === word)
}
