/**
 * Routes whose services get another path than the one that was matched: what may be written, and
 * whether one of them reaches what another route of the same service protects.
 *
 *     /api/*    ──strip /api──►  /*         reaches /admin/* as /api/admin/*
 *     /admin/*  ───────────────► /admin/*   asks for more
 */
import { isDeepStrictEqual } from 'node:util'
import { hasAddressLists } from '../../../http/address-lists.ts'
import {
  beginsWithPrefix,
  originalPattern,
  type PathRewrite,
  rewrittenPath,
  segmentsOf,
} from '../../../routing/path-rewrite.ts'
import {
  covers,
  coversPath,
  type PatternReading,
  readPattern,
  shareHost,
  shareMethod,
  sharePath,
} from '../../../routing/route-grammar.ts'
import type { ReportProblem } from '../../config-error.ts'
import type { RouteOutput, RoutesSettings } from './route.ts'
import { upstreamsOfTenants } from './route-spelling.ts'

/** What decides who may use a route. */
const POLICY = [
  ...(['authenticate', 'issuers', 'audiences', 'introspectJwts', 'require', 'tenant'] as const),
  ...(['allowFrom', 'denyFrom', 'mode'] as const),
] as const satisfies readonly (keyof RouteOutput)[]

/** `null`: the paths stay as they are, but for the base path of the upstream. */
export function rewriteOf({ stripPrefix, addPrefix }: RouteOutput): PathRewrite | null {
  if (stripPrefix === null && addPrefix === null) return null
  return {
    strippedSegments: stripPrefix === null ? 0 : segmentsOf(stripPrefix),
    added: addPrefix ?? '',
  }
}

/** Whether a service may get another path than the one that was matched. */
export function isMoved(route: RouteOutput, settings: RoutesSettings): boolean {
  if (rewriteOf(route) !== null) return true
  return upstreamsOf(route, settings).some((name) => basePathOf(name, settings) !== '')
}

function upstreamsOf(route: RouteOutput, settings: RoutesSettings): readonly string[] {
  return [...new Set([route.upstream, ...upstreamsOfTenants(route, settings)])]
}

function basePathOf(name: string, { upstreams }: RoutesSettings): string {
  return upstreams.get(name)?.basePath ?? ''
}

/** A route, with what its services get in the place of its paths: found out once for each. */
interface ComparedRoute {
  readonly route: RouteOutput
  readonly ways: readonly Way[]
}

/** What `match.path` becomes for all upstreams of a route that have one base path. */
interface Way {
  readonly basePath: string
  readonly becomes: string
  readonly reading: PatternReading
  /** Their names and their targets. */
  readonly services: ReadonlySet<string>
}

/** Checks all well-formed routes. */
export function checkRewrites(settings: RoutesSettings, report: ReportProblem): void {
  const compared = settings.routes.map((route) => {
    return route === null ? null : { route, ways: waysOf(route, settings) }
  })
  compared.forEach((one, index) => {
    if (one === null) return
    const { stripPrefix, match } = one.route
    if (stripPrefix !== null && !beginsWithPrefix(match.path, stripPrefix)) {
      const problem = 'is not what every path of match.path begins with'
      report(['routes', index, 'stripPrefix'], problem)
    } else if (isMoved(one.route, settings)) checkExposure(one, index, compared, report)
  })
}

function waysOf(route: RouteOutput, settings: RoutesSettings): readonly Way[] {
  const services = new Map<string, Set<string>>()
  for (const name of upstreamsOf(route, settings)) {
    const basePath = basePathOf(name, settings)
    const known = services.get(basePath) ?? new Set()
    services.set(basePath, known.add(name))
    for (const target of settings.upstreams.get(name)?.targets ?? []) known.add(target)
  }
  return [...services].map(([basePath, reached]) => {
    const becomes = rewrittenPath(route.match.path, rewriteOf(route), basePath)
    return { basePath, becomes, reading: readPattern(becomes), services: reached }
  })
}

function checkExposure(
  one: ComparedRoute,
  index: number,
  compared: readonly (ComparedRoute | null)[],
  report: ReportProblem,
): void {
  const { route } = one
  compared.forEach((other, place) => {
    if (other === null || other === one) return
    if (!shareHost(route.match.host, other.route.match.host)) return
    if (!shareMethod(route.match.methods, other.route.match.methods)) return
    const exposed = exposedPatterns(one, other)
    // Last, because it takes longest: nearly all pairs have no path in common.
    if (exposed.length === 0 || !asksForOtherThings(other.route, route)) return
    const pattern = exposed.find((it) => !isTakenEarlier(it, route, compared.slice(0, index)))
    if (pattern === undefined) return
    report(
      ['routes', index, settingOf(route)],
      `makes ${pattern} a way to what routes[${place}] is for, past what that route asks for: put a ` +
        'route for it in front of this one, which says who may use it',
    )
  })
}

/** By which the route gets at paths of others; `upstream`: by a base path. */
function settingOf({ stripPrefix, addPrefix }: RouteOutput): string {
  if (stripPrefix !== null) return 'stripPrefix'
  return addPrefix === null ? 'upstream' : 'addPrefix'
}

/** One that is open to anybody protects nothing. */
function asksForOtherThings(other: RouteOutput, route: RouteOutput): boolean {
  if (other.authenticate === 'none' && !hasAddressLists(other)) return false
  return POLICY.some((member) => !isDeepStrictEqual(other[member], route[member]))
}

/** Paths of the route that reach what the other one is for, unless that is all that it is for. */
function exposedPatterns({ route, ways }: ComparedRoute, other: ComparedRoute): readonly string[] {
  return ways.flatMap((way) =>
    other.ways
      .filter(({ reading }) => sharePath(way.reading, reading))
      .filter(({ becomes }) => !coversPath(becomes, way.becomes))
      .filter(({ services }) => [...way.services].some((it) => services.has(it)))
      .map(({ becomes }) => {
        const front = way.basePath + (route.addPrefix ?? '')
        return originalPattern(becomes, route.stripPrefix ?? '', front) ?? route.match.path
      }),
  )
}

function isTakenEarlier(
  path: string,
  { match }: RouteOutput,
  earlier: readonly (ComparedRoute | null)[],
): boolean {
  return earlier.some((it) => it !== null && covers(it.route.match, { ...match, path }))
}
