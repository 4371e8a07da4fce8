/** The tenants that the configuration file lists. */
import type { TenantConfiguration } from '../config/gateway-configuration.ts'
import { assertInvariant } from '../shared-memory/invariant.ts'
import { parseTenantId, type Tenant } from './tenant.ts'

/** @param registry Checked: every name is that of a tenant, and stands once. */
export function configuredTenants(registry: readonly TenantConfiguration[]): readonly Tenant[] {
  return registry.map(({ name, ...rest }) => {
    const id = parseTenantId(name)
    assertInvariant(id !== null, 'the configuration has judged the name of the tenant')
    return { id, ...rest }
  })
}
