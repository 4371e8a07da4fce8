/** Settings under which tests reach Redis: the defaults, with a pool small enough to watch. */
import type { RedisClientOptions, RedisNode } from '../../src/redis/redis-options.ts'

/** For what is not about time: a busy machine must not look like a Redis that hangs. */
export const PATIENT = { connectTimeoutMs: 10_000, commandTimeoutMs: 10_000 } as const

export function redisOptions(
  nodes: readonly RedisNode[],
  changes: Partial<RedisClientOptions> = {},
): RedisClientOptions {
  return {
    mode: 'standalone',
    nodes,
    masterName: 'sessions',
    username: null,
    password: null,
    sentinelUsername: null,
    sentinelPassword: null,
    database: 0,
    tls: null,
    connectTimeoutMs: 500,
    commandTimeoutMs: 100,
    recordBytesMax: 65_536,
    connectionsMin: 2,
    connectionsMax: 4,
    idleMs: 30_000,
    readFromReplicas: false,
    ...changes,
  }
}
