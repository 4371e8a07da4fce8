/** `routes`: which requests go where, and what each of them must show. */
import type { RouteAuthentication } from '../../../decision/revision.ts'
import { covers } from '../../../routing/route-grammar.ts'
import { checkUnique } from '../../check-unique.ts'
import type { ConfigPath, ReportProblem } from '../../config-error.ts'
import { allOf, eachListed, type Immutable, type Section } from '../../section.ts'
import type { SettingFiles } from '../../setting-files.ts'
import { authenticatorsOf, checkAuthenticators } from './authenticators.ts'
import { checkCors, resolveCors } from './cors-rules.ts'
import { checkPlaces } from './credential-places.ts'
import { checkClaimRules } from './requirements.ts'
import { type RouteOutput, type RoutesSettings, routeSchema } from './route.ts'
import { checkRouteErrors, resolveRouteErrors } from './route-errors.ts'
import { checkRoutePolicy } from './route-policy.ts'
import { checkRewrites, isMoved, rewriteOf } from './route-rewrites.ts'
import { checkSpelling, isCaseSensitive } from './route-spelling.ts'
import { takesTokens } from './takes-tokens.ts'

/** Of all routes together. */
const REQUIRED_PATHS_MAX = 64

export type RouteConfiguration = Immutable<ReturnType<typeof resolveRoute>>

export const routesSection: Section<
  RoutesSettings['routes'],
  RoutesSettings,
  readonly RouteConfiguration[]
> = {
  ...eachListed('The routes. The first that matches wins.', routeSchema),
  check(settings, report) {
    settings.routes.forEach((route, index) => {
      if (route !== null) checkRoute(['routes', index], route, settings, report)
    })
    checkNames(settings, report)
    checkKeptPaths(settings, report)
    checkReachable(settings, report)
    checkRewrites(settings, report)
    checkSpelling(settings, report)
  },
  resolve: resolveRoutes,
}

function checkRoute(
  path: ConfigPath,
  route: RouteOutput,
  settings: RoutesSettings,
  report: ReportProblem,
): void {
  const { upstreams, issuers } = settings
  if (!upstreams.has(route.upstream)) {
    report([...path, 'upstream'], 'names an upstream that does not exist')
  }
  route.issuers?.forEach((name, index) => {
    if (!issuers.has(name)) {
      report([...path, 'issuers', index], 'names an issuer that does not exist')
    }
  })
  route.require.issuers.forEach((name, index) => {
    const at = [...path, 'require', 'issuers', index]
    if (!issuers.has(name)) report(at, 'names an issuer that does not exist')
    if (issuers.get(name)?.issuerValues?.values === 'any') {
      report(at, 'names an issuer with issuerValues.values: any: name it in issuers of the route')
    }
  })
  if (route.audiences !== null) checkAudiences(path, route, settings, report)
  checkClaimRules(path, route.require.claims, route.match.path, report)
  if (route.tenant !== null && !settings.tenants.isThere) {
    report([...path, 'tenant'], 'needs a tenants section')
  }
  if (route.authenticate === 'none' && route.identity === 'internal-token') {
    report(
      [...path, 'identity'],
      'needs a caller that is known: internal-token cannot be combined with authenticate: none',
    )
  }
  checkUnique([...path, 'issuers'], route.issuers ?? [], report)
  checkPlaces(path, route, settings, report)
  if (route.authenticate !== 'none') checkAuthenticators(path, route, settings, report)
  checkRoutePolicy(path, route, settings, report)
  checkCors([...path, 'cors'], route, settings, report)
  checkRouteErrors([...path, 'errors'], route.errors, report)
  const requiresSomething = Object.values(route.require).some((list) => list.length > 0)
  if (requiresSomething && !Array.isArray(route.authenticate)) {
    report(
      [...path, 'require'],
      'needs a caller that is known: it cannot be combined with authenticate: ' +
        `${route.authenticate.toString()}`,
    )
  }
}

