/** What must hold for the policy of a route: shadow, metadata of the resource, login redirect. */
import { hasAddressLists } from '../../../http/address-lists.ts'
import { metadataPath, resourceHost } from '../../../protocol/protected-resource-metadata.ts'
import { coversHost, coversMethods, coversPath } from '../../../routing/route-grammar.ts'
import type { ConfigPath, ReportProblem } from '../../config-error.ts'
import { authenticatorsOf } from './authenticators.ts'
import type { RouteOutput, RoutesSettings } from './route.ts'

/** Checks one well-formed route. */
export function checkRoutePolicy(
  path: ConfigPath,
  route: RouteOutput,
  settings: RoutesSettings,
  report: ReportProblem,
): void {
  if (route.mode === 'shadow' && route.authenticate === 'none' && !hasAddressLists(route)) {
    report([...path, 'mode'], 'has nothing to report with authenticate: none')
  }
  const strategy = route.identity ?? settings.identity?.strategy
  if (route.mode === 'shadow' && strategy === 'internal-token') {
    // Two credentials in one field would be one too many for any upstream.
    report([...path, 'mode'], 'keeps the credential, whose place identity: internal-token takes')
  }
  if (route.resource !== null) checkResource(path, route, route.resource, settings, report)
  if (route.loginRedirect !== null) checkLoginRedirect(path, route, settings, report)
}

function checkResource(
  path: ConfigPath,
  route: RouteOutput,
  resource: string,
  settings: RoutesSettings,
  report: ReportProblem,
): void {
  const at = [...path, 'resource']
  if (route.resourceMetadata !== null) report(at, 'cannot be combined with resourceMetadata')
  const names = authenticatorsOf(route, settings)
  if (!names.some((name) => name === 'jwt' || name === 'introspection')) {
    report(at, 'is for bearer tokens: it needs authenticate with jwt or introspection')
  }
  const first = settings.routes.findIndex((other) => {
    return other !== null && other.resource !== null && isAtSamePlace(other.resource, resource)
  })
  const other = settings.routes[first]
  if (other !== null && other !== undefined && other.resource !== resource) {
    report(at, `has its metadata where routes[${first}].resource has it: spell both alike`)
  }
}

function isAtSamePlace(first: string, second: string): boolean {
  const isSameHost = resourceHost(first) === resourceHost(second)
  return isSameHost && metadataPath(first) === metadataPath(second)
}

function checkLoginRedirect(
  path: ConfigPath,
  route: RouteOutput,
  settings: RoutesSettings,
  report: ReportProblem,
): void {
  if (route.loginRedirect === null) return
  const at = [...path, 'loginRedirect']
  const { url, returnParameter } = route.loginRedirect
  if (route.authenticate === 'none') {
    report(at, 'has no effect with authenticate: none, which never asks for a login')
  }
  const [page = '', query = ''] = url.split('?', 2)
  if (query.split('&').some((pair) => pair.split('=', 1)[0] === returnParameter)) {
    report([...at, 'url'], `has a parameter ${returnParameter} already`)
  }
  if (url.startsWith('/') && isRefusedPage(page, route, settings)) {
    report([...at, 'url'], 'is on a route that redirects to it: no browser would ever get there')
  }
}

/** Whether the first route for a page of the same host sends callers without credential there. */
function isRefusedPage(
  page: string,
  { match, loginRedirect }: RouteOutput,
  { routes }: RoutesSettings,
): boolean {
  const first = routes.find((other) => {
    if (other === null || !coversPath(other.match.path, page)) return false
    return coversHost(other.match.host, match.host) && coversMethods(other.match.methods, ['GET'])
  })
  if (!Array.isArray(first?.authenticate) || first.mode === 'shadow') return false
  return first.loginRedirect?.url === loginRedirect?.url
}
