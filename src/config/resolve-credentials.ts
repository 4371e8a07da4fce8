/**
 * Completes the settings of introspection, sessions, API keys, revocation and Redis with what files
 * and other sections say.
 */
import { signingAlgorithmOf } from '../protocol/key-algorithms.ts'
import type { ConfigPath } from './config-error.ts'
import type {
  ApiKeysConfiguration,
  ClientKeyConfiguration,
  IntrospectionConfiguration,
  RedisConfiguration,
  RevocationConfiguration,
  SessionsConfiguration,
} from './gateway-configuration.ts'
import type { IntrospectionOutput } from './introspection-settings.ts'
import { NO_PRIVATE_KEY, privateKeyIn } from './private-key.ts'
import type { RedisOutput } from './redis-settings.ts'
import type { RevocationOutput } from './revocation-settings.ts'
import { SESSION_FORMATS } from './session-formats.ts'
import {
  type ApiKeysOutput,
  keepsAbsoluteTtl,
  type SessionsOutput,
  sessionAbsoluteTtlMs,
  sessionCookie,
  sessionTtlMs,
} from './session-settings.ts'
import type { SettingFiles } from './setting-files.ts'

const MS_PER_SECOND = 1_000

export function resolveRedis(
  { password, passwordFile, tls, ...rest }: RedisOutput,
  files: SettingFiles,
): RedisConfiguration {
  const filed = passwordFile && files.secret(['redis', 'passwordFile'], passwordFile)
  const caFile = tls?.caFile ?? null
  const ca = caFile && files.content(['redis', 'tls', 'caFile'], caFile)
  return {
    ...rest,
    password: filed ? filed.toString('utf8') : password,
    tls: tls && { ca: ca ? ca.toString('utf8') : null, serverName: tls.serverName },
  }
}

export function resolveSessions(
  settings: SessionsOutput,
  files: SettingFiles,
): SessionsConfiguration {
  const { store, format, cookiePath, keyPrefix, allowedOrigins, pointers } = settings
  const { secrets, secretFile } = settings
  const ttlMs = sessionTtlMs(settings)
  const filed = secretFile && files.secret(['sessions', 'secretFile'], secretFile)
  return {
    store,
    format,
    cookie: sessionCookie(settings),
    cookiePath,
    keyPrefix,
    keyHash: settings.keyHash ?? SESSION_FORMATS[format].keyHash,
    secrets: filed ? [...secrets, filed.toString('utf8')] : secrets,
    ttlSeconds: ttlMs && ttlMs / MS_PER_SECOND,
    absoluteTtlSeconds: sessionAbsoluteTtlMs(settings) / MS_PER_SECOND,
    keepsAbsoluteTtl: keepsAbsoluteTtl(settings),
    allowedOrigins,
    pointers,
  }
}

export function resolveApiKeys({ keys, ...rest }: ApiKeysOutput): ApiKeysConfiguration {
  return { ...rest, keys: keys.map((key) => ({ ...key, sha256: key.sha256.toLowerCase() })) }
}

export function resolveIntrospection(
  path: ConfigPath,
  settings: IntrospectionOutput,
  files: SettingFiles,
): IntrospectionConfiguration {
  const { endpoint, clientId, requireAudience, timeoutMs, attempts, retryDelayMs } = settings
  const { cacheTtlMs, inactiveTtlMs, staleMaxAgeMs, onOutage, circuitBreaker } = settings
  return {
    endpoint,
    clientId,
    clientKey: resolveClientKey(path, settings, files),
    requireAudience,
    timeoutMs,
    attempts,
    retryDelayMs,
    cacheTtlMs,
    inactiveTtlMs,
    staleMaxAgeMs,
    onOutage,
    circuitBreaker,
  }
}

/** What is missing altogether has been complained about; it is empty here. */
function resolveClientKey(
  path: ConfigPath,
  settings: IntrospectionOutput,
  files: SettingFiles,
): ClientKeyConfiguration {
  const { clientAuthentication: method, clientSecret, clientSecretFile } = settings
  if (method === 'private_key_jwt') {
    const { privateKeyFile, privateKeyId } = settings
    const at = [...path, 'privateKeyFile']
    const pem = privateKeyFile && files.content(at, privateKeyFile)?.toString('utf8')
    const problem = pem ? signingKeyProblem(pem) : null
    if (problem !== null) files.complain(at, problem)
    return { method, privateKey: pem ?? '', keyId: privateKeyId }
  }
  const filed = clientSecretFile && files.secret([...path, 'clientSecretFile'], clientSecretFile)
  return { method, clientSecret: filed ? filed.toString('utf8') : (clientSecret ?? '') }
}

/** @returns `null` when a JWT can be signed with it. */
function signingKeyProblem(pem: string): string | null {
  const key = privateKeyIn(pem)
  if (key === null) return NO_PRIVATE_KEY
  return signingAlgorithmOf(key) === null
    ? 'holds a key that signs no JWT: RSA of 2048 bits or more, P-256, P-384, P-521 or Ed25519'
    : null
}

/** Does not look at tokens: how long they live is their issuers' business. */
export function resolveRevocation(
  { credentialLifetimeMaxMs, spoolDirectory, ...rest }: RevocationOutput,
  hasRedis: boolean,
  sessions: SessionsConfiguration | null,
  files: SettingFiles,
): RevocationConfiguration {
  const tokenLifeMaxSeconds = credentialLifetimeMaxMs / MS_PER_SECOND
  const redis = rest.redis ?? hasRedis
  if (spoolDirectory !== null && !redis) {
    files.complain(['revocation', 'spoolDirectory'], 'needs `redis`: nothing waits to be sent')
  }
  return {
    ...rest,
    redis,
    spoolDirectory: spoolDirectory === null ? null : files.absolute(spoolDirectory),
    tokenLifeMaxSeconds,
    credentialLifeMaxSeconds: Math.max(tokenLifeMaxSeconds, sessions?.absoluteTtlSeconds ?? 0),
  }
}
