/**
 * Header fields as one flat list, name then value: the shape in which they travel from the socket
 * to the upstream (RFC 9110 §5), without an object or a lookup table per request.
 */

/** `[name, value, name, value, …]`. Names of requests are lower case; order is arrival order. */
export type HeaderList = readonly string[]

/**
 * Hot path: the value of the first field of this name, or `null`.
 *
 * Does *not* notice repeated fields; use {@link countFields} where a repetition matters.
 *
 * @param name In lower case.
 */
export function fieldValue(headers: HeaderList, name: string): string | null {
  for (let index = 0; index < headers.length; index += 2) {
    if (headers[index] === name) return headers[index + 1] ?? null
  }
  return null
}

/** How many fields have this lower-case name. */
export function countFields(headers: HeaderList, name: string): number {
  let count = 0
  for (let index = 0; index < headers.length; index += 2) {
    if (headers[index] === name) count += 1
  }
  return count
}
