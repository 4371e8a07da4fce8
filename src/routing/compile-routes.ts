/**
 * Turns the configured routes into a table that a request only looks up.
 *
 * Routes are kept in configuration order, because the first match wins. They are filed under the
 * first segment of their path, so that a gateway with hundreds of routes compares a request with
 * the few that can match it; a route whose first segment is a wildcard is filed under every one.
 */
import { NO_FORMS } from '../http/canonical-path.ts'
import { foldCase, pathReadings } from '../http/lenient-path.ts'
import { STANDARD_METHODS } from '../http/methods.ts'
import { assertInvariant } from '../runtime/assert-invariant.ts'
import { pathSegments } from './route-grammar.ts'

/** What a route asks of a request. */
export interface RouteMatch {
  /**
   * Canonical path. `*` stands for one segment; as the last segment it stands for the rest of the
   * path, the bare prefix included: `/users/*` matches `/users`, `/users/` and `/users/1/x`. That
   * the bare prefix belongs to it is deliberate: it must not slip through to a laxer route below.
   * `:id` stands for one segment wherever it is: `/users/:id` matches `/users/1` alone.
   */
  readonly path: string
  /** Exact host, or `*.example.com` for every host below it. `null`: any host. */
  readonly host: string | null
  /** As they are sent. Empty: `STANDARD_METHODS` of http/methods.ts. */
  readonly methods: readonly string[]
  /** Whether every service that may get its requests tells paths of different case apart. */
  readonly isCaseSensitive: boolean
  /** Forms of paths that it keeps (http/canonical-path.ts), as bits. */
  readonly keptForms: number
  /**
   * Segments at its beginning that its services do not get; 0: all, but they get others in front.
   * Left out: they get the path that was matched.
   */
  readonly strippedSegments?: number
}

/** One route, compiled. `target` is whatever the caller wants back. */
export interface CompiledRoute<Target> {
  readonly target: Target
  /** Place in the configuration. */
  readonly index: number
  readonly kind: 'exact' | 'prefix' | 'segments'
  /** `prefix`: the path up to and including the `/` before `*`. Otherwise the whole pattern. */
  readonly literal: string
  /** `segments` only: those of the pattern, or {@link ANY_SEGMENT}; `null` otherwise. */
  readonly segments: readonly string[] | null
  /** `segments` only: whether the pattern goes on after its segments. */
  readonly openEnded: boolean
  readonly host: string | null
  /** With a leading dot, for hosts below a name; `null` when `host` is exact or absent. */
  readonly hostSuffix: string | null
  /** `null`: the standard ones. */
  readonly methods: readonly string[] | null
  readonly isCaseSensitive: boolean
  readonly keptForms: number
  /** As in {@link RouteMatch}; `null`: its services get the path that was matched. */
  readonly strippedSegments: number | null
}

/** The routes, to be compared with one spelling of a path. */
export interface RouteView<Target> {
  readonly byFirstSegment: ReadonlyMap<string, readonly CompiledRoute<Target>[]>
  /** Routes for paths whose first segment no route names. */
  readonly others: readonly CompiledRoute<Target>[]
}

export interface RouteTable<Target> {
  readonly asWritten: RouteView<Target>
  /** To be compared with readings of a path (http/lenient-path.ts): as it is, and folded. */
  readonly decoded: RouteView<Target>
  readonly folded: RouteView<Target>
  /** Paths at which the gateway itself answers, as they are and folded. */
  readonly ownPaths: ReadonlySet<string>
  /** Forms of paths that any route keeps; what no route keeps never gets here. */
  readonly keptForms: number
  /** All methods that some route takes, the standard ones among them. */
  readonly methods: ReadonlySet<string>
}

const WILDCARD = '*'
/** Stands for any one segment in a compiled route: no segment has a slash, however it is read. */
export const ANY_SEGMENT = '/'

interface RouteEntry<Target> {
  readonly match: RouteMatch
  readonly target: Target
}

/**
 * The routes in order, compiled. Paths were checked when the configuration was read.
 *
 * @param ownPaths Paths at which the gateway itself answers, before any route.
 */
export function compileRoutes<Target>(
  routes: readonly RouteEntry<Target>[],
  ownPaths: readonly string[],
): RouteTable<Target> {
  return {
    asWritten: compileView(routes, (literal) => literal),
    decoded: compileView(routes, (literal) => readingOf(literal)),
    folded: compileView(routes, (literal) => foldCase(readingOf(literal))),
    ownPaths: new Set(ownPaths.flatMap((path) => [path, foldCase(readingOf(path))])),
    keptForms: routes.reduce((forms, { match }) => forms | match.keptForms, NO_FORMS),
    methods: new Set([...STANDARD_METHODS, ...routes.flatMap(({ match }) => match.methods)]),
  }
}

/** A path of a configuration is encoded once at most. */
function readingOf(path: string): string {
  return pathReadings(path)?.[0] ?? path
}

function compileView<Target>(
  routes: readonly RouteEntry<Target>[],
  spell: (path: string) => string,
): RouteView<Target> {
  const compiled = routes.map(({ match, target }, index) => {
    return compileRoute(match, target, index, spell)
  })
  const firstSegments = new Set(compiled.map(firstSegmentOf).filter((name) => name !== ANY_SEGMENT))
  const byFirstSegment = new Map<string, readonly CompiledRoute<Target>[]>()
  for (const name of firstSegments) {
    byFirstSegment.set(
      name,
      compiled.filter((route) => [name, ANY_SEGMENT].includes(firstSegmentOf(route))),
    )
  }
  return {
    byFirstSegment,
    others: compiled.filter((route) => firstSegmentOf(route) === ANY_SEGMENT),
  }
}

/**
 * @param spell Spells a path without parameters. What a route leaves open is told by its path as it
 *   is written: `%3A` and `%2A` are characters, however they are read.
 */
function compileRoute<Target>(
  match: RouteMatch,
  target: Target,
  index: number,
  spell: (literal: string) => string,
): CompiledRoute<Target> {
  assertInvariant(match.path.startsWith('/'), 'the path of a route starts with a slash')
  const { fixed, openEnded } = pathSegments(match.path)
  const kind = fixed.includes(WILDCARD) ? 'segments' : openEnded ? 'prefix' : 'exact'
  const isBelow = match.host?.startsWith('*.') === true
  return {
    target,
    index,
    kind,
    literal: spell(kind === 'prefix' ? match.path.slice(0, -1) : match.path),
    segments: kind === 'segments' ? fixed.map((it) => spelledSegment(it, spell)) : null,
    openEnded,
    host: isBelow ? null : (match.host?.toLowerCase() ?? null),
    hostSuffix: isBelow ? (match.host?.slice(1).toLowerCase() ?? null) : null,
    methods: match.methods.length === 0 ? null : match.methods,
    isCaseSensitive: match.isCaseSensitive,
    keptForms: match.keptForms,
    strippedSegments: match.strippedSegments ?? null,
  }
}

function spelledSegment(segment: string, spell: (literal: string) => string): string {
  return segment === WILDCARD ? ANY_SEGMENT : spell(`/${segment}`).slice(1)
}

function firstSegmentOf<Target>(route: CompiledRoute<Target>): string {
  if (route.kind === 'segments') return route.segments?.[0] ?? ANY_SEGMENT
  const end = route.literal.indexOf('/', 1)
  const first = end === -1 ? route.literal.slice(1) : route.literal.slice(1, end)
  return route.kind === 'prefix' && route.literal === '/' ? ANY_SEGMENT : first
}
