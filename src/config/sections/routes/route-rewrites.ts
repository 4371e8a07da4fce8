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
  coversHost,
  coversMethods,
  coversPath,
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

/** Checks all well-formed routes. */
export function checkRewrites(settings: RoutesSettings, report: ReportProblem): void {
  settings.routes.forEach((route, index) => {
    if (route === null) return
    const { stripPrefix, match } = route
    if (stripPrefix !== null && !beginsWithPrefix(match.path, stripPrefix)) {
      const problem = 'is not what every path of match.path begins with'
      report(['routes', index, 'stripPrefix'], problem)
    } else if (isMoved(route, settings)) checkExposure(route, index, settings, report)
  })
}

function checkExposure(
  route: RouteOutput,
  index: number,
  settings: RoutesSettings,
  report: ReportProblem,
): void {
  settings.routes.forEach((other, place) => {
    if (other === null || other === route || !asksForOtherThings(other, route)) return
    if (!shareHost(route.match.host, other.match.host)) return
    if (!shareMethod(route.match.methods, other.match.methods)) return
    const exposed = exposedPattern(route, other, index, settings)
    if (exposed === null) return
    report(
      ['routes', index, settingOf(route)],
      `makes ${exposed} a way to what routes[${place}] is for, past what that route asks for: put a ` +
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

/**
 * Paths of the route that reach what the other one is for, unless that is all that the route is
 * for, or an earlier route has them. `null`: there are none.
 */
function exposedPattern(
  route: RouteOutput,
  other: RouteOutput,
  index: number,
  settings: RoutesSettings,
): string | null {
  const theirs = upstreamsOf(other, settings)
  const patterns = upstreamsOf(route, settings).flatMap((upstream) =>
    theirs
      .filter((name) => shareTarget(upstream, name, settings))
      .flatMap((name) => {
        const basePath = basePathOf(name, settings)
        const isFor = rewrittenPath(other.match.path, rewriteOf(other), basePath)
        return reachedBy(route, basePathOf(upstream, settings), isFor) ?? []
      }),
  )
  return patterns.find((pattern) => !isTakenEarlier(pattern, route, index, settings)) ?? null
}

/** Paths of the route that become those of a pattern; `null`: none, or it is for no others. */
function reachedBy(route: RouteOutput, basePath: string, pattern: string): string | null {
  const becomes = rewrittenPath(route.match.path, rewriteOf(route), basePath)
  if (!sharePath(becomes, pattern) || coversPath(pattern, becomes)) return null
  const front = basePath + (route.addPrefix ?? '')
  return originalPattern(pattern, route.stripPrefix ?? '', front) ?? route.match.path
}

function shareTarget(one: string, other: string, { upstreams }: RoutesSettings): boolean {
  const targets = upstreams.get(other)?.targets ?? []
  return one === other || (upstreams.get(one)?.targets ?? []).some((it) => targets.includes(it))
}

function isTakenEarlier(
  pattern: string,
  { match }: RouteOutput,
  index: number,
  { routes }: RoutesSettings,
): boolean {
  return routes.slice(0, index).some((earlier) => {
    if (earlier === null) return false
    const { path, host, methods } = earlier.match
    return (
      coversPath(path, pattern) &&
      coversHost(host, match.host) &&
      coversMethods(methods, match.methods)
    )
  })
}
