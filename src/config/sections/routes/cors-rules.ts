/** What must hold for `cors` of a route, and what it comes to. */
import { ANY_ORIGIN, type CorsRules } from '../../../http/cors-policy.ts'
import { checkUnique } from '../../check-unique.ts'
import type { ConfigPath, ReportProblem } from '../../config-error.ts'
import { tenantHeaders } from '../tenant-headers.ts'
import type { CorsOutput } from './cors.ts'
import { placedHeaders } from './credential-places.ts'
import type { RouteOutput, RoutesSettings } from './route.ts'

const MS_PER_SECOND = 1_000
/** Of a route that takes every method. */
const USUAL_METHODS: readonly string[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']

export function checkCors(
  path: ConfigPath,
  route: RouteOutput,
  { tenants }: RoutesSettings,
  report: ReportProblem,
): void {
  const { cors, match } = route
  if (cors === null) return
  checkUnique([...path, 'origins'], cors.origins, report)
  if (cors.origins.includes(ANY_ORIGIN)) checkAnyOrigin(path, cors, report)
  if (cors.maxAge % MS_PER_SECOND !== 0) report([...path, 'maxAge'], 'must be whole seconds')
  cors.methods?.forEach((method, index) => {
    if (match.methods.length === 0 || match.methods.some((taken) => taken === method)) return
    report([...path, 'methods', index], 'is not in match.methods: the route never gets it')
  })
  if (cors.tenantOrigins && (route.tenant === 'none' || !tenants.isThere)) {
    report([...path, 'tenantOrigins'], 'needs tenants, but the requests of the route have none')
  }
}

function checkAnyOrigin(path: ConfigPath, cors: CorsOutput, report: ReportProblem): void {
  if (cors.origins.length > 1 || cors.tenantOrigins) {
    report([...path, 'origins'], 'has * for every page: it must stand alone, without tenantOrigins')
  }
  if (cors.credentials) {
    report(
      [...path, 'credentials'],
      'cannot be combined with *: any page could read what its visitor may read. List the origins',
    )
  }
}

export function resolveCors(route: RouteOutput, settings: RoutesSettings): CorsRules | null {
  const { cors, match } = route
  if (cors === null) return null
  const { maxAge, upstream, tenantOrigins, ...rules } = cors
  const methods = match.methods.length === 0 ? USUAL_METHODS : match.methods
  return {
    ...rules,
    methods: cors.methods ?? methods,
    headers: cors.headers ?? readHeaders(route, settings),
    maxAgeSeconds: maxAge / MS_PER_SECOND,
    replacesUpstream: upstream === 'replace',
    takesTenantOrigins: tenantOrigins,
  }
}

/** What the gateway itself reads of a request to this route, and the type of its body. */
function readHeaders(route: RouteOutput, { apiKeys, tenants }: RoutesSettings): readonly string[] {
  const hasKeyHeader = apiKeys.settings !== null && route.apiKeyPlaces.length === 0
  const names = [
    ...placedHeaders(route),
    ...(hasKeyHeader ? [apiKeys.settings.header] : []),
    ...(route.tenant === 'none' ? [] : tenantHeaders(tenants.settings)),
  ]
  const distinct = new Set(names.map((name) => name.toLowerCase()))
  return ['content-type', ...distinct]
}
