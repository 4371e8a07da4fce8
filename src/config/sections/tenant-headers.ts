/** Which fields may name the tenant, for threads that load no schema. */
import type { TenantsConfiguration } from './tenants.ts'

/** Names, in lower case, of the headers in which requests may name their tenant. */
export function tenantHeaders(
  tenants: Pick<TenantsConfiguration, 'resolve'> | null,
): readonly string[] {
  return (tenants?.resolve ?? []).flatMap((rule) => (rule.from === 'header' ? rule.name : []))
}
