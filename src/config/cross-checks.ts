/** What must hold between settings: names that refer to each other, and routes in their order. */

import { isLoopbackHost } from '../protocol/http-url.ts'
import { coversHost, coversMethods, coversPath } from '../routing/route-grammar.ts'
import { checkAuthenticators } from './authenticator-checks.ts'
import type { Complain, Complaint, ConfigPath } from './config-error.ts'
import { checkApiKeys, checkKeyPrefixes, checkRedis, checkSessions } from './credential-checks.ts'
import { checkInternalToken } from './internal-token-checks.ts'
import { checkIssuer } from './issuer-checks.ts'
import { checkRoutePolicy } from './route-policy-checks.ts'
import type { IdentityOutput, RouteOutput } from './route-settings.ts'
import { checkSpelling } from './route-spelling.ts'
import type { AdminOutput } from './server-settings.ts'
import { sessionCookie } from './session-settings.ts'
import { checkRouteTenant, checkTenants } from './tenant-checks.ts'
import type { UnderstoodSettings } from './understood-settings.ts'

/** Checks everything that is well-formed. Opens no file and looks up no name. */
export function crossCheck(settings: UnderstoodSettings): readonly Complaint[] {
  const complaints: Complaint[] = []
  const complain: Complain = (path, message) => complaints.push({ path, message })

  if (settings.admin !== null) checkAdmin(settings.admin, complain)
  if (settings.identity !== null) checkIdentityHeaders(settings.identity, complain)
  checkInternalToken(settings, complain)
  checkListeners(settings, complain)
  for (const [name, issuer] of settings.issuers) {
    if (issuer !== null) checkIssuer(['issuers', name], issuer, complain)
  }
  checkIssuersDiffer(settings, complain)
  for (const [name, upstream] of settings.upstreams) {
    if (upstream !== null) {
      checkUnique(['upstreams', name, 'targets'], upstream.targets, complain)
    }
  }
  settings.routes.forEach((route, index) => {
    if (route !== null) checkRoute(['routes', index], route, settings, complain)
  })
  checkCredentialSections(settings, complain)
  if (settings.tenants.settings !== null)
    checkTenants(settings.tenants.settings, settings, complain)
  if (settings.revocation?.redis === true && !settings.redis.isThere) {
    complain(['revocation', 'redis'], 'needs a redis section')
  }
  checkRouteNames(settings.routes, complain)
  checkReachable(settings.routes, complain)
  checkSpelling(settings, complain)
  return complaints
}

function checkAdmin(admin: AdminOutput, complain: Complain): void {
  if (admin.token !== null && admin.tokenFile !== null) {
    complain(['admin', 'tokenFile'], 'cannot be combined with token')
  }
  const hasToken = admin.token !== null || admin.tokenFile !== null
  if (!hasToken && !isLoopbackHost(admin.host)) {
    complain(['admin', 'token'], 'is required because admin.host is not loopback')
  }
}

function checkListeners({ server, admin }: UnderstoodSettings, complain: Complain): void {
  if (server === null || admin === null || server.port === 0 || server.port !== admin.port) return
  const isAny = [server.host, admin.host].some((host) => host === '0.0.0.0' || host === '::')
  if (isAny || server.host === admin.host) {
    complain(['admin', 'port'], 'must differ from server.port')
  }
}

function checkIdentityHeaders({ headers }: IdentityOutput, complain: Complain): void {
  const seen = new Map<string, string>()
  for (const [part, name] of Object.entries(headers)) {
    if (name === null) continue
    const earlier = seen.get(name.toLowerCase())
    if (earlier === undefined) seen.set(name.toLowerCase(), part)
    else complain(['identity', 'headers', part], `is the same header as ${earlier}`)
  }
}

function checkIssuersDiffer({ issuers }: UnderstoodSettings, complain: Complain): void {
  const seen = new Map<string, string>()
  for (const [name, issuer] of issuers) {
    if (issuer === null) continue
    const earlier = seen.get(issuer.issuer)
    if (earlier === undefined) seen.set(issuer.issuer, name)
    else complain(['issuers', name, 'issuer'], `is the same as that of issuers.${earlier}`)
  }
}

