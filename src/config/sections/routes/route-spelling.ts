/** Routes whose paths a service may not tell apart, because it ignores case or decodes more. */
import { areSpelledDifferently, shareHost, shareMethod } from '../../../routing/route-grammar.ts'
import type { ReportProblem } from '../../config-error.ts'
import type { RouteOutput, RoutesSettings } from './route.ts'

/**
 * Whether every service that may get requests of the route tells paths of different case apart: as
 * the route says, or else its upstream, and the upstreams that tenants have instead.
 */
export function isCaseSensitive(route: RouteOutput, settings: RoutesSettings): boolean {
  if (route.caseSensitive !== null) return route.caseSensitive
  const { upstreams } = settings
  const own = upstreamsOfTenants(route, settings)
  return [route.upstream, ...own].every((name) => upstreams.get(name)?.caseSensitive === true)
}

/** Upstreams that tenants may have in place of that of the route. */
export function upstreamsOfTenants(
  route: RouteOutput,
  { tenants, upstreams }: RoutesSettings,
): readonly string[] {
  if (tenants.settings === null || route.tenant === 'none') return []
  // A tenant that is added later may name any of them.
  if (tenants.settings.redis) return [...upstreams.keys()]
  return Object.values(tenants.settings.registry).flatMap(({ upstream }) => upstream ?? [])
}

/**
 * Two routes for one path, spelled differently: which of them a request is for would depend on who
 * reads it, and one of the two may be the one that was to protect.
 */
export function checkSpelling(settings: RoutesSettings, report: ReportProblem): void {
  settings.routes.forEach((route, index) => {
    if (route === null) return
    const earlier = settings.routes.findIndex((other, place) => {
      return place < index && other !== null && areTakenForOne(other, route, settings)
    })
    if (earlier === -1) return
    report(
      ['routes', index, 'match', 'path'],
      `is spelled differently in routes[${earlier}], and a service that ignores case or decodes ` +
        'more than it should takes one for the other: spell both alike, or say caseSensitive: ' +
        'true on both where only the case differs and the services tell it apart',
    )
  })
}

function areTakenForOne(
  first: RouteOutput,
  second: RouteOutput,
  settings: RoutesSettings,
): boolean {
  if (!shareHost(first.match.host, second.match.host)) return false
  if (!shareMethod(first.match.methods, second.match.methods)) return false
  const tellsCaseApart = isCaseSensitive(first, settings) && isCaseSensitive(second, settings)
  return areSpelledDifferently(first.match.path, second.match.path, !tellsCaseApart)
}
