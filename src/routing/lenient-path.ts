/**
 * How a lenient upstream might read a path that we leave as it is.
 *
 * The path that is matched is the path that is sent, but an upstream may cut off path parameters
 * (`/admin;x/y` read as `/admin/y`) or decode reserved characters (`%40` read as `@`) before it
 * looks. Where such a reading belongs to another route, the request is ambiguous.
 */

const SEMICOLON = 0x3b
const PERCENT = 0x25

/** Hot path: whether there is another way to read this path at all. Hardly any path has one. */
export function isReadDifferently(path: string): boolean {
  for (let index = 1; index < path.length; index += 1) {
    const code = path.charCodeAt(index)
    if (code === SEMICOLON || code === PERCENT) return true
  }
  return false
}

/** Encoded printable ASCII; everything that would change the structure was refused before. */
const ENCODED_ASCII = /%([2-7][0-9A-F])/g
const PARAMETERS = /;[^/]*/g

/** The path decoded once, without path parameters. For comparing, never for sending. */
export function lenientPath(path: string): string {
  return path
    .replace(ENCODED_ASCII, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)))
    .replace(PARAMETERS, '')
}
