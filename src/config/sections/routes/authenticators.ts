/** What the authenticators of a route need to be there. */
import type { ConfigPath, ReportProblem } from '../../config-error.ts'
import { AUTHENTICATORS, type RouteOutput, type RoutesSettings } from './route.ts'

export type AuthenticatorName = (typeof AUTHENTICATORS)[number]

/** As much of an issuer as decides which credentials it can vouch for. */
interface IssuerAbilities {
  readonly name: string
  /** `null`: not well-formed, so that nothing is known. */
  readonly canVerify: boolean | null
  readonly canIntrospect: boolean | null
}

/**
 * The authenticators of a route that asks for a credential, in their order. For `optional`: all
 * that the rest of the configuration makes possible.
 */
export function authenticatorsOf(
  route: RouteOutput,
  settings: RoutesSettings,
): readonly AuthenticatorName[] {
  if (Array.isArray(route.authenticate)) return route.authenticate
  if (route.authenticate === 'none') return []
  const issuers = abilities(route, settings)
  const isPossible: Readonly<Record<AuthenticatorName, boolean>> = {
    jwt: issuers.some(({ canVerify }) => canVerify !== false),
    introspection: issuers.filter(({ canIntrospect }) => canIntrospect === true).length === 1,
    session: settings.sessions.isThere,
    apiKey: settings.apiKeys.isThere,
  }
  return AUTHENTICATORS.filter((name) => isPossible[name])
}

/** Checks a route that asks for a credential. */
export function checkAuthenticators(
  path: ConfigPath,
  route: RouteOutput,
  settings: RoutesSettings,
  report: ReportProblem,
): void {
  const at = [...path, 'authenticate']
  const names = authenticatorsOf(route, settings)
  if (names.length === 0) {
    report(at, 'needs a credential, but there is no issuer to trust, no sessions and no apiKeys')
    return
  }
  if (route.introspectJwts) {
    const isBoth = names.includes('jwt') && names.includes('introspection')
    const canVerify = abilities(route, settings).some((it) => {
      return it.canIntrospect !== false && it.canVerify !== false
    })
    if (!isBoth || !canVerify) {
      report(
        [...path, 'introspectJwts'],
        'needs authenticate with jwt and introspection, and an issuer that has introspection and ' +
          'jwks or a secret',
      )
    }
  }
  names.forEach((name, index) => {
    const place = Array.isArray(route.authenticate) ? [...at, index] : at
    const problem =
      names.indexOf(name) < index ? 'is listed twice' : problemOf(name, route, settings)
    if (problem !== null) report(place, problem)
  })
}

function problemOf(
  name: AuthenticatorName,
  route: RouteOutput,
  settings: RoutesSettings,
): string | null {
  if (name === 'session') return settings.sessions.isThere ? null : 'needs the section sessions'
  if (name === 'apiKey') return settings.apiKeys.isThere ? null : 'needs the section apiKeys'
  const issuers = abilities(route, settings)
  if (issuers.length === 0) return 'needs a credential, but there is no issuer to trust'
  if (name === 'jwt') {
    const canVerify = issuers.some((issuer) => issuer.canVerify !== false)
    return canVerify ? null : 'needs an issuer that has jwks or a secret'
  }
  const able = issuers.filter(({ canIntrospect }) => canIntrospect !== false)
  if (able.length === 0) return 'needs an issuer that has introspection'
  if (able.length === 1) return null
  return (
    'needs exactly one issuer that has introspection, because an opaque token does not say whose ' +
    'it is: name it in issuers of the route'
  )
}

function abilities(route: RouteOutput, { issuers }: RoutesSettings): IssuerAbilities[] {
  return [...issuers]
    .filter(([name]) => route.issuers?.includes(name) ?? true)
    .map(([name, issuer]) => ({
      name,
      // Without keys and without introspection, the issuer itself has been reported.
      canVerify: issuer?.introspection ? issuer.jwks !== null || hasSecret(issuer) : null,
      canIntrospect: issuer === null ? null : issuer.introspection !== null,
    }))
}

function hasSecret(issuer: {
  readonly secret: string | null
  readonly secretFile: string | null
}): boolean {
  return issuer.secret !== null || issuer.secretFile !== null
}
