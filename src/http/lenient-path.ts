/**
 * How lenient servers might read a path that we leave as it is.
 *
 * The path that is matched is the path that is sent, but a server behind may ignore case, cut off
 * path parameters (`/admin;x/y` read as `/admin/y`, or as `/admin`), decode once more than it
 * should (`%2561` read as `a`), or drop dots and spaces at the end of a name. Where such a reading
 * belongs to another route, or names another tenant, the request is ambiguous.
 *
 * Two ways of reading make all the difference, and both are tried:
 *
 *     by segment   /a%252Fb/Admin;x  ──►  /a/b/admin with a segment `a/b`: first cut, then decode
 *     whole        /a%252Fb/Admin;x  ──►  /a/b/admin with three segments: first decode, then cut
 *
 * The first is always the only one, unless decoding brings up separators or dots.
 */

const ASCII_SIZE = 128
const CODE_SLASH = 0x2f

/** There is one way to read the path. */
export const READ_ALIKE = 0
/** There is another way only for a server that ignores case: the path in lower case. */
export const READ_IN_ANY_CASE = 1
/** There are the ways that {@link pathReadings} finds. */
const READ_DIFFERENTLY = 2
/** Of a character: a dot, which only makes a difference at the end of a segment. */
const AT_SEGMENT_END = 3
/** Of a character: a slash, which makes one behind another slash. */
const BEHIND_SLASH = 4

/** `$` for `::$DATA`, the long name of what is in a file on Windows. */
const CHARACTER_KIND: Uint8Array = Uint8Array.from({ length: ASCII_SIZE }, (_, code) => {
  const character = String.fromCharCode(code)
  if (character === '.') return AT_SEGMENT_END
  if (character === '/') return BEHIND_SLASH
  if (/[%;$]/.test(character)) return READ_DIFFERENTLY
  return /[A-Z]/.test(character) ? READ_IN_ANY_CASE : READ_ALIKE
})

/** The path that was compared last: a request's path is compared for its route and its tenant. */
let comparedPath = ''
let comparison = READ_ALIKE

/**
 * Hot path: whether there is another way to read this path at all.
 *
 * @param path Canonical (canonical-path.ts).
 */
export function compareReadings(path: string): number {
  if (path === comparedPath) return comparison
  comparedPath = path
  comparison = READ_ALIKE
  for (let index = 1; index < path.length; index += 1) {
    const kind = CHARACTER_KIND[path.charCodeAt(index)] ?? READ_DIFFERENTLY
    if (kind === READ_ALIKE) continue
    if (kind === READ_IN_ANY_CASE) comparison = READ_IN_ANY_CASE
    else if (isReadDifferently(path, index, kind)) {
      comparison = READ_DIFFERENTLY
      break
    }
  }
  return comparison
}

function isReadDifferently(path: string, index: number, kind: number): boolean {
  if (kind === BEHIND_SLASH) return path.charCodeAt(index - 1) === CODE_SLASH
  return kind === READ_DIFFERENTLY || isSegmentEnd(path, index + 1)
}

function isSegmentEnd(path: string, index: number): boolean {
  return index === path.length || path.charCodeAt(index) === CODE_SLASH
}

/** Encodings within encodings beyond that have no honest use. */
const DECODINGS_MAX = 4

/**
 * All readings of a path, for comparing, never for sending: decoded, without path parameters, and
 * without what Windows drops at the end of a name. Never empty.
 *
 * @param path Canonical; or the pattern of a route, whose first reading is what to compare with.
 * @returns `null` when the path is encoded in itself too often to be read.
 */
export function pathReadings(path: string): readonly string[] | null {
  const segments: string[] = []
  for (const segment of path.slice(1).split('/')) {
    const decoded = segment.includes('%') ? decodings(segment) : NOT_ENCODED
    if (decoded === null) return null
    segments.push(nameOf(decoded.at(-1) ?? segment))
  }
  const levels = decodings(path)
  if (levels === null) return null
  const readings = [`/${segments.join('/')}`]
  for (const text of [path, ...levels]) {
    if (!hasHiddenStructure(text, path)) continue
    readings.push(...wholeReadings(text))
    // To some it begins with the name of a server (RFC 3986 §4.2).
    if (text.startsWith('//')) readings.push(...wholeReadings(behindAuthority(text)))
  }
  return readings
}

/**
 * Whether a reading of the path has more `..` than segments before them: put behind another path,
 * it would leave that.
 *
 * @param path Canonical, or what is left of one behind its first segments.
 */
export function climbsAboveRoot(path: string): boolean {
  const levels = decodings(path)
  if (levels === null) return true
  return [path, ...levels].some((text) => wholeTexts(text).some(hasTooManyDots))
}

function hasTooManyDots(text: string): boolean {
  let depth = 0
  for (const segment of text.slice(1).split('/')) {
    const name = withoutEnd(segment.replace(BEHIND_NAME, ''), WHITE_SPACE)
    if (name === '..') depth -= 1
    else if (withoutEnd(name, DROPPED_AT_END) !== '') depth += 1
    if (depth < 0) return true
  }
  return false
}

/** The path of a reference without a scheme: `//host/path`. */
function behindAuthority(text: string): string {
  const slash = text.indexOf('/', 2)
  return slash === -1 ? '/' : text.slice(slash)
}

/** What one segment of a path or of a pattern is to compare with; `null` as above. */
export function segmentReading(segment: string, foldsCase: boolean): string | null {
  const reading = pathReadings(`/${segment}`)?.[0] ?? null
  return foldsCase && reading !== null ? foldCase(reading) : reading
}

