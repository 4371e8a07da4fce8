/**
 * Hot path: which path a service gets in place of the one that was matched.
 *
 *     /orders/7  ──strip /orders──►  /7  ──add /api──►  /api/7  ──base path──►  /v2/api/7
 *
 * Whole segments are taken away from the front, and plain text is put there. What is behind them
 * stays as it was matched, so that it is canonical again. There is no other way to change a path:
 * with patterns over all of it, the path that was checked would not be the one that is used.
 */
import { parseRoutePath, pathSegments } from './route-grammar.ts'

/** What a route does to its paths. */
export interface PathRewrite {
  /** Segments that are taken away from the front; 0: none. */
  readonly strippedSegments: number
  /** What is put there in their place; empty: nothing. Read in one way alone. */
  readonly added: string
}

const PREFIX_LENGTH_MAX = 512

/** Segments that every service reads alike, but for their case: nothing is encoded or dropped. */
const PLAIN_SEGMENTS = /^(?:\/[A-Za-z0-9_~-]+(?:\.+[A-Za-z0-9_~-]+)*)+$/

export const PATH_PREFIX_PROBLEM =
  'must be a path such as /v2 or /shop/api: letters, digits, -, _, ~ and dots within a segment, ' +
  'without a slash at the end'

/** A path that may be put in front of others. */
export function parsePathPrefix(value: string): string | null {
  return value.length <= PREFIX_LENGTH_MAX && PLAIN_SEGMENTS.test(value) ? value : null
}

export const STRIPPED_PREFIX_PROBLEM =
  'must be the beginning of a path pattern, such as /orders or /tenants/:id, without * and without ' +
  'a slash at the end'

/** A path that may be taken away from the front. */
export function parseStrippedPrefix(value: string): string | null {
  if (value.endsWith('/') || value.includes('*')) return null
  return parseRoutePath(value)
}

/** How many segments a prefix has. */
export function segmentsOf(prefix: string): number {
  return pathSegments(prefix).fixed.length
}

/** Whether every path that the pattern matches begins with the prefix. */
export function beginsWithPrefix(pattern: string, prefix: string): boolean {
  const { fixed } = pathSegments(pattern)
  return pathSegments(prefix).fixed.every((segment, index) => segment === fixed[index])
}

/** Where the first segments end: at the slash behind them, or at the end of the path. */
function prefixEnd(path: string, segments: number): number {
  let end = 0
  for (let count = 0; count < segments; count += 1) {
    end = path.indexOf('/', end + 1)
    if (end === -1) return path.length
  }
  return end
}

/** What {@link rewrittenPath} takes away. */
export function strippedPrefix(path: string, { strippedSegments }: PathRewrite): string {
  return path.slice(0, prefixEnd(path, strippedSegments))
}

/** What is left behind the prefix: empty, or a path. */
export function behindPrefix(path: string, segments: number): string {
  return path.slice(prefixEnd(path, segments))
}

/**
 * The path for the service. A slash at the end stays, and none is added: `/orders` with the prefix
 * taken away and a base path of `/v2` is `/v2`. With nothing in front it is `/`.
 *
 * Does *not* check that what is left stays where it is put: match-route.ts has done so.
 *
 * @param path Matched by the route; or its pattern, which becomes that of what the service gets.
 * @param basePath Of the upstream; empty: none.
 */
export function rewrittenPath(path: string, rewrite: PathRewrite | null, basePath: string): string {
  if (rewrite === null) return basePath + path
  const rest = behindPrefix(path, rewrite.strippedSegments)
  const moved = basePath + rewrite.added + rest
  return moved === '' ? '/' : moved
}

/**
 * The pattern of those paths of a route that become paths of `image`.
 *
 * @param image Pattern of paths of the service.
 * @param prefix What is taken away from the paths of the route; empty: nothing.
 * @param front What is put in front of them, the base path of the upstream included.
 * @returns `null` when the image has paths that do not begin with `front`.
 */
export function originalPattern(image: string, prefix: string, front: string): string | null {
  if (front !== '' && !beginsWithPrefix(image, front)) return null
  const rest = behindPrefix(image, front === '' ? 0 : segmentsOf(front))
  const original = prefix + rest
  return original === '' ? '/' : original
}
