/**
 * The tenant of a request, before and after its credential is known.
 *
 * Hot path: decided for every request anew, cached verdict or not.
 */
import type { Identity, Refused } from '../protocol/verification.ts'
import type { RequestHead } from '../proxy/client-exchange.ts'
import {
  matchTokenTenant,
  subjectDigest,
  type TenantMismatch,
} from '../tenants/match-token-tenant.ts'
import type { Tenant } from '../tenants/tenant.ts'
import { judgeTenant } from '../tenants/tenant-registry.ts'
import type { RequestContext } from './request-context.ts'
import type { RouteTenants } from './route-tenants.ts'

/**
 * The tenant that the request names, `null` when it names none and may yet, or why it is refused:
 * `tenant_not_identified`, `tenant_not_found`, `tenant_suspended`, `invalid_request`.
 */
export function requestedTenant(
  { resolver, registry, policy }: RouteTenants,
  { host, path, headers }: RequestHead,
): Tenant | null | Refused {
  const isRequired = policy.required && !policy.readsClaim
  return judgeTenant(resolver.resolve(host, path, headers), registry, isRequired)
}

/**
 * The tenant to serve, or the refusal. An attempt to use a credential of one tenant at another is
 * reported with both, and with the digest of the subject.
 */
export function servedTenant(
  request: RequestContext,
  { registry, policy }: RouteTenants,
  identity: Identity,
): Tenant | null | Refused {
  const matched = matchTokenTenant(request.tenant, identity, registry, policy)
  if (matched !== null && 'reason' in matched) report(request, matched, identity)
  return matched
}

function report(request: RequestContext, mismatch: TenantMismatch, identity: Identity): void {
  request.gateway.logger.security({
    event: 'cross_tenant_attempt',
    requestId: request.requestId,
    route: request.route?.name ?? 'none',
    reason: mismatch.reason,
    requestTenant: mismatch.requestTenant,
    credentialTenant: mismatch.tokenTenant,
    subjectDigest: subjectDigest(identity),
  })
}
