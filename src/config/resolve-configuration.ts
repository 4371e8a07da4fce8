/** Completes understood settings with files, names and the environment. */
import { authenticatorsOf } from './authenticator-checks.ts'
import type { Complaint, ConfigPath } from './config-error.ts'
import { type EnvironmentReading, fittingMiB } from './environment.ts'
import type {
  AdminConfiguration,
  GatewayConfiguration,
  IssuerConfiguration,
  IssuerKeysConfiguration,
  JwksConfiguration,
  JwksLocation,
  RouteConfiguration,
  ServerConfiguration,
  TenantsConfiguration,
} from './gateway-configuration.ts'
import { resolveInternalToken } from './internal-token-checks.ts'
import { isSymmetric, secretBytesMin } from './issuer-checks.ts'
import type { IssuerOutput, JwksOutput } from './issuer-settings.ts'
import {
  resolveApiKeys,
  resolveIntrospection,
  resolveRedis,
  resolveRevocation,
  resolveSessions,
} from './resolve-credentials.ts'
import type { RouteOutput } from './route-settings.ts'
import { isCaseSensitive } from './route-spelling.ts'
import { type AdminOutput, isAdminToken, type ServerOutput } from './server-settings.ts'
import { SettingFiles } from './setting-files.ts'
import type { TenantsOutput } from './tenant-settings.ts'

/** The cache is at most one part in so many of the memory limit. */
const CACHE_SHARE_MAX = 2

import { tlsFileProblems } from './tls-files.ts'
import type { UnderstoodSettings } from './understood-settings.ts'

interface Resolution {
  /** `null` when a part is missing; then somebody has complained. */
  readonly configuration: GatewayConfiguration | null
  readonly complaints: readonly Complaint[]
}

/** @param directory Relative names of files start here. */
export function resolveConfiguration(
  settings: UnderstoodSettings,
  environment: EnvironmentReading,
  directory: string,
): Resolution {
  const files = new SettingFiles(directory)
  const { overrides, tuning } = environment
  const server = settings.server && resolveServer(settings.server, files)
  const admin = settings.admin && resolveAdmin(settings.admin, files)
  const issuers = [...settings.issuers].map(([name, issuer]) => {
    return issuer && resolveIssuer(name, issuer, files, overrides)
  })
  const upstreams = [...settings.upstreams].map(([name, item]) => item && { name, ...item })
  const issuerNames = [...settings.issuers.keys()]
  const routes = settings.routes.map((route) => route && resolveRoute(route, issuerNames, settings))
  const redis = settings.redis.settings && resolveRedis(settings.redis.settings, files)
  const sessions = settings.sessions.settings && resolveSessions(settings.sessions.settings, files)
  const apiKeys = settings.apiKeys.settings && resolveApiKeys(settings.apiKeys.settings)
  const tenants = settings.tenants.settings && resolveTenants(settings.tenants.settings)
  const identity = settings.identity && {
    ...settings.identity,
    internalToken: resolveInternalToken(settings.identity.internalToken, files),
  }
  const { cache, logging, revocation, watch } = settings
  if (!(server && admin && cache && identity && logging && revocation))
    return { configuration: null, complaints: files.complaints }
  if (!(isComplete(issuers) && isComplete(upstreams) && isComplete(routes))) {
    return { configuration: null, complaints: files.complaints }
  }
  const configuration = {
    server,
    admin,
    cache: { ...cache, sizeMiB: cacheSizeMiB(cache.sizeMiB, environment, files) },
    issuers,
    redis,
    sessions,
    apiKeys,
    revocation: resolveRevocation(revocation, redis !== null, sessions, files),
    tenants,
    identity,
    upstreams,
    routes,
    logging,
    watch,
    tuning,
  }
  return { configuration, complaints: files.complaints }
}

/** A limit that is too small for the cache ends the process some time after the start. */
function cacheSizeMiB(
  setMiB: number | null,
  { overrides, tuning: { memoryLimitMiB } }: EnvironmentReading,
  files: SettingFiles,
): number {
  const sizeMiB = overrides.cacheSizeMiB ?? setMiB
  if (sizeMiB === null) return fittingMiB(memoryLimitMiB)
  if (memoryLimitMiB !== null && sizeMiB * CACHE_SHARE_MAX > memoryLimitMiB) {
    const path = overrides.cacheSizeMiB === null ? ['cache', 'sizeMiB'] : ['SALLYPORT_CACHE_MIB']
    files.complain(path, `must be at most half of the memory limit, which is ${memoryLimitMiB} MiB`)
  }
  return sizeMiB
}

function isComplete<Item>(items: readonly (Item | null)[]): items is readonly Item[] {
  return !items.includes(null)
}

function resolveServer(server: ServerOutput, files: SettingFiles): ServerConfiguration {
  if (server.tls === null) return { ...server, tls: null }
  const path = ['server', 'tls']
  const { certFile, keyFile } = server.tls
  const certificate = files.content([...path, 'certFile'], certFile)
  const key = files.content([...path, 'keyFile'], keyFile)
  if (certificate !== null && key !== null) {
    for (const { setting, message } of tlsFileProblems(certificate, key)) {
      files.complain([...path, setting], message)
    }
  }
  return {
    ...server,
    tls: { certFile: files.absolute(certFile), keyFile: files.absolute(keyFile) },
  }
}

