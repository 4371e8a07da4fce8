/** What a route needs to know of tenants; compiled when the configuration is loaded. */
import type { TenantPolicy } from '../tenants/match-token-tenant.ts'
import type { TenantResolver } from '../tenants/resolve-tenant.ts'
import type { TenantRegistry } from '../tenants/tenant-registry.ts'

export interface RouteTenants {
  readonly resolver: TenantResolver
  /** The thread's; replaced from the inside when tenants change. */
  readonly registry: TenantRegistry
  readonly policy: TenantPolicy
}
