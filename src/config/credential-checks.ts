/** What must hold within the settings of introspection, sessions, API keys and Redis. */

import { isConfidentialUrl } from '../protocol/http-url.ts'
import type { Complain, ConfigPath } from './config-error.ts'
import type { IntrospectionOutput } from './introspection-settings.ts'
import type { RedisOutput } from './redis-settings.ts'
import {
  type ApiKeysOutput,
  keepsAbsoluteTtl,
  type SessionsOutput,
  sessionAbsoluteTtlMs,
  sessionCookie,
  sessionTtlMs,
} from './session-settings.ts'

const MS_PER_SECOND = 1_000

/** Checks one well-formed section. Opens no file. */
export function checkIntrospection(
  path: ConfigPath,
  settings: IntrospectionOutput,
  complain: Complain,
): void {
  if (!settings.allowInsecureHttp && !isConfidentialUrl(settings.endpoint)) {
    complain(
      [...path, 'endpoint'],
      'must be https, or allowInsecureHttp set: tokens and the secret are sent there',
    )
  }
  checkClientKey(path, settings, complain)
  if (settings.onOutage === 'pass-through' && !settings.iUnderstand) {
    complain(
      [...path, 'iUnderstand'],
      'must be true for onOutage: pass-through, which lets unverified requests reach the upstream',
    )
  }
  for (const [setting, ms] of [
    ['cacheTtl', settings.cacheTtlMs],
    ['inactiveTtl', settings.inactiveTtlMs],
    ['staleMaxAge', settings.staleMaxAgeMs],
  ] as const) {
    if (ms % MS_PER_SECOND !== 0) complain([...path, setting], 'must be whole seconds')
  }
}

function checkClientKey(path: ConfigPath, settings: IntrospectionOutput, complain: Complain): void {
  const { clientSecret, clientSecretFile, privateKeyFile, clientAuthentication } = settings
  if (clientSecret !== null && clientSecretFile !== null) {
    complain([...path, 'clientSecretFile'], 'cannot be combined with clientSecret')
  }
  const hasSecret = clientSecret !== null || clientSecretFile !== null
  if (clientAuthentication === 'private_key_jwt') {
    if (privateKeyFile === null) {
      complain([...path, 'privateKeyFile'], 'is required for private_key_jwt')
    }
    if (hasSecret) complain([...path, 'clientSecret'], 'is not used with private_key_jwt')
    return
  }
  if (!hasSecret) {
    complain([...path, 'clientSecret'], `or clientSecretFile is required`)
  }
  if (privateKeyFile !== null) {
    complain([...path, 'privateKeyFile'], 'is only for private_key_jwt')
  }
}

export function checkSessions(
  sessions: SessionsOutput,
  hasRedis: boolean,
  complain: Complain,
): void {
  const path = ['sessions']
  if (sessions.store === 'redis' && !hasRedis) {
    complain([...path, 'store'], 'needs the section redis (or store: memory, for development)')
  }
  const isExpress = sessions.format === 'express-session'
  const hasSecret = sessions.secrets.length > 0 || sessions.secretFile !== null
  if (isExpress && !hasSecret) {
    complain([...path, 'secrets'], 'or secretFile is required for express-session')
  }
  if (!isExpress && hasSecret) complain([...path, 'secrets'], 'is only for express-session')
  if (isExpress) checkExpressStore(sessions, complain)
  checkLives(sessions, complain)
  if (sessionCookie(sessions).startsWith('__Host-') && sessions.cookiePath !== '/') {
    complain([...path, 'cookiePath'], 'must be / for a cookie whose name begins with __Host-')
  }
}

function checkLives(sessions: SessionsOutput, complain: Complain): void {
  if (
    keepsAbsoluteTtl(sessions) &&
    (sessionTtlMs(sessions) ?? 0) > sessionAbsoluteTtlMs(sessions)
  ) {
    complain(['sessions', 'ttl'], 'must not be longer than absoluteTtl')
  }
  for (const [setting, ms] of [
    ['ttl', sessions.ttlMs],
    ['absoluteTtl', sessions.absoluteTtlMs],
  ] as const) {
    if ((ms ?? 0) % MS_PER_SECOND !== 0) complain(['sessions', setting], 'must be whole seconds')
  }
}

function checkExpressStore({ store, keyHash }: SessionsOutput, complain: Complain): void {
  if (store === 'memory') {
    complain(
      ['sessions', 'store'],
      'must be redis for express-session: nobody else writes to memory',
    )
  }
  if (keyHash === 'sha256') {
    complain(
      ['sessions', 'keyHash'],
      'must be none for express-session, whose stores write plain ids',
    )
  }
}

export function checkApiKeys(apiKeys: ApiKeysOutput, hasRedis: boolean, complain: Complain): void {
  if (apiKeys.redis && !hasRedis) complain(['apiKeys', 'redis'], 'needs the section redis')
  if (apiKeys.header === 'authorization') {
    complain(['apiKeys', 'header'], 'must not be Authorization, which holds bearer tokens')
  }
  const seen = new Map<string, number>()
  apiKeys.keys.forEach(({ sha256 }, index) => {
    const earlier = seen.get(sha256.toLowerCase())
    if (earlier === undefined) seen.set(sha256.toLowerCase(), index)
    else complain(['apiKeys', 'keys', index, 'sha256'], `is the same as that of keys[${earlier}]`)
  })
}

/** In one Redis, what is stored for one kind of credential must never be found for the other. */
export function checkKeyPrefixes(
  sessions: SessionsOutput,
  apiKeys: ApiKeysOutput,
  complain: Complain,
): void {
  if (sessions.store !== 'redis' || !apiKeys.redis) return
  const [one, other] = [sessions.keyPrefix, apiKeys.keyPrefix]
  if (one.startsWith(other) || other.startsWith(one)) {
    complain(
      ['apiKeys', 'keyPrefix'],
      'must differ from sessions.keyPrefix, and neither may begin with the other',
    )
  }
}

export function checkRedis(redis: RedisOutput, complain: Complain): void {
  if (redis.password !== null && redis.passwordFile !== null) {
    complain(['redis', 'passwordFile'], 'cannot be combined with password')
  }
  if (redis.mode === 'cluster' && redis.database !== 0) {
    complain(['redis', 'database'], 'must be 0 in a cluster')
  }
  if (redis.mode === 'standalone' && redis.readFromReplicas) {
    complain(
      ['redis', 'readFromReplicas'],
      'must be false in the mode standalone: it knows no replicas',
    )
  }
  if (redis.mode !== 'sentinel') {
    for (const name of ['sentinelUsername', 'sentinelPassword'] as const) {
      if (redis[name] !== null) complain(['redis', name], 'is only for the mode sentinel')
    }
  }
  if (redis.mode === 'standalone' && redis.nodes.length > 1) {
    complain(['redis', 'nodes'], 'must list one server, unless mode is sentinel or cluster')
  }
}
