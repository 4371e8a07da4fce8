/**
 * Brings the path of a request target into its one canonical spelling, or refuses it.
 *
 * Hot path: one pass over the char codes; a path that is canonical already comes back as the same
 * string object.
 *
 * The path that is matched is the path that is sent. So what an upstream might read differently
 * from the matcher (encoded separators, dot segments, empty segments, parameters behind dots) is
 * refused, and what everybody reads alike is rewritten (`%75` to `u`, hex digits to upper case), so
 * that `/%75sers` cannot slip past a route for `/users`.
 *
 * Two of the refused forms have honest uses: `/@scope%2Fname` of npm and `/api/queues/%2F/name`
 * of RabbitMQ, `/bucket//key` of object stores. A route may keep them (routing/match-route.ts): an
 * encoded slash is then data within its segment, and an empty segment is one.
 */

const ASCII_SIZE = 128

/** Forms of paths that a route may keep; as bits, because a path may have both. */
export const NO_FORMS = 0
export const ENCODED_SLASHES = 1
export const EMPTY_SEGMENTS = 2

const CODE_DOT = 0x2e
const CODE_SLASH = 0x2f
const CODE_SEMICOLON = 0x3b
const CODE_BACKSLASH = 0x5c
const CODE_SPACE = 0x20
const CODE_DELETE = 0x7f

/** What a raw character of a path calls for. */
const REFUSED = 0
const PLAIN = 1
const ENCODED = 2
/** `/` or `;`: a segment, or the name of one, ends here. */
const ENDS_NAME = 3

const CHARACTER_KIND: Uint8Array = buildTable((character, code) => {
  if (code <= CODE_SPACE || code === CODE_DELETE) return REFUSED
  if ('#?\\'.includes(character)) return REFUSED
  if (character === '%') return ENCODED
  return character === '/' || character === ';' ? ENDS_NAME : PLAIN
})

/** The unreserved characters of RFC 3986 §2.3; the dot is missing because `%2E` is refused. */
const IS_UNRESERVED: Uint8Array = buildTable((character) =>
  /[A-Za-z0-9\-_~]/.test(character) ? 1 : 0,
)

const NO_HEX_DIGIT = 0xff
const HEX_VALUE: Uint8Array = buildTable((character) =>
  /[0-9A-Fa-f]/.test(character) ? Number.parseInt(character, 16) : NO_HEX_DIGIT,
)

function buildTable(entry: (character: string, code: number) => number): Uint8Array {
  return Uint8Array.from({ length: ASCII_SIZE }, (_, code) =>
    entry(String.fromCharCode(code), code),
  )
}

/**
 * The canonical spelling of a path: RFC 3986 §6.2.2.1 and §6.2.2.2, without removing dot segments.
 *
 * Refused: a path that does not start with `/`; control and non-ASCII characters, space, `#`, `?`,
 * `\`; malformed percent-encoding; an encoded slash, backslash, dot or control character; empty
 * segments, except that a path may end in `/`; and segments whose name, up to the first `;`, is
 * empty, `.` or `..`, whether that semicolon is encoded or not.
 *
 * Not checked: the length; that encoded bytes from 0x80 form UTF-8; encodings within encodings
 * (`%252F` is a segment that reads `%2F`). Reserved characters keep the form they came in (§2.2).
 *
 * @returns `null` when the path is refused.
 */
export function canonicalPath(path: string): string | null {
  return canonicalPathWith(path, NO_FORMS)
}

/**
 * The same where some forms pass. An encoded slash and an empty segment are then left as they are.
 * What stands between encoded slashes may be empty, but is never `.` or `..`, nor empty in front of
 * a `;`.
 *
 * @param kept {@link ENCODED_SLASHES} and {@link EMPTY_SEGMENTS}, as bits.
 */
export function canonicalPathWith(path: string, kept: number): string | null {
  if (path.charCodeAt(0) !== CODE_SLASH) return null
  const verdict = classifyPath(path, kept)
  if (verdict === REFUSED) return null
  return verdict === PLAIN ? path : rewriteEncodings(path)
}

/** Which of the forms above a canonical path has. */
export function pathForms(path: string): number {
  const slashes = path.includes('%2F') ? ENCODED_SLASHES : NO_FORMS
  return path.includes('//') ? slashes | EMPTY_SEGMENTS : slashes
}

/** `PLAIN` when the path is canonical, `ENCODED` when encodings need rewriting, else `REFUSED`. */
function classifyPath(path: string, kept: number): number {
  let segmentStart = 1
  let verdict = PLAIN
  for (let index = 1; index < path.length; index += 1) {
    const code = path.charCodeAt(index)
    const kind = kindOf(code)
    if (kind === PLAIN) continue
    const kindHere = classifyCharacter(path, index, kind, segmentStart, kept)
    if (kindHere === REFUSED) return REFUSED
    if (kindHere === ENCODED) verdict = ENCODED
    if (code === CODE_SLASH) segmentStart = index + 1
    else if (kind === ENCODED) {
      segmentStart = startBehind(path, index, segmentStart, kept)
      index += 2
    }
  }
  // An empty name at the very end is the trailing slash, which is allowed.
  if (segmentStart === path.length) return verdict
  return isDotsOrEmpty(path, segmentStart, path.length) ? REFUSED : verdict
}

