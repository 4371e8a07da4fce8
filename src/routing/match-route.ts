/** Hot path: finds the route of a request in the compiled table. */
import { ENCODED_SLASHES, NO_FORMS, pathForms } from '../http/canonical-path.ts'
import {
  climbsAboveRoot,
  compareReadings,
  foldCase,
  pathReadings,
  READ_ALIKE,
  READ_IN_ANY_CASE,
} from '../http/lenient-path.ts'
import { isStandardMethod, STANDARD_METHODS } from '../http/methods.ts'
import {
  ANY_SEGMENT,
  type CompiledRoute,
  type RouteTable,
  type RouteView,
} from './compile-routes.ts'
import { behindPrefix } from './path-rewrite.ts'

/**
 * A path that belongs to one route as it is, and to another as a lenient upstream would read it.
 */
export const AMBIGUOUS_PATH = 'ambiguous_path'
/** A path with an encoded slash or an empty segment, and the route that matches keeps none. */
export const FORM_NOT_KEPT = 'form_not_kept'

/** What there is in place of a route: none, or one of two reasons to refuse the path. */
export type NoRoute = null | typeof AMBIGUOUS_PATH | typeof FORM_NOT_KEPT

/**
 * The first route that matches, `null`, or {@link AMBIGUOUS_PATH} or {@link FORM_NOT_KEPT}, which
 * must be refused.
 *
 * @param path Canonical path (http/canonical-path.ts): compared as it is, case and all.
 * @param host Without a port, in lower case.
 */
export function findRoute<Target>(
  table: RouteTable<Target>,
  method: string,
  path: string,
  host: string,
): Target | NoRoute {
  const found = firstMatch(table.asWritten, method, path, host)
  const comparison = compareReadings(path)
  if (comparison === READ_ALIKE) return found === null ? null : found.target
  if (comparison === READ_IN_ANY_CASE) {
    const isAmbiguous = isAnothersInLowerCase(table, found, method, path, host)
    return isAmbiguous ? AMBIGUOUS_PATH : (found?.target ?? null)
  }
  return foundInItsForm(table, found, method, path, host)
}

/** What {@link findRoute} says of a path that some read as another one. */
function foundInItsForm<Target>(
  table: RouteTable<Target>,
  found: CompiledRoute<Target> | null,
  method: string,
  path: string,
  host: string,
): Target | NoRoute {
  if (found !== null && leavesItsPlace(found, path)) return AMBIGUOUS_PATH
  const forms = pathForms(path)
  if (found !== null && (forms & ~found.keptForms) !== NO_FORMS) return FORM_NOT_KEPT
  const isAmbiguous =
    found !== null && (forms & ENCODED_SLASHES) !== NO_FORMS
      ? isAnothersWithSlashes(table, found, method, path, host)
      : isAnothersInAnyReading(table, found, method, path, host)
  return isAmbiguous ? AMBIGUOUS_PATH : (found?.target ?? null)
}

/**
 * Whether what a moved path becomes may be read as one that is not below the place to which it is
 * moved: `/orders//x` or `/orders/%2Fx` without `/orders`, or `/orders/%252e%252e/admin` with `/v2`
 * in its place.
 */
function leavesItsPlace({ strippedSegments }: CompiledRoute<unknown>, path: string): boolean {
  if (strippedSegments === null) return false
  const rest = behindPrefix(path, strippedSegments)
  return rest.startsWith('//') || rest.startsWith('/%2F') || climbsAboveRoot(rest)
}

/** Stands for data within a segment: no path and no pattern has it. */
const DATA = '\x01'

/**
 * Of a route that keeps encoded slashes. They are data, so all that is not about them must hold of
 * the path without them. And a service that takes them for separators must not find another route,
 * though it may find a path that no route is for.
 */
function isAnothersWithSlashes<Target>(
  table: RouteTable<Target>,
  found: CompiledRoute<Target>,
  method: string,
  path: string,
  host: string,
): boolean {
  const asData = path.replaceAll('%2F', DATA)
  const foundAsData = firstMatch(table.asWritten, method, asData, host)
  if (foundAsData?.index !== found.index) return true
  if (isAnothersInAnyReading(table, found, method, asData, host)) return true
  return isAnothersInAnyReading(table, found, method, path, host, true)
}

