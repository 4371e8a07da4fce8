/** Which pages may read the answer to a request, be it of an upstream or of the gateway. */
import type { RouteTenants } from '../decision/revision.ts'
import type { CorsPolicy } from '../http/cors-policy.ts'
import { VARIES_BY_ORIGIN } from '../http/cors-policy.ts'
import type { RequestHead } from '../http/exchange.ts'
import { fieldValue, type HeaderList } from '../http/header-list.ts'
import { originListOf } from '../http/origin-list.ts'
import type { Tenant } from '../tenants/tenant.ts'

const ORIGIN = 'origin'

/** As much of a route as says who may read its answers. */
export interface SharedRoute {
  readonly cors: CorsPolicy | null
  readonly tenants: RouteTenants | null
}

/**
 * The fields of CORS for an answer of this route; `null`: it says nothing of pages.
 *
 * @param tenant Of the request, as far as it was found out.
 */
export function corsFields(
  route: SharedRoute,
  tenant: Tenant | null,
  head: RequestHead,
): HeaderList | null {
  const { cors } = route
  if (cors === null) return null
  const origin = fieldValue(head.headers, ORIGIN)
  if (cors.isForAll) return cors.answerFields(origin ?? '')
  if (origin === null || !mayRead(route, cors, tenant, head, origin)) return VARIES_BY_ORIGIN
  return cors.answerFields(origin)
}

/**
 * The same for a refusal before any route is known: a page that may read something here may read
 * it. Nothing in it depends on who asks, and without it a mistyped URL looks like a network that is
 * down.
 *
 * @param origin As it came; empty: the request names none, or several.
 */
export function corsFieldsOfAny(
  policies: readonly CorsPolicy[],
  origin: string,
): HeaderList | null {
  if (policies.length === 0) return null
  const policy = policies.find((it) => it.allows(origin))
  return policy === undefined ? VARIES_BY_ORIGIN : policy.answerFields(origin)
}

/** What is answered to a preflight of this origin. */
export function preflightFields(
  route: SharedRoute,
  cors: CorsPolicy,
  head: RequestHead,
  origin: string,
): HeaderList {
  return cors.preflightFields(mayRead(route, cors, null, head, origin) ? origin : null)
}

function mayRead(
  { tenants }: SharedRoute,
  cors: CorsPolicy,
  tenant: Tenant | null,
  head: RequestHead,
  origin: string,
): boolean {
  if (cors.allows(origin)) return true
  if (!cors.takesTenantOrigins || tenants === null) return false
  const served = tenant ?? namedTenant(tenants, head)
  return served !== null && originListOf(served.allowedOrigins).has(origin)
}

/** Also one that is suspended: its pages may read that it is. */
function namedTenant(
  { resolver, registry }: RouteTenants,
  { host, path, headers }: RequestHead,
): Tenant | null {
  const name = resolver.resolve(host, path, headers)
  return typeof name === 'string' ? registry.find(name) : null
}
