/** Hot path: finds the route of a request in the compiled table. */
import type { CompiledRoute, RouteTable } from './compile-routes.ts'
import { isReadDifferently, lenientPath } from './lenient-path.ts'

/**
 * A path that belongs to one route as it is, and to another as a lenient upstream would read it.
 */
export const AMBIGUOUS_PATH = 'ambiguous_path'

/**
 * The first route that matches, `null`, or {@link AMBIGUOUS_PATH}, which must be refused.
 */
export function findRoute<Target>(
  table: RouteTable<Target>,
  method: string,
  path: string,
  host: string,
): Target | null | typeof AMBIGUOUS_PATH {
  const found = matchRoute(table, method, path, host)
  if (!isReadDifferently(path)) return found
  return matchRoute(table, method, lenientPath(path), host) === found ? found : AMBIGUOUS_PATH
}

/**
 * The first route that matches, or `null`.
 *
 * @param path Canonical path (protocol/canonical-path.ts): compared as it is, case and all.
 * @param host Without a port, in lower case.
 */
export function matchRoute<Target>(
  table: RouteTable<Target>,
  method: string,
  path: string,
  host: string,
): Target | null {
  const end = path.indexOf('/', 1)
  const firstSegment = end === -1 ? path.slice(1) : path.slice(1, end)
  const candidates = table.byFirstSegment.get(firstSegment) ?? table.others
  for (let index = 0; index < candidates.length; index += 1) {
    const route = candidates[index]
    if (route !== undefined && matches(route, method, path, host)) return route.target
  }
  return null
}

function matches<Target>(
  route: CompiledRoute<Target>,
  method: string,
  path: string,
  host: string,
): boolean {
  if (route.methods !== null && !route.methods.includes(method)) return false
  if (route.host !== null && route.host !== host) return false
  if (route.hostSuffix !== null && !isBelow(host, route.hostSuffix)) return false
  if (route.kind === 'exact') return isSamePath(path, route.literal)
  if (route.kind === 'prefix') return hasPrefix(path, route.literal)
  return hasSegments(path, route.segments ?? [], route.openEnded)
}

function isBelow(host: string, suffixWithDot: string): boolean {
  return host.length > suffixWithDot.length && host.endsWith(suffixWithDot)
}

/**
 * With or without a slash at the end: many upstreams make no difference, so neither may a route.
 */
function isSamePath(path: string, literal: string): boolean {
  if (path === literal) return true
  return path.length === literal.length + 1 && path.endsWith('/') && path.startsWith(literal)
}

/** `/users/` covers `/users` too: see RouteMatch.path. */
function hasPrefix(path: string, literal: string): boolean {
  if (path.startsWith(literal)) return true
  return path.length === literal.length - 1 && literal.startsWith(path)
}

/** Compares segment by segment without cutting the path into pieces. */
function hasSegments(path: string, segments: readonly string[], openEnded: boolean): boolean {
  let start = 1
  for (let index = 0; index < segments.length; index += 1) {
    if (start > path.length) return false
    const slash = path.indexOf('/', start)
    const end = slash === -1 ? path.length : slash
    const segment = segments[index] ?? ''
    if (segment === '*') {
      if (end === start) return false
    } else if (end - start !== segment.length || !path.startsWith(segment, start)) {
      return false
    }
    start = end + 1
  }
  // Behind the last segment there is nothing, or one slash: as in `isSamePath`.
  return openEnded || start >= path.length
}
