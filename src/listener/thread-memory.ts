/**
 * What a listener thread has as long as it lives, whatever the configuration is: its counters, and
 * its view of the memory that all threads share.
 */
import { ListenerMetrics } from '../observability/listener-metrics.ts'
import type { UpstreamPool } from '../proxy/upstream-pool.ts'
import { LimitCells } from '../rate-limit/limit-cells.ts'
import type { RedisClient } from '../redis/redis-client.ts'
import { KeyGenerations } from '../shared-memory/key-generations.ts'
import { CountedResources, CountsByName } from '../threads/counted-resources.ts'
import type { ListenerStart } from '../threads/listener-start.ts'
import { Resources } from '../threads/resources.ts'
import { InFlight } from '../token-cache/in-flight.ts'
import { RefusalCache } from '../token-cache/refusal-cache.ts'
import type { TokenCache } from '../token-cache/token-cache.ts'
import type { DerivedIdentity } from '../verifiers/derived-identity.ts'
import type { IntrospectionClient } from '../verifiers/introspection/introspection-client.ts'
import { upstreamCounts } from './read-upstream.ts'

const CACHE_COUNTS = [
  'puts',
  'putsSkipped',
  'putsTooLarge',
  'putsEnded',
  'evictions',
  'torn',
] as const
const REDIS_COUNTS = ['open', 'ready', 'commands', 'failures', 'writes'] as const

export type ThreadMemory = ReturnType<typeof createThreadMemory>

export function createThreadMemory({ index, buffers }: Pick<ListenerStart, 'index' | 'buffers'>) {
  const keys = new KeyGenerations(buffers.keyGenerations)
  return {
    resources: new Resources(),
    metrics: new ListenerMetrics({ threadIndex: index, routeNames: [], issuerNames: [] }),
    keys,
    refusals: new RefusalCache({ buffer: buffers.refusals, keys, ttlSeconds: 0 }),
    inFlight: new InFlight(buffers.inFlight),
    cells: new LimitCells(buffers.limitCells),
    totals: new LimitCells(buffers.totalCells),
    limitCounters: { fallbacks: 0, lockouts: 0 },
    tokenCaches: new CountedResources(
      CACHE_COUNTS,
      (cache: TokenCache<DerivedIdentity>) => cache.counters,
    ),
    introspectionClients: new CountedResources(
      ['attemptCount'],
      (client: IntrospectionClient) => client,
    ),
    introspectionResults: new CountsByName(({ results }: IntrospectionClient) => results),
    upstreamCounts: new CountsByName(upstreamCounts),
    upstreamFailures: new CountsByName(({ stats }: UpstreamPool) => stats.failures),
    redisClients: new CountedResources(REDIS_COUNTS, (client: RedisClient) => client.stats),
  }
}
