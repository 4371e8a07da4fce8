/** What must hold for the policy of a route: shadow, resource, login page, limits and headers. */
import { hasAddressLists } from '../../../http/address-lists.ts'
import { metadataPath, resourceHost } from '../../../protocol/protected-resource-metadata.ts'
import { TRACE_FIELDS } from '../../../proxy/hop-by-hop-headers.ts'
import { covers } from '../../../routing/route-grammar.ts'
import type { ConfigPath, ReportProblem } from '../../config-error.ts'
import { identityFields } from '../identity/identity-fields.ts'
import { tenantHeaders } from '../tenant-headers.ts'
import { checkBodyBytes } from '../upstreams.ts'
import { authenticatorsOf } from './authenticators.ts'
import type { RouteOutput, RoutesSettings } from './route.ts'
import { checkRouteHeaders } from './route-headers.ts'
import { takesTokens } from './takes-tokens.ts'

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
  if (route.rateLimit !== null) checkRateLimit(path, route, route.rateLimit, settings, report)
  checkBodyBytes(path, route.bodyBytes, settings.server, report)
  const own = ownRequestFields(route, settings)
  checkRouteHeaders(path, route.headers, own, route.errors.codeHeader, report)
}

/** Names in lower case of what the gateway says, or takes out, itself. */
function ownRequestFields(
  route: RouteOutput,
  { identity, tenants }: RoutesSettings,
): ReadonlySet<string> {
  const strategy = route.identity ?? identity?.strategy ?? 'headers'
  return new Set([
    ...identityFields(identity?.headers ?? null),
    ...TRACE_FIELDS,
    ...tenantHeaders(tenants.settings),
    // The one that it writes, or the client's that it passes on.
    ...(strategy === 'headers' ? [] : ['authorization']),
  ])
}

/** One that never counts anything here is a mistake, and may be the one that was to protect. */
function checkRateLimit(
  path: ConfigPath,
  route: RouteOutput,
  name: string,
  settings: RoutesSettings,
  report: ReportProblem,
): void {
  const at = [...path, 'rateLimit']
  if (!settings.rateLimits.has(name)) report(at, 'names a limit that does not exist')
  const limit = settings.rateLimits.get(name)
  if (limit === null || limit === undefined) return
  const authenticators = authenticatorsOf(route, settings)
  if (limit.perKey !== null && !authenticators.includes('apiKey')) {
    report(at, 'names a limit with perKey, but the route takes no API keys')
  }
  if (limit.perTenant !== null && (route.tenant === 'none' || !settings.tenants.isThere)) {
    report(at, 'names a limit with perTenant, but the requests of the route have no tenant')
  }
  if (route.authenticate !== 'none') return
  if (limit.validation !== null) {
    report(at, 'names a limit with validation, but the route verifies no credential')
  }
  if (limit.failures !== null && limit.failures.upstreamStatuses.length === 0) {
    report(at, 'names a limit whose failures never happen here: it needs upstreamStatuses')
  }
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
  if (!takesTokens(authenticatorsOf(route, settings))) {
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
  const asked = { path: page, host: match.host, methods: ['GET'] }
  const first = routes.find((other) => other !== null && covers(other.match, asked))
  if (!Array.isArray(first?.authenticate) || first.mode === 'shadow') return false
  return first.loginRedirect?.url === loginRedirect?.url
}
