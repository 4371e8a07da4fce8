/** Completes understood settings with files, names and the environment. */
import { closeSync, constants, openSync, readSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Complaint, ConfigPath } from './config-error.ts'
import type { EnvironmentReading } from './environment.ts'
import type {
  AdminConfiguration,
  GatewayConfiguration,
  IssuerConfiguration,
  IssuerKeysConfiguration,
  JwksConfiguration,
  JwksLocation,
  RouteConfiguration,
  ServerConfiguration,
} from './gateway-configuration.ts'
import { isSymmetric, secretBytesMin } from './issuer-checks.ts'
import type { IssuerOutput, JwksOutput } from './issuer-settings.ts'
import type { RouteOutput } from './route-settings.ts'
import { type AdminOutput, isAdminToken, type ServerOutput } from './server-settings.ts'
import { tlsFileProblems } from './tls-files.ts'
import type { UnderstoodSettings } from './understood-settings.ts'

/** Files with secrets, keys and certificates are short; what is longer was named by mistake. */
const CONTENT_BYTES_MAX = 65_536

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
  const routes = settings.routes.map((route) => route && resolveRoute(route, issuerNames))
  const { cache, identity, logging, watch } = settings
  if (!(server && admin && cache && identity && logging)) return files.resolution(null)
  if (!(isComplete(issuers) && isComplete(upstreams) && isComplete(routes))) {
    return files.resolution(null)
  }
  return files.resolution({
    server,
    admin,
    cache: { ...cache, sizeMiB: overrides.cacheSizeMiB ?? cache.sizeMiB },
    issuers,
    identity,
    upstreams,
    routes,
    logging,
    watch,
    tuning,
  })
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
  const keys = issuer.algorithms.some(isSymmetric)
    ? resolveSecret(path, issuer, files)
    : resolveJwks([...path, 'jwks'], issuer.jwks, files, overrides)
  if (keys === null) return null
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
  }
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

function resolveRoute(route: RouteOutput, issuerNames: readonly string[]): RouteConfiguration {
  const authenticate = Array.isArray(route.authenticate) ? 'required' : route.authenticate
  return {
    ...route,
    authenticate,
    issuers: authenticate === 'none' ? [] : (route.issuers ?? issuerNames),
    identity: route.identity ?? 'headers',
  }
}

/** The files that settings name. What cannot be read is a complaint at the setting. */
class SettingFiles {
  readonly #directory: string
  readonly #complaints: Complaint[] = []

  constructor(directory: string) {
    this.#directory = directory
  }

  resolution(configuration: GatewayConfiguration | null): Resolution {
    return { configuration, complaints: this.#complaints }
  }

  complain(path: ConfigPath, message: string): void {
    this.#complaints.push({ path, message })
  }

  absolute(name: string): string {
    return resolve(this.#directory, name)
  }

  /** The absolute name of a file that can be opened for reading now. */
  readable(path: ConfigPath, name: string): string {
    this.#read(path, name, 0)
    return this.absolute(name)
  }

  /** What the file holds. */
  content(path: ConfigPath, name: string): Buffer | null {
    const bytes = this.#read(path, name, CONTENT_BYTES_MAX + 1)
    if (bytes === null || bytes.length <= CONTENT_BYTES_MAX) return bytes
    this.complain(path, `names a file of more than ${CONTENT_BYTES_MAX} bytes`)
    return null
  }

  /** What the file holds, without one line end at its end. */
  secret(path: ConfigPath, name: string): Buffer | null {
    const bytes = this.content(path, name)
    if (bytes === null) return null
    const text = bytes.toString('latin1').replace(/\r?\n$/, '')
    return Buffer.from(text, 'latin1')
  }

  #read(path: ConfigPath, name: string, sizeBytesMax: number): Buffer | null {
    const file = this.absolute(name)
    try {
      if (!statSync(file).isFile()) {
        this.complain(path, 'names something that is not a file')
        return null
      }
      const descriptor = openSync(file, constants.O_RDONLY)
      try {
        const buffer = Buffer.alloc(sizeBytesMax)
        return buffer.subarray(0, readSync(descriptor, buffer, 0, sizeBytesMax, 0))
      } finally {
        closeSync(descriptor)
      }
    } catch (error) {
      this.complain(path, `names a file that cannot be read (${errorCode(error)})`)
      return null
    }
  }
}

/** `ENOENT` and the like. */
function errorCode(error: unknown): string {
  const hasCode = typeof error === 'object' && error !== null && 'code' in error
  return hasCode ? String(error.code) : 'unknown reason'
}
