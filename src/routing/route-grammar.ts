/** What may stand in a route: patterns of paths, hosts and methods, and which cover others. */
import { canonicalPath } from '../http/canonical-path.ts'
import { segmentReading } from '../http/lenient-path.ts'
import { STANDARD_METHODS } from '../http/methods.ts'

const PATH_LENGTH_MAX = 1_024

/** pchar and `/` (RFC 3986 §3.3), without what a canonical path cannot hold. */
const PATH_CHARACTERS = /^\/[A-Za-z0-9\-._~!$&'()*+,;=:@%/]*$/

/** A server that decodes twice reads such a path as another one, so no request keeps it. */
const ENCODED_TWICE = /%25[0-9A-F]{2}/

/** Stands for one segment, as `*` does, and has a name. A colon anywhere else is a colon. */
const PATH_PARAMETER = /^:[A-Za-z][A-Za-z0-9_]{0,31}$/

/**
 * The pattern, or `null` when no request could ever match it, when its `*` or its parameters mean
 * nothing, or when two parameters have one name.
 */
export function parseRoutePath(value: string): string | null {
  if (value.length > PATH_LENGTH_MAX || !PATH_CHARACTERS.test(value)) return null
  // A spelling that no request keeps would match nothing. `*` is plain in a path.
  if (canonicalPath(value) !== value || value.includes(';')) return null
  if (ENCODED_TWICE.test(value)) return null
  const segments = value.slice(1).split('/')
  const isGood = segments.every((segment, index) => {
    // Only the last segment may be empty: `/` and `/users/` are paths, `//` is not.
    if (segment === '') return index === segments.length - 1
    if (segment.startsWith(':')) {
      return isPathParameter(segment) && segments.indexOf(segment) === index
    }
    return segment === '*' || !segment.includes('*')
  })
  return isGood ? value : null
}

/** The names of the parameters by the place of their segments, `null` where there is none. */
export function pathParameters(pattern: string): readonly (string | null)[] {
  const segments = pattern.slice(1).split('/')
  return segments.map((segment) => (isPathParameter(segment) ? segment.slice(1) : null))
}

/** Whether a segment of a pattern is a parameter, `:id`: it stands for exactly one segment. */
function isPathParameter(segment: string): boolean {
  return PATH_PARAMETER.test(segment)
}

/** Which requests a route is for. */
interface RequestPattern {
  readonly path: string
  /** `null`: any. */
  readonly host: string | null
  /** Empty: the standard ones. */
  readonly methods: readonly string[]
}

/** Whether every request of the second pattern is one of the first. */
export function covers(first: RequestPattern, second: RequestPattern): boolean {
  return (
    coversPath(first.path, second.path) &&
    coversHost(first.host, second.host) &&
    coversMethods(first.methods, second.methods)
  )
}

/**
 * Whether the first pattern matches everything that the second one does.
 *
 * `*` and `:id` stand for one segment; `*` as the last segment for the rest, the bare prefix
 * included.
 */
export function coversPath(first: string, second: string): boolean {
  const covering = pathSegments(first)
  const covered = pathSegments(second)
  if (covered.fixed.length < covering.fixed.length) return false
  if (!covering.openEnded) {
    if (covered.openEnded || covered.fixed.length !== covering.fixed.length) return false
  }
  return covering.fixed.every((segment, index) => {
    return segment === '*' || segment === covered.fixed[index]
  })
}

/** A pattern of paths as a service reads it that ignores case: {@link readPattern}. */
export interface PatternReading {
  /** `*` is any segment; `null` cannot be told from others that cannot be read. */
  readonly segments: readonly (string | null)[]
  readonly openEnded: boolean
}

export function readPattern(pattern: string): PatternReading {
  const { fixed, openEnded } = pathSegments(pattern.replace(SLASH_AT_END, ''))
  return { segments: fixed.map((it) => (it === '*' ? it : segmentReading(it, true))), openEnded }
}

/** Whether there is a path that both patterns match. */
export function sharePath(one: PatternReading, other: PatternReading): boolean {
  if (one.segments.length < other.segments.length && !one.openEnded) return false
  if (other.segments.length < one.segments.length && !other.openEnded) return false
  return one.segments.every((segment, index) => {
    const otherSegment = other.segments[index]
    if (otherSegment === undefined || segment === '*' || otherSegment === '*') return true
    return segment === otherSegment
  })
}

/**
 * Whether there is a path that both patterns match for a service that reads paths less strictly
 * than they are written (http/lenient-path.ts), and that they spell differently.
 */
export function areSpelledDifferently(first: string, second: string, foldsCase: boolean): boolean {
  const one = pathSegments(first.replace(SLASH_AT_END, ''))
  const other = pathSegments(second.replace(SLASH_AT_END, ''))
  if (one.fixed.length < other.fixed.length && !one.openEnded) return false
  if (other.fixed.length < one.fixed.length && !other.openEnded) return false
  let isDifferent = false
  for (let index = 0; index < Math.min(one.fixed.length, other.fixed.length); index += 1) {
    const segment = one.fixed[index] ?? ''
    const otherSegment = other.fixed[index] ?? ''
    if (segment === '*' || otherSegment === '*' || segment === otherSegment) continue
    if (segmentReading(segment, foldsCase) !== segmentReading(otherSegment, foldsCase)) return false
    isDifferent = true
  }
  return isDifferent
}

const SLASH_AT_END = /(?<=.)\/$/

interface PathSegments {
  readonly fixed: readonly string[]
  readonly openEnded: boolean
}

/** What a pattern is made of; a parameter is `*`, as it matches the same. */
export function pathSegments(pattern: string): PathSegments {
  const segments = pattern.slice(1).split('/')
  const openEnded = segments.at(-1) === '*'
  const fixed = openEnded ? segments.slice(0, -1) : segments
  return { fixed: fixed.map((it) => (isPathParameter(it) ? '*' : it)), openEnded }
}

/** The same for hosts; `null` is any host. */
function coversHost(first: string | null, second: string | null): boolean {
  if (first === null || first === second) return true
  return second !== null && first.startsWith('*.') && second.endsWith(first.slice(1))
}

/** Whether there is a host that both match; `null` is any host. */
export function shareHost(first: string | null, second: string | null): boolean {
  return coversHost(first, second) || coversHost(second, first)
}

/** Whether there is a method that both lists have; an empty one has the standard methods. */
export function shareMethod(first: readonly string[], second: readonly string[]): boolean {
  const others = takenMethods(second)
  return takenMethods(first).some((it) => others.includes(it))
}

/** Methods with `HEAD` where there is `GET`, whose answer it asks about (RFC 9110 §9.3.2). */
export function withHead(methods: readonly string[]): readonly string[] {
  return methods.includes('GET') && !methods.includes('HEAD') ? [...methods, 'HEAD'] : methods
}

/** The same for methods; an empty list has the standard ones. */
function coversMethods(first: readonly string[], second: readonly string[]): boolean {
  const taken = takenMethods(first)
  return takenMethods(second).every((method) => taken.includes(method))
}

function takenMethods(methods: readonly string[]): readonly string[] {
  return methods.length === 0 ? STANDARD_METHODS : methods
}
