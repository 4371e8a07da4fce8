/** A tenant of the configuration file, as registries keep it. */
import type { TenantConfiguration } from '../config/sections/tenants.ts'
import { assertInvariant } from '../runtime/assert-invariant.ts'
import { parseTenantId, type Tenant } from '../tenants/tenant.ts'

/** The configuration has checked its name. */
export function configuredTenant({ name, rateLimit, ...rest }: TenantConfiguration): Tenant {
  const id = parseTenantId(name)
  assertInvariant(id !== null, 'the configuration has checked the name of the tenant')
  return { kind: 'tenant', id, rate: rateLimit, ...rest }
}
