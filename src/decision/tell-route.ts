/** Tells a trace where a request belongs: to which route and tenant, and from which address. */
import type { AddressLists } from '../http/address-lists.ts'
import { STANDARD_METHODS } from '../http/methods.ts'
import { counted, listed, quoted, type Trace } from '../protocol/trace.ts'
import type { Refused } from '../protocol/verification.ts'
import type { CompiledRoute, RouteTable } from '../routing/compile-routes.ts'
import {
  AMBIGUOUS_PATH,
  FORM_NOT_KEPT,
  type NoRoute,
  routesWithPath,
  takesHost,
  takesMethod,
} from '../routing/match-route.ts'
import type { Tenant } from '../tenants/tenant.ts'
import type { RequestFacts, RequestOrigin } from './decision.ts'
import type { RouteRules, RouteTenants } from './revision.ts'

export type ListOwner = 'route' | 'tenant' | 'API key'

/** Routes that are told of beside the one that matched. */
const OTHERS_MAX = 8

export function tellRoute(
  trace: Trace,
  table: RouteTable<RouteRules>,
  facts: RequestFacts,
  found: RouteRules | NoRoute,
): void {
  const { path } = facts
  const candidates = routesWithPath(table, path)
  const at = candidates.findIndex(({ target }) => target === found)
  const passedOver = at === -1 ? candidates : candidates.slice(0, at)
  for (const route of passedOver.slice(0, OTHERS_MAX)) {
    trace.tell('route', 'note', `not ${nameOf(route)}: ${whyNot(route, facts)}`)
  }
  const matched = candidates[at]
  if (matched !== undefined) {
    trace.tell('route', 'ok', `${nameOf(matched)}, authentication ${matched.target.authentication}`)
  } else if (found === AMBIGUOUS_PATH) {
    const readers = 'a service that reads paths less strictly takes it for that of another route'
    trace.tell('route', 'no', `${quoted(path)}: ${readers}`)
  } else if (found === FORM_NOT_KEPT) {
    const what = 'it has an encoded slash or an empty segment, and the route does not keep them'
    trace.tell('route', 'no', `${quoted(path)}: ${what}`)
  } else {
    const others = candidates.length === 0 ? 'no route has this path' : 'none takes this request'
    trace.tell('route', 'no', `${quoted(path)}: ${others}`)
  }
}

function nameOf(route: CompiledRoute<RouteRules>): string {
  return `${quoted(route.target.name)} (${patternOf(route)})`
}

function patternOf({ kind, literal }: CompiledRoute<RouteRules>): string {
  return kind === 'prefix' ? `${literal}*` : literal
}

function whyNot(route: CompiledRoute<RouteRules>, { method, host }: RequestFacts): string {
  const reasons: string[] = []
  if (!takesMethod(route, method)) {
    reasons.push(`it takes ${(route.methods ?? STANDARD_METHODS).join(', ')}, not ${method}`)
  }
  if (!takesHost(route, host)) {
    const expected = route.host ?? `*${route.hostSuffix ?? ''}`
    reasons.push(`it is for host ${quoted(expected)}, not ${quoted(host)}`)
  }
  return reasons.length === 0 ? 'an earlier one matches' : reasons.join(', and ')
}

export function tellAddress(
  trace: Trace,
  { allowFrom, denyFrom }: AddressLists,
  whose: ListOwner,
  { clientAddress }: RequestOrigin,
  isAdmitted: boolean,
): void {
  const address = clientAddress === '' ? 'unknown' : clientAddress
  const lists = `allowFrom ${counted(allowFrom.length, 'entry')}, denyFrom ${denyFrom.length}`
  const verdict = isAdmitted ? 'admit' : 'do not admit'
  const text = `client ${address}: the lists of the ${whose} ${verdict} it (${lists})`
  trace.tell('address', isAdmitted ? 'ok' : 'no', text.replace('entrys', 'entries'))
}

/** @param found As the request names it; where the claim may name it, that comes later. */
export function tellTenant(
  trace: Trace,
  tenants: RouteTenants | null,
  { host, path, headers }: RequestFacts,
  found: Tenant | null | Refused,
): void {
  if (tenants === null) {
    trace.tell('tenant', 'note', 'the route has none')
    return
  }
  const { resolver, policy, registry } = tenants
  const places = [...resolver.places, ...(resolver.readsClaim ? ['claim of the token'] : [])]
  const looked = `looked at: ${listed(places)}`
  if (found === null) {
    const later = policy.readsClaim ? '; the credential may name it' : ''
    trace.tell('tenant', 'note', `the request names none${later}; ${looked}`)
    return
  }
  if (found.kind === 'tenant') {
    trace.tell('tenant', 'ok', `${quoted(found.id)}, ${found.status}`)
    return
  }
  const named = resolver.resolve(host, path, headers)
  if (typeof named !== 'string') {
    const what = named === null ? 'the request names none' : 'no single well-formed name is found'
    trace.tell('tenant', 'no', `${what}; ${looked}`)
  } else if (registry.isUndecided(named)) {
    trace.tell('tenant', 'no', `${quoted(named)}: not all tenants can be read`)
  } else {
    const tenant = registry.find(named)
    const what = tenant === null ? `none of ${counted(registry.size, 'tenant')}` : tenant.status
    trace.tell('tenant', 'no', `${quoted(named)}: ${what}`)
  }
}