function resolveAdmin(admin: AdminOutput, files: SettingFiles): AdminConfiguration {
  const { host, port, token, tokenFile } = admin
  if (tokenFile === null) return { host, port, token }
  const path = ['admin', 'tokenFile']
  const fileToken = files.secret(path, tokenFile)?.toString('latin1') ?? null
  if (fileToken !== null && !isAdminToken(fileToken)) {
    files.complain(path, 'must hold 16 to 1024 characters that a bearer token may consist of')
  }
  return { host, port, token: fileToken }
}

function resolveIssuer(
  name: string,
  issuer: IssuerOutput,
  files: SettingFiles,
  overrides: EnvironmentReading['overrides'],
): IssuerConfiguration | null {
  const path = ['issuers', name]
  const keys = resolveKeys(path, issuer, files, overrides)
  if (keys === null) return null
  const introspection =
    issuer.introspection &&
    resolveIntrospection([...path, 'introspection'], issuer.introspection, files)
  return {
    name,
    issuer: issuer.issuer,
    audiences: issuer.audiences,
    algorithms: issuer.algorithms,
    clockToleranceSeconds: issuer.clockToleranceMs / 1_000,
    requiredClaims: issuer.requiredClaims,
    types: issuer.types,
    keys,
    claims: issuer.claims,
    introspection,
    logoutAudiences: issuer.logoutAudiences,
    logoutRevokes: issuer.logoutRevokes,
    credentialLifeMaxSeconds:
      issuer.credentialLifetimeMaxMs && Math.ceil(issuer.credentialLifetimeMaxMs / 1_000),
  }
}

function resolveKeys(
  path: ConfigPath,
  issuer: IssuerOutput,
  files: SettingFiles,
  overrides: EnvironmentReading['overrides'],
): IssuerKeysConfiguration | null {
  if (issuer.algorithms.some(isSymmetric)) return resolveSecret(path, issuer, files)
  if (issuer.jwks === null && issuer.introspection !== null) return { kind: 'none' }
  return resolveJwks([...path, 'jwks'], issuer.jwks, files, overrides)
}

function resolveSecret(
  path: ConfigPath,
  { algorithms, secret, secretFile }: IssuerOutput,
  files: SettingFiles,
): IssuerKeysConfiguration | null {
  const key = secretFile === null ? 'secret' : 'secretFile'
  const bytes =
    secretFile === null
      ? Buffer.from(secret ?? '', 'utf8')
      : files.secret([...path, 'secretFile'], secretFile)
  // What is missing altogether has been complained about.
  if (bytes === null || bytes.length === 0) return null
  const least = secretBytesMin(algorithms)
  if (bytes.length < least) {
    files.complain([...path, key], `must hold at least ${least} bytes for these algorithms`)
  }
  // A copy of its own: small buffers share a pool with whatever else the process reads.
  return { kind: 'secret', secret: Uint8Array.from(bytes) }
}

function resolveJwks(
  path: ConfigPath,
  jwks: JwksOutput | null,
  files: SettingFiles,
  overrides: EnvironmentReading['overrides'],
): IssuerKeysConfiguration | null {
  if (jwks === null) return null
  const { uri, discovery: _, file, diskCache, ...rest } = jwks
  const configuration: JwksConfiguration = {
    ...rest,
    location: resolveLocation(path, { uri, file }, files),
    diskCache: diskCache === null ? null : files.absolute(diskCache),
    cacheTtlMs: overrides.jwksCacheTtlMs ?? jwks.cacheTtlMs,
    refreshIntervalMs: overrides.jwksRefreshIntervalMs ?? jwks.refreshIntervalMs,
  }
  return { kind: 'jwks', ...configuration }
}

function resolveLocation(
  path: ConfigPath,
  { uri, file }: Pick<JwksOutput, 'uri' | 'file'>,
  files: SettingFiles,
): JwksLocation {
  if (file !== null) return { kind: 'file', file: files.readable([...path, 'file'], file) }
  return uri === null ? { kind: 'discovery' } : { kind: 'uri', uri }
}

function resolveRoute(
  route: RouteOutput,
  issuerNames: readonly string[],
  settings: UnderstoodSettings,
): RouteConfiguration {
  const authenticate = Array.isArray(route.authenticate) ? 'required' : route.authenticate
  return {
    ...route,
    authenticate,
    authenticators: authenticatorsOf(route, settings),
    caseSensitive: isCaseSensitive(route, settings),
    issuers: authenticate === 'none' ? [] : (route.issuers ?? issuerNames),
    identity: route.identity ?? settings.identity?.strategy ?? 'headers',
    tenant: resolveRouteTenant(route, settings),
  }
}

function resolveRouteTenant(
  { tenant, authenticate }: RouteOutput,
  { tenants }: UnderstoodSettings,
): RouteConfiguration['tenant'] {
  if (tenants.settings === null) return 'none'
  if (tenant !== null) return tenant
  return tenants.settings.required && authenticate !== 'none' ? 'required' : 'optional'
}

function resolveTenants({ registry, ...rest }: TenantsOutput): TenantsConfiguration {
  const tenants = Object.entries(registry).map(([name, tenant]) => ({ name, ...tenant }))
  return { ...rest, registry: tenants }
}
