/**
 * A token in the query string (RFC 6750 §2.3), for routes that insist on it.
 *
 * What stands behind the gateway decides what a name means, so a parameter is found in every
 * spelling that some server reads as that name:
 *
 * - percent-encoded, `+` for a space, `%u005f` (classic ASP),
 * - in upper or lower case (ASP.NET ignores case),
 * - with brackets around or behind it (PHP, Rails, qs: `name[]`, `name[0]`, `[name]`),
 * - with a dot, a space or an open bracket for `_`, spaces before it, a NUL behind it (PHP),
 * - between `;` instead of `&` (older Java, Python and Perl),
 * - behind a question mark: `URLSearchParams` takes one off the query, and `/a??b` has two.
 *
 * A second spelling is therefore a second credential, and none of them goes upstream. Values are
 * left as they are written: credentials/token-value.ts reads those of tokens.
 */

const AMPERSAND = 0x26
const SEMICOLON = 0x3b
const EQUALS_SIGN = 0x3d

/** Start of the first pair of this name at or after `from`, or -1. */
export function findParameter(query: string, name: string, from: number): number {
  let start = from
  while (start < query.length) {
    const end = parameterEnd(query, start)
    if (isNamed(query, start, nameEnd(query, start, end), name)) return start
    start = end + 1
  }
  return -1
}

/** Index of the `&` or `;` that ends the pair, or the length of the query. */
export function parameterEnd(query: string, start: number): number {
  for (let index = start; index < query.length; index += 1) {
    const code = query.charCodeAt(index)
    if (code === AMPERSAND || code === SEMICOLON) return index
  }
  return query.length
}

/** The raw value of the pair at `start`; empty when it has none. */
export function parameterValue(query: string, start: number): string {
  const end = parameterEnd(query, start)
  return query.slice(nameEnd(query, start, end) + 1, end)
}

/** The query without any pair of this name; everything else stays as it is written. */
export function withoutParameter(query: string, name: string): string {
  if (findParameter(query, name, 0) === -1) return query
  let kept = ''
  let isFirst = true
  let start = 0
  while (start <= query.length) {
    const end = parameterEnd(query, start)
    if (!isNamed(query, start, nameEnd(query, start, end), name)) {
      kept += query.slice(isFirst ? start : start - 1, end)
      isFirst = false
    }
    start = end + 1
  }
  return kept
}

/** Index of the first `=` of the pair, or its end. */
function nameEnd(query: string, start: number, end: number): number {
  for (let index = start; index < end; index += 1) {
    if (query.charCodeAt(index) === EQUALS_SIGN) return index
  }
  return end
}

function isNamed(query: string, start: number, end: number, name: string): boolean {
  // The usual cases first: the very name, and one that is too short to be any spelling of it.
  if (end - start === name.length && query.startsWith(name, start)) return true
  if (end - start < name.length) return false
  const written = decoded(withoutMarks(query.slice(start, end)))
  const wanted = parameterKey(name)
  return parameterKey(written) === wanted || parameterKey(innerName(written)) === wanted
}

/** At any place: without what is in front of it, a pair comes to stand at the beginning. */
function withoutMarks(name: string): string {
  return name.replace(/^\?+/, '')
}

/** The first name of a nested one: `a` of `a[b]`, `a[]`, `[a]`. */
function innerName(name: string): string {
  return name.split(/[[\]]/).find((part) => part !== '') ?? ''
}

/** One form for all spellings that a lenient server takes for one name. */
export function parameterKey(name: string): string {
  const [visible = ''] = name.split('\0', 1)
  return visible.trimStart().toLowerCase().replace(/[.[ ]/g, '_')
}

/** Decodes what is an escape and leaves the rest, as lenient parsers do. */
function decoded(name: string): string {
  return name
    .replaceAll('+', ' ')
    .replace(/%u00([0-7][0-9a-f])|%([0-7][0-9a-f])/gi, (_, wide?: string, narrow?: string) =>
      String.fromCharCode(Number.parseInt(wide ?? narrow ?? '', 16)),
    )
}
