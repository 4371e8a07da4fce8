/** Which claims a configuration asks for by their paths, and where each of them is kept. */
import {
  type AskedPath,
  headerPaths,
  internalTokenPaths,
  requiredPaths,
  unitedPaths,
} from '../config/asked-paths.ts'
import type { RouteConfiguration } from '../config/sections/routes/routes.ts'
import type { GatewayConfiguration } from '../config/sections.ts'
import type { CustomHeader } from '../identity/identity-headers.ts'
import type { RepeatedClaim } from '../identity/internal-token.ts'
import type { KeptPath } from '../protocol/kept-claims.ts'

/**
 * The one list of a configuration. Only what a route really tells or requires: a header that no
 * route sends is not looked up.
 */
export function keptPathsOf(configuration: GatewayConfiguration): readonly KeptPath[] {
  return unitedPaths(askedPathsOf(configuration, () => true))
}

/**
 * The same list, for credentials that only some routes take: what these routes do not ask for is of
 * any type, and is not kept. Each path stays in its place.
 *
 * @param kept {@link keptPathsOf} of the configuration.
 * @param counts Which routes take them.
 */
export function keptPathsFor(
  kept: readonly KeptPath[],
  configuration: GatewayConfiguration,
  counts: (route: RouteConfiguration) => boolean,
): readonly KeptPath[] {
  if (kept.length === 0) return kept
  const asked = unitedPaths(askedPathsOf(configuration, counts))
  const byText = new Map(asked.map((it) => [it.path.text, it]))
  return kept.map(({ path }) => byText.get(path.text) ?? unasked(path))
}

function unasked(path: KeptPath['path']): KeptPath {
  return { path, isAsked: false, isTold: false, needsText: false }
}

/** @param counts Which routes count. */
export function askedPathsOf(
  { identity, routes }: Pick<GatewayConfiguration, 'identity' | 'routes'>,
  counts: (route: RouteConfiguration) => boolean,
): readonly AskedPath[] {
  const counted = routes.flatMap((route, place) => (counts(route) ? { route, place } : []))
  const strategies = new Set(
    counted.map(({ route }) => route.authenticate !== 'none' && route.identity),
  )
  return [
    ...(strategies.has('headers') ? headerPaths(identity.headers.custom) : []),
    ...(strategies.has('internal-token') ? internalTokenPaths(identity.internalToken.claims) : []),
    ...counted.flatMap(({ route, place }) => requiredPaths(route.require.claims, place)),
  ]
}

/** @returns -1 when nothing is kept of this path. */
export function placeOf(kept: readonly KeptPath[], text: string): number {
  return kept.findIndex(({ path }) => path.text === text)
}

/** Headers of a path that is not kept are not sent by any route. */
export function customHeaders(
  { identity: { headers } }: GatewayConfiguration,
  kept: readonly KeptPath[],
): readonly CustomHeader[] {
  return Object.entries(headers.custom).map(([name, { path, format }]) => {
    return { name, place: placeOf(kept, path.text), format }
  })
}

export function repeatedClaims(
  { identity: { internalToken } }: GatewayConfiguration,
  kept: readonly KeptPath[],
): readonly RepeatedClaim[] {
  return Object.entries(internalToken.claims).map(([name, path]) => {
    return { name, place: placeOf(kept, path.text) }
  })
}