/** What a text becomes, decoded once, twice and so on; `null` when there is no end to it. */
function decodings(text: string): readonly string[] | null {
  const levels: string[] = []
  let previous = text
  for (let count = 0; count <= DECODINGS_MAX; count += 1) {
    const decoded = decodedOnce(previous)
    if (decoded === previous) return levels
    levels.push(decoded)
    previous = decoded
  }
  return null
}

const NOT_ENCODED: readonly string[] = []

const ENCODED_RUN = /(?:%[0-9A-Fa-f]{2})+/g
/** What may be one character in UTF-8. */
const ENCODED_CHARACTER = new RegExp(
  '%[0-7]HEX|%[CD]HEXMORE|%EHEXMORE{2}|%F[0-4]MORE{3}'
    .replaceAll('MORE', '(?:%[89AB]HEX)')
    .replaceAll('HEX', '[0-9A-F]'),
  'gi',
)
/** ASCII in two bytes or more: not UTF-8, but it was read as if it were (RFC 3629 §10). */
const OVERLONG_ASCII = /%(?:C|E0%8|F0%80%8)([01])%([89AB])([0-9A-F])/gi
/** An encoding of one vendor: `%u0061`. */
const ENCODED_UNIT = /%u([0-9A-Fa-f]{4})/g
const BEYOND_ASCII = /[^\0-\x7f]/

/** Compatibility forms become what they look like: a full-width slash is one to some servers. */
function decodedOnce(text: string): string {
  if (!text.includes('%') && !BEYOND_ASCII.test(text)) return text
  const decoded = text
    .replace(OVERLONG_ASCII, (_, lead: string, high: string, low: string) => {
      const bits = ((Number(lead) << 6) | (Number.parseInt(high + low, 16) & 0x3f)) & 0x7f
      return String.fromCharCode(bits)
    })
    .replace(ENCODED_RUN, decodedRun)
    .replace(ENCODED_UNIT, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)))
  return BEYOND_ASCII.test(decoded) ? decoded.normalize('NFKC') : decoded
}

function decodedRun(run: string): string {
  try {
    return decodeURIComponent(run)
  } catch {
    return run.replace(ENCODED_CHARACTER, decodedCharacter)
  }
}

/** Bytes that are no character stay as they are: their meaning is unknown. */
function decodedCharacter(encoded: string): string {
  try {
    return decodeURIComponent(encoded)
  } catch {
    return encoded
  }
}

/** A parameter, or what becomes a query, a fragment or the end of a C string once decoded. */
const BEHIND_NAME = /[;?#\0].*$/s
/** A stream of a file: `::$DATA`. */
const STREAM = /:[^:]*:\$.*$/s

/** White space counts: it is trimmed, and `$` of a RegExp often matches in front of a newline. */
const WHITE_SPACE = ' \t\n\v\f\r'
const DROPPED_AT_END = `.${WHITE_SPACE}`
const MAY_END_NAME = /[;?#\0:.\s]/

/** The name in a segment; never empty, because a segment that is there counts as one. */
function nameOf(segment: string): string {
  if (!MAY_END_NAME.test(segment)) return segment
  const name = withoutEnd(segment.replace(BEHIND_NAME, '').replace(STREAM, ''), DROPPED_AT_END)
  return name === '' ? segment : name
}

/** A loop, because a RegExp takes quadratic time for a long run that is not at the end. */
function withoutEnd(text: string, characters: string): string {
  let end = text.length
  while (end > 0 && characters.includes(text[end - 1] ?? '')) end -= 1
  return text.slice(0, end)
}

const ENDS_PATH_OR_SEGMENT = /[\\?#\0]|\/[.\s]+(?:[;/]|$)/

/** Whether reading the text as a path finds other segments than the path had before decoding. */
function hasHiddenStructure(text: string, path: string): boolean {
  if (ENDS_PATH_OR_SEGMENT.test(text) || slashCount(text) !== slashCount(path)) return true
  if (text.includes('//')) return true
  const semicolon = text.indexOf(';')
  return semicolon !== -1 && text.includes('/', semicolon)
}

function slashCount(text: string): number {
  let count = 0
  for (let at = text.indexOf('/'); at !== -1; at = text.indexOf('/', at + 1)) count += 1
  return count
}

/** Where a query begins, and where it begins for the router of Fastify 4. */
const QUERIES = [/[?#\0].*$/s, BEHIND_NAME]

/** A decoded path with and without a query. */
function wholeTexts(decoded: string): readonly string[] {
  const whole = decoded.replaceAll('\\', '/')
  return [...new Set([whole, ...QUERIES.map((query) => whole.replace(query, ''))])]
}

/** A decoded path with and without a query, and with and without its dots followed. */
function wholeReadings(decoded: string): readonly string[] {
  const readings = new Set<string>()
  for (const text of wholeTexts(decoded)) {
    const segments = text.slice(1).split('/')
    readings.add(`/${segments.map((segment) => nameOf(segment)).join('/')}`)
    readings.add(`/${followDots(segments).join('/')}`)
  }
  return [...readings]
}

/** RFC 3986 §5.2.4, and empty segments are left out. */
function followDots(segments: readonly string[]): readonly string[] {
  const followed: string[] = []
  for (const segment of segments) {
    const name = withoutEnd(segment.replace(BEHIND_NAME, ''), WHITE_SPACE)
    if (name === '..') followed.pop()
    else if (withoutEnd(name, DROPPED_AT_END) !== '') followed.push(nameOf(segment))
  }
  return followed
}

/** The dot that is left of `İ`. */
const COMBINING_DOT = /\u0307/g

/**
 * A reading for whom letters that differ in case only are one, as Unicode folds them: `%E2%84%AA`,
 * the sign for kelvin, is a `k`.
 */
export function foldCase(reading: string): string {
  // Upper case first: some letters, such as the long s and the dotless i, only differ below it.
  return reading.toUpperCase().toLowerCase().replace(COMBINING_DOT, '')
}