function checkRoute(
  path: ConfigPath,
  route: RouteOutput,
  settings: UnderstoodSettings,
  complain: Complain,
): void {
  const { upstreams, issuers } = settings
  if (!upstreams.has(route.upstream)) {
    complain([...path, 'upstream'], 'names an upstream that does not exist')
  }
  route.issuers?.forEach((name, index) => {
    if (!issuers.has(name)) {
      complain([...path, 'issuers', index], 'names an issuer that does not exist')
    }
  })
  route.require.issuers.forEach((name, index) => {
    if (!issuers.has(name)) {
      complain([...path, 'require', 'issuers', index], 'names an issuer that does not exist')
    }
  })
  route.require.claims.forEach((claim, index) => {
    const ways = [claim.equals, claim.oneOf, claim.matches].filter((way) => way !== null)
    if (ways.length === 1) return
    complain([...path, 'require', 'claims', index], 'needs exactly one of equals, oneOf, matches')
  })
  checkRouteTenant(path, route, settings.tenants, complain)
  checkUnique([...path, 'issuers'], route.issuers ?? [], complain)
  checkUnique(
    [...path, 'credentials'],
    route.credentials.map(({ kind, name }) => `${kind} ${name}`),
    complain,
  )
  const cookie = settings.sessions.settings && sessionCookie(settings.sessions.settings)
  route.credentials.forEach(({ kind, name }, index) => {
    if (kind === 'cookie' && name === cookie) {
      complain([...path, 'credentials', index], 'names the cookie that holds a session')
    }
  })
  if (route.authenticate !== 'none') checkAuthenticators(path, route, settings, complain)
  checkRoutePolicy(path, route, settings, complain)
  const requiresSomething = Object.values(route.require).some((list) => list.length > 0)
  if (requiresSomething && !Array.isArray(route.authenticate)) {
    complain(
      [...path, 'require'],
      'needs a caller that is known: it cannot be combined with authenticate: ' +
        `${route.authenticate.toString()}`,
    )
  }
}

function checkCredentialSections(
  { redis, sessions, apiKeys }: UnderstoodSettings,
  complain: Complain,
): void {
  if (redis.settings !== null) checkRedis(redis.settings, complain)
  if (sessions.settings !== null) checkSessions(sessions.settings, redis.isThere, complain)
  if (apiKeys.settings !== null) checkApiKeys(apiKeys.settings, redis.isThere, complain)
  if (sessions.settings !== null && apiKeys.settings !== null) {
    checkKeyPrefixes(sessions.settings, apiKeys.settings, complain)
  }
}

function checkUnique(path: ConfigPath, items: readonly string[], complain: Complain): void {
  items.forEach((item, index) => {
    if (items.indexOf(item) < index) complain([...path, index], 'is listed twice')
  })
}

function checkRouteNames(routes: readonly (RouteOutput | null)[], complain: Complain): void {
  const seen = new Map<string, number>()
  routes.forEach((route, index) => {
    if (route === null) return
    const earlier = seen.get(route.name)
    if (earlier === undefined) seen.set(route.name, index)
    else complain(['routes', index, 'name'], `is the same as that of routes[${earlier}]`)
  })
}

/** A route that can never be reached is a mistake, and may be the one that was to protect. */
function checkReachable(routes: readonly (RouteOutput | null)[], complain: Complain): void {
  routes.forEach((route, index) => {
    if (route === null) return
    const earlier = routes.findIndex((other, place) => {
      return place < index && other !== null && covers(other, route)
    })
    if (earlier !== -1) {
      complain(
        ['routes', index, 'match'],
        `can never be reached: routes[${earlier}] matches everything that it matches`,
      )
    }
  })
}

function covers(first: RouteOutput, second: RouteOutput): boolean {
  return (
    coversPath(first.match.path, second.match.path) &&
    coversHost(first.match.host, second.match.host) &&
    coversMethods(first.match.methods, second.match.methods)
  )
}
