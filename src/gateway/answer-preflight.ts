/**
 * Answers the question of a browser what a page may do (a CORS preflight), before anything about
 * credentials: it never carries any.
 */
import type { ClientExchange, RequestHead } from '../http/exchange.ts'
import { fieldValue } from '../http/header-list.ts'
import type { RouteTable } from '../routing/compile-routes.ts'
import { findRoute, routesWithPath, takesHost } from '../routing/match-route.ts'
import { preflightFields, type SharedRoute } from './cors-answer.ts'

const NO_CONTENT = '204 No Content'

/** A preflight that the gateway answers by itself. */
export interface Preflight<Route> {
  readonly route: Route
  readonly headers: readonly string[]
}

/**
 * The answer to a preflight for a route with `cors`; `null`: the request is none, or its path is
 * not on such a route, so that it is treated like any other.
 *
 * A preflight is an `OPTIONS` with one `Origin` and one `Access-Control-Request-Method`. The route
 * is that of the method which the page wants to use; where no route takes that method, the first
 * with `cors` for this path and host, whose answer tells the browser which methods there are.
 *
 * Not checked: addresses, limits and tenants. The answer says what the configuration says, and
 * nothing of it goes upstream.
 */
export function preflightAnswer<Route extends SharedRoute>(
  routes: RouteTable<Route>,
  head: RequestHead,
): Preflight<Route> | null {
  if (head.method !== 'OPTIONS') return null
  const origin = fieldValue(head.headers, 'origin')
  const method = fieldValue(head.headers, 'access-control-request-method')
  if (origin === null || method === null) return null
  const route = routeOf(routes, method, head)
  if (route === null || route.cors === null) return null
  return { route, headers: preflightFields(route, route.cors, head, origin) }
}

export function answerPreflight(exchange: ClientExchange, headers: readonly string[]): void {
  exchange.answer(NO_CONTENT, headers, '')
}

function routeOf<Route extends SharedRoute>(
  routes: RouteTable<Route>,
  method: string,
  { path, host }: RequestHead,
): Route | null {
  const found = findRoute(routes, method, path, host)
  // Ambiguous, or of a form that the route does not keep.
  if (typeof found === 'string') return null
  if (found !== null) return found
  const shared = routesWithPath(routes, path).find((route) => {
    return route.target.cors !== null && takesHost(route, host)
  })
  return shared?.target ?? null
}
