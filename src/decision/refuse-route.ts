/** Why a request has no route: its path is unknown or ambiguous, or its method is not taken. */
import { type Refused, refuse } from '../protocol/verification.ts'
import type { RouteTable } from '../routing/compile-routes.ts'
import { AMBIGUOUS_PATH, allowedMethods, type NoRoute } from '../routing/match-route.ts'
import type { RequestFacts } from './decision.ts'

/** With what the path does take, as `Allow` says it (RFC 9110 §10.2.1). */
export interface MethodRefusal extends Refused {
  readonly allow: string
}

const NO_ROUTE = refuse('route_not_found')
const AMBIGUOUS = refuse('path_ambiguous')
const NOT_KEPT = refuse('path_form_not_kept')
const NOT_ALLOWED = refuse('method_not_allowed')

/**
 * `route_not_found`, `path_ambiguous`, `path_form_not_kept`, or `method_not_allowed` where the path
 * has routes for other methods.
 *
 * @param found What the routes said instead of one of them.
 */
export function refuseRoute(
  table: RouteTable<unknown>,
  { path, host }: RequestFacts,
  found: NoRoute,
): Refused | MethodRefusal {
  if (found !== null) return found === AMBIGUOUS_PATH ? AMBIGUOUS : NOT_KEPT
  const methods = allowedMethods(table, path, host)
  return methods.length === 0 ? NO_ROUTE : { ...NOT_ALLOWED, allow: methods.join(', ') }
}