function kindOf(code: number): number {
  return code < ASCII_SIZE ? (CHARACTER_KIND[code] ?? REFUSED) : REFUSED
}

/** As {@link classifyPath}, of one character that is not plain. */
function classifyCharacter(
  path: string,
  index: number,
  kind: number,
  segmentStart: number,
  kept: number,
): number {
  if (kind === REFUSED) return REFUSED
  if (kind === ENDS_NAME) {
    if (!isDotsOrEmpty(path, segmentStart, index)) return PLAIN
    return kept !== NO_FORMS && isKeptEnd(path, index, segmentStart, kept) ? PLAIN : REFUSED
  }
  const byte = encodedByte(path, index)
  if (isRefusedWhenEncoded(byte)) {
    const isKept = byte === CODE_SLASH && (kept & ENCODED_SLASHES) !== 0
    if (!isKept || isDots(path, segmentStart, index)) return REFUSED
  }
  // An upstream may decode first and cut off path parameters then.
  if (byte === CODE_SEMICOLON && isDotsOrEmpty(path, segmentStart, index)) return REFUSED
  return isCanonicalEncoding(path, index, byte) ? PLAIN : ENCODED
}

/**
 * Whether a raw query may be sent on: visible ASCII without `#`.
 *
 * Hot path. Does not check the percent-encoding: a query is not matched, and upstreams differ in
 * what they accept there.
 */
export function isAcceptableQuery(query: string): boolean {
  for (let index = 0; index < query.length; index += 1) {
    const code = query.charCodeAt(index)
    if (code <= CODE_SPACE || code >= CODE_DELETE || code === 0x23) return false
  }
  return true
}

/** Whether a name from `start` to `end` is empty, `.` or `..`. */
function isDotsOrEmpty(path: string, start: number, end: number): boolean {
  if (end - start > 2) return false
  for (let index = start; index < end; index += 1) {
    if (path.charCodeAt(index) !== CODE_DOT) return false
  }
  return true
}

/**
 * Whether a slash may end the empty name in front of it: one between two slashes, or what is left
 * of a segment behind an encoded slash.
 */
function isKeptEnd(path: string, index: number, segmentStart: number, kept: number): boolean {
  if (index !== segmentStart || path.charCodeAt(index) !== CODE_SLASH) return false
  if (path.charCodeAt(index - 1) !== CODE_SLASH) return true
  return (kept & EMPTY_SEGMENTS) !== 0
}

function isDots(path: string, start: number, end: number): boolean {
  return end > start && isDotsOrEmpty(path, start, end)
}

/** An encoded slash ends what may not be dots, as a slash does. */
function startBehind(path: string, index: number, segmentStart: number, kept: number): number {
  if (kept === NO_FORMS) return segmentStart
  return encodedByte(path, index) === CODE_SLASH ? index + 3 : segmentStart
}

/** The byte that the three characters at `index` stand for; -1 when they are no encoding. */
function encodedByte(path: string, index: number): number {
  const high = hexValue(path, index + 1)
  const low = hexValue(path, index + 2)
  return high === NO_HEX_DIGIT || low === NO_HEX_DIGIT ? -1 : high * 16 + low
}

function hexValue(path: string, index: number): number {
  if (index >= path.length) return NO_HEX_DIGIT
  const code = path.charCodeAt(index)
  return code < ASCII_SIZE ? (HEX_VALUE[code] ?? NO_HEX_DIGIT) : NO_HEX_DIGIT
}

/** True also for -1, which stands for a malformed encoding. */
function isRefusedWhenEncoded(byte: number): boolean {
  if (byte < CODE_SPACE || byte === CODE_DELETE) return true
  return byte === CODE_DOT || byte === CODE_SLASH || byte === CODE_BACKSLASH
}

function isCanonicalEncoding(path: string, index: number, byte: number): boolean {
  if (byte < ASCII_SIZE && IS_UNRESERVED[byte] === 1) return false
  return !isLowerCaseLetter(path, index + 1) && !isLowerCaseLetter(path, index + 2)
}

function isLowerCaseLetter(path: string, index: number): boolean {
  return path.charCodeAt(index) >= 0x61
}

/** Rewrites a path all of whose encodings are well-formed. Rare, so it may build strings. */
function rewriteEncodings(path: string): string {
  let result = ''
  let copied = 0
  for (let index = path.indexOf('%'); index !== -1; index = path.indexOf('%', index + 3)) {
    const byte = encodedByte(path, index)
    const isUnreserved = byte < ASCII_SIZE && IS_UNRESERVED[byte] === 1
    const spelling = path.slice(index, index + 3).toUpperCase()
    result += path.slice(copied, index) + (isUnreserved ? String.fromCharCode(byte) : spelling)
    copied = index + 3
  }
  return result + path.slice(copied)
}
