/** What operators are told of the routes. */
import type { GatewayConfiguration } from '../config/sections.ts'

export function routeSummaries({ routes }: GatewayConfiguration): readonly object[] {
  return routes.map(({ name, match, authenticate, upstream }) => ({
    name,
    match,
    authenticate,
    upstream,
  }))
}
