/** Which claims a configuration asks for by their paths, and where each of them is kept. */
import type { GatewayConfiguration } from '../config/sections.ts'
import type { CustomHeader } from '../identity/identity-headers.ts'
import type { RepeatedClaim } from '../identity/internal-token.ts'
import type { KeptPath } from '../protocol/kept-claims.ts'

/**
 * The one list of a configuration, sorted, so that the order in which it was written says nothing.
 * Only what a route really tells or requires: a header that no route sends is not looked up.
 */
export function keptPathsOf({ identity, routes }: GatewayConfiguration): readonly KeptPath[] {
  const paths = new Map<string, KeptPath>()
  const keep = (path: KeptPath['path'], isTold: boolean, needsText: boolean) => {
    const known = paths.get(path.text)
    paths.set(path.text, {
      path,
      isTold: isTold || known?.isTold === true,
      needsText: needsText || known?.needsText === true,
    })
  }
  const strategies = new Set(routes.map((route) => route.authenticate !== 'none' && route.identity))
  if (strategies.has('headers')) {
    for (const { path, format } of Object.values(identity.headers.custom)) {
      keep(path, true, format === 'text')
    }
  }
  if (strategies.has('internal-token')) {
    for (const path of Object.values(identity.internalToken.claims)) keep(path, true, false)
  }
  for (const { path } of routes.flatMap((route) => route.require.claims)) {
    if (path !== null) keep(path, false, false)
  }
  return [...paths.values()].sort((left, right) => (left.path.text < right.path.text ? -1 : 1))
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
