/** Completes the settings of introspection, sessions, API keys and Redis with what files hold. */
import { createPrivateKey } from 'node:crypto'
import type { ConfigPath } from './config-error.ts'
import type {
  ApiKeysConfiguration,
  ClientKeyConfiguration,
  IntrospectionConfiguration,
  RedisConfiguration,
  SessionsConfiguration,
} from './gateway-configuration.ts'
import type { IntrospectionOutput } from './introspection-settings.ts'
import type { RedisOutput } from './redis-settings.ts'
import type { ApiKeysOutput, SessionsOutput } from './session-settings.ts'
import type { SettingFiles } from './setting-files.ts'

const MS_PER_SECOND = 1_000
const COOKIES = { sallyport: '__Host-sid', 'express-session': 'connect.sid' } as const
const KEY_HASHES = { sallyport: 'sha256', 'express-session': 'none' } as const

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
  { secrets, secretFile, ttlMs, absoluteTtlMs, cookie, keyHash, ...rest }: SessionsOutput,
  files: SettingFiles,
): SessionsConfiguration {
  const filed = secretFile && files.secret(['sessions', 'secretFile'], secretFile)
  return {
    ...rest,
    cookie: cookie ?? COOKIES[rest.format],
    keyHash: keyHash ?? KEY_HASHES[rest.format],
    secrets: filed ? [...secrets, filed.toString('utf8')] : secrets,
    ttlSeconds: ttlMs / MS_PER_SECOND,
    absoluteTtlSeconds: absoluteTtlMs / MS_PER_SECOND,
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
    if (pem && !isPrivateKey(pem)) files.complain(at, 'does not hold a private key (PEM)')
    return { method, privateKey: pem ?? '', keyId: privateKeyId }
  }
  const filed = clientSecretFile && files.secret([...path, 'clientSecretFile'], clientSecretFile)
  return { method, clientSecret: filed ? filed.toString('utf8') : (clientSecret ?? '') }
}

function isPrivateKey(pem: string): boolean {
  try {
    createPrivateKey(pem)
    return true
  } catch {
    return false
  }
}
