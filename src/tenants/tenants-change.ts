/** How what is known of tenants changes, as the supervisor tells its threads. */
import type { Tenant, TenantId } from './tenant.ts'

/** A tenant whose record cannot be understood: whether it may be served cannot be said. */
export interface UnreadableTenant {
  readonly name: TenantId
  /** Names of the configured issuers that its record may list. */
  readonly mayList: readonly string[]
}

/** Survives structured cloning. A name stands in at most one of the three lists. */
export interface TenantsChange {
  /** New, or in place of what was known of them. */
  readonly tenants: readonly Tenant[]
  readonly unreadable: readonly UnreadableTenant[]
  readonly gone: readonly TenantId[]
  /** Whether, from now on, a name that is not known is certainly no tenant. */
  readonly isComplete: boolean
}