/** Audiences that no token of the route could ever name are a mistake. */
function checkAudiences(
  path: ConfigPath,
  route: RouteOutput,
  settings: RoutesSettings,
  report: ReportProblem,
): void {
  const at = [...path, 'audiences']
  if (!takesTokens(authenticatorsOf(route, settings))) {
    report(at, 'is for bearer tokens: it needs authenticate with jwt or introspection')
  }
  const issuers = (route.issuers ?? [...settings.issuers.keys()]).map((name) => {
    return settings.issuers.get(name) ?? null
  })
  if (issuers.length === 0 || issuers.some((issuer) => issuer?.audiences !== null)) return
  report(
    at,
    'can never be met: the issuers of the route have clientIds alone, for tokens without aud',
  )
}

/** Each path is looked up in every new credential, whatever route it is for. */
function checkKeptPaths({ routes }: RoutesSettings, report: ReportProblem): void {
  const rules = routes.flatMap((route) => route?.require.claims ?? [])
  const paths = new Set(rules.flatMap(({ path }) => path?.text ?? []))
  if (paths.size <= REQUIRED_PATHS_MAX) return
  report(['routes'], `must require at most ${REQUIRED_PATHS_MAX} different claims by path`)
}

function checkNames({ routes }: RoutesSettings, report: ReportProblem): void {
  const seen = new Map<string, number>()
  routes.forEach((route, index) => {
    if (route === null) return
    const earlier = seen.get(route.name)
    if (earlier === undefined) seen.set(route.name, index)
    else report(['routes', index, 'name'], `is the same as that of routes[${earlier}]`)
  })
}

/** A route that can never be reached is a mistake, and may be the one that was to protect. */
function checkReachable({ routes }: RoutesSettings, report: ReportProblem): void {
  routes.forEach((route, index) => {
    if (route === null) return
    const earlier = routes.findIndex((other, place) => {
      return place < index && other !== null && covers(other.match, route.match)
    })
    if (earlier !== -1) {
      report(
        ['routes', index, 'match'],
        `can never be reached: routes[${earlier}] matches everything that it matches`,
      )
    }
  })
}

/** Routes that leave issuers out take all, and have one list: there may be a thousand of both. */
function resolveRoutes(settings: RoutesSettings, { files }: { readonly files: SettingFiles }) {
  const allIssuers = [...settings.issuers.keys()]
  return allOf(
    settings.routes.map((route, index) => {
      if (route === null) return null
      const errors = resolveRouteErrors(['routes', index, 'errors'], route.errors, files)
      return resolveRoute(route, settings, allIssuers, errors)
    }),
  )
}

/** A list of authenticators means that a credential is required. */
function resolveRoute(
  route: RouteOutput,
  settings: RoutesSettings,
  allIssuers: readonly string[],
  errors: ReturnType<typeof resolveRouteErrors>,
) {
  const authenticate: RouteAuthentication = Array.isArray(route.authenticate)
    ? 'required'
    : route.authenticate
  const issuers = route.issuers ?? allIssuers
  const { responseTimeout, bodyTimeout, ...rest } = route
  return {
    ...rest,
    errors,
    responseTimeoutMs: responseTimeout,
    bodyTimeoutMs: bodyTimeout,
    authenticate,
    authenticators: authenticatorsOf(route, settings),
    caseSensitive: isCaseSensitive(route, settings),
    rewrite: rewriteOf(route),
    isMoved: isMoved(route, settings),
    issuers: authenticate === 'none' ? [] : issuers,
    identity: route.identity ?? settings.identity?.strategy ?? 'headers',
    tenant: resolveRouteTenant(route, settings),
    cors: resolveCors(route, settings),
  }
}

function resolveRouteTenant(
  { tenant, authenticate }: RouteOutput,
  { tenants }: RoutesSettings,
): 'required' | 'optional' | 'none' {
  if (tenants.settings === null) return 'none'
  if (tenant !== null) return tenant
  return tenants.settings.required && authenticate !== 'none' ? 'required' : 'optional'
}