function isAnothersInLowerCase<Target>(
  table: RouteTable<Target>,
  found: CompiledRoute<Target> | null,
  method: string,
  path: string,
  host: string,
): boolean {
  if (found?.isCaseSensitive === true) return false
  return isAnothers(table, table.folded, found, method, path.toLowerCase(), host, path)
}

function isAnothersInAnyReading<Target>(
  table: RouteTable<Target>,
  found: CompiledRoute<Target> | null,
  method: string,
  path: string,
  host: string,
  mayBeNone = false,
): boolean {
  const readings = pathReadings(path)
  if (readings === null) return true
  const tellsCaseApart = found?.isCaseSensitive === true
  return readings.some((reading) => {
    if (isAnothers(table, table.decoded, found, method, reading, host, path, mayBeNone)) return true
    if (tellsCaseApart) return false
    const folded = foldCase(reading)
    return isAnothers(table, table.folded, found, method, folded, host, path, mayBeNone)
  })
}

/**
 * Whether this reading of the path belongs to another route than the one that was found, or to the
 * gateway itself.
 *
 * What counts is whether the service that would get the request tells case apart, so it is the
 * setting of the route that was found. Where none was, nothing goes anywhere, and a route whose
 * service tells case apart is not meant by another case.
 *
 * @param mayBeNone Whether a reading that belongs to no route is harmless.
 */
function isAnothers<Target>(
  table: RouteTable<Target>,
  view: RouteView<Target>,
  found: CompiledRoute<Target> | null,
  method: string,
  reading: string,
  host: string,
  path: string,
  mayBeNone = false,
): boolean {
  if (table.ownPaths.has(reading) && !table.ownPaths.has(path)) return true
  const other = firstMatch(view, method, reading, host)
  if (other === null && mayBeNone) return false
  if (other === null || found === null) {
    return other !== found && !(view === table.folded && other?.isCaseSensitive === true)
  }
  return other.index !== found.index
}

/** The first route that matches, or `null`. */
function firstMatch<Target>(
  view: RouteView<Target>,
  method: string,
  path: string,
  host: string,
): CompiledRoute<Target> | null {
  const candidates = candidatesFor(view, path)
  for (let index = 0; index < candidates.length; index += 1) {
    const route = candidates[index]
    if (route !== undefined && matches(route, method, path, host)) return route
  }
  return null
}

/** All routes for this path, whatever their methods and hosts, in order: to explain a match. */
export function routesWithPath<Target>(
  { asWritten }: RouteTable<Target>,
  path: string,
): readonly CompiledRoute<Target>[] {
  return candidatesFor(asWritten, path).filter((route) => matchesPath(route, path))
}

/** Routes that may match, by the first segment of their path. */
function candidatesFor<Target>(
  view: RouteView<Target>,
  path: string,
): readonly CompiledRoute<Target>[] {
  const end = path.indexOf('/', 1)
  const firstSegment = end === -1 ? path.slice(1) : path.slice(1, end)
  return view.byFirstSegment.get(firstSegment) ?? view.others
}

function matches<Target>(
  route: CompiledRoute<Target>,
  method: string,
  path: string,
  host: string,
): boolean {
  return takesMethod(route, method) && takesHost(route, host) && matchesPath(route, path)
}

export function takesMethod({ methods }: CompiledRoute<unknown>, method: string): boolean {
  return methods === null ? isStandardMethod(method) : methods.includes(method)
}

/**
 * The methods that the routes for this path take, in the order of the routes; none where there is
 * no route for it. For `Allow` (RFC 9110 §10.2.1).
 */
export function allowedMethods<Target>(
  table: RouteTable<Target>,
  path: string,
  host: string,
): readonly string[] {
  const routes = routesWithPath(table, path).filter((route) => takesHost(route, host))
  return [...new Set(routes.flatMap(({ methods }) => methods ?? STANDARD_METHODS))]
}

export function takesHost(route: CompiledRoute<unknown>, host: string): boolean {
  if (route.host !== null && route.host !== host) return false
  return route.hostSuffix === null || isBelow(host, route.hostSuffix)
}

function matchesPath(route: CompiledRoute<unknown>, path: string): boolean {
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
    if (segment === ANY_SEGMENT) {
      if (end === start) return false
    } else if (end - start !== segment.length || !path.startsWith(segment, start)) {
      return false
    }
    start = end + 1
  }
  // Behind the last segment there is nothing, or one slash: as in `isSamePath`.
  return openEnded || start >= path.length
}
