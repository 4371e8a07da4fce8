/**
 * What a process cannot change while it runs, and what a change of the configuration is about.
 *
 * A setting that is not listed here needs a restart: one that was forgotten must not look as if it
 * had been taken over.
 */
import { isDeepStrictEqual } from 'node:util'
import type { GatewayConfiguration } from './sections.ts'

/** Parts of the resolved configuration that another one may have otherwise. */
const RELOADABLE: ReadonlySet<string> = new Set([
  'server.trustedProxies',
  'server.sendForwarded',
  'server.tls.certFile',
  'server.tls.keyFile',
  'server.limits.tokenBytes',
  'server.drain',
  'decision.trustedPeers',
  'decision.compat',
  'decision.maxAgeMs',
  'cache.refusalTtlMs',
  'issuers',
  'sessions',
  'apiKeys',
  // Follow from settings of others as well.
  'revocation.tokenLifeMaxSeconds',
  'revocation.credentialLifeMaxSeconds',
  'tenants.registry',
  'tenants.resolve',
  'tenants.allowTokensWithoutTenant',
  'identity.strategy',
  'identity.headers',
  'identity.internalToken.issuer',
  'identity.internalToken.audience',
  'upstreams',
  'rateLimits',
  'routes',
  'logging.accessLog',
  'watch',
])

/** Ends of resolved names that the file does not have. */
const UNITS = /(?:Ms|Seconds)$/

/** Resolved names whose settings are called otherwise; empty: others differ whenever this does. */
const IN_THE_FILE: Readonly<Record<string, string>> = {
  'identity.internalToken.upstreamCache': 'identity.internalToken.upstreamCacheTtl',
  'identity.internalToken.keys.kind': '',
  'identity.internalToken.keys.path': 'identity.internalToken.keyFiles',
  'identity.internalToken.keys.secret': 'identity.internalToken.keySecret',
  'identity.internalToken.keys.published': 'identity.internalToken.previousSecrets',
}

/** Names of the settings that differ and need a restart, such as `server.port`. */
export function restartSettings(
  current: GatewayConfiguration,
  next: GatewayConfiguration,
): readonly string[] {
  return differences('', current, next)
    .map((path) => path.replace(UNITS, ''))
    .map((path) => IN_THE_FILE[path] ?? path)
    .filter((name) => name !== '')
}

/** Names of the sections that differ, in the order of the manual. */
export function changedSections(
  current: GatewayConfiguration,
  next: GatewayConfiguration,
): readonly string[] {
  const names = Object.keys(next) as readonly (keyof GatewayConfiguration)[]
  return names.filter((name) => !isDeepStrictEqual(current[name], next[name]))
}

function differences(path: string, current: unknown, next: unknown): readonly string[] {
  if (RELOADABLE.has(path) || isDeepStrictEqual(current, next)) return []
  if (!isGroup(current) || !isGroup(next)) return [path]
  const names = new Set([...Object.keys(current), ...Object.keys(next)])
  return [...names].flatMap((name) =>
    differences(path === '' ? name : `${path}.${name}`, current[name], next[name]),
  )
}

function isGroup(value: unknown): value is Readonly<Record<string, unknown>> {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Uint8Array)
  )
}
