/** What must hold within the settings of tenants, and between them and the rest. */

import { areSubdomainPatternsNested } from '../tenants/tenant-grammar.ts'
import type { Complain, ConfigPath } from './config-error.ts'
import type { RouteOutput } from './route-settings.ts'
import type { TenantsOutput } from './tenant-settings.ts'
import type { UnderstoodSettings } from './understood-settings.ts'

/** Checks the section. */
export function checkTenants(
  tenants: TenantsOutput,
  { issuers, upstreams, redis }: UnderstoodSettings,
  complain: Complain,
): void {
  checkSources(tenants, complain)
  const names = Object.keys(tenants.registry)
  if (names.length === 0 && !tenants.redis) {
    complain(['tenants', 'registry'], 'names no tenant, and tenants.redis is not set')
  }
  if (tenants.redis && !redis.isThere) {
    complain(['tenants', 'redis'], 'needs a redis section')
  }
  for (const [name, { issuers: listed, upstream }] of Object.entries(tenants.registry)) {
    const path = ['tenants', 'registry', name]
    listed.forEach((issuer, index) => {
      if (!issuers.has(issuer)) {
        complain([...path, 'issuers', index], 'names an issuer that does not exist')
      }
    })
    if (upstream !== null && !upstreams.has(upstream)) {
      complain([...path, 'upstream'], 'names an upstream that does not exist')
    }
  }
}

/** A route may only speak of tenants where there are some. */
export function checkRouteTenant(
  path: ConfigPath,
  route: RouteOutput,
  tenants: UnderstoodSettings['tenants'],
  complain: Complain,
): void {
  if (route.tenant !== null && !tenants.isThere) {
    complain([...path, 'tenant'], 'needs a tenants section')
  }
}

function checkSources({ resolve }: TenantsOutput, complain: Complain): void {
  const texts = resolve.map((source) => JSON.stringify(source))
  resolve.forEach((source, index) => {
    const path = ['tenants', 'resolve', index]
    if (texts.indexOf(texts[index] ?? '') < index) complain(path, 'is listed twice')
    if (source.from !== 'subdomain') return
    const isNested = resolve.some(
      (other, place) =>
        place < index &&
        other.from === 'subdomain' &&
        areSubdomainPatternsNested(other.pattern, source.pattern),
    )
    if (isNested) complain([...path, 'pattern'], 'reads hosts of another pattern as other tenants')
  })
}
