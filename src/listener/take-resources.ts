/**
 * What a listener thread holds beyond one configuration: its verification threads, and its
 * connections to upstreams and to Redis.
 */
import type { UpstreamConfiguration } from '../config/sections/upstreams.ts'
import type { GatewayConfiguration } from '../config/sections.ts'
import { UPSTREAM_POOL_LIMITS, UpstreamPool } from '../proxy/upstream-pool.ts'
import { RedisClient } from '../redis/redis-client.ts'
import { randomFraction } from '../runtime/randomness.ts'
import type { ResourceLease } from '../threads/resources.ts'
import { SignaturePool } from '../verifiers/jwt/signature-pool.ts'
import { hasFleetPart } from './compose-limits.ts'
import type { ResourceSurroundings } from './resource-surroundings.ts'
import { upstreamEvents } from './upstream-events.ts'

/** A connection to Redis beyond the minimum ends when it was not needed for so long. */
const REDIS_IDLE_MS = 30_000
/** Longest that a token waits for a verification thread, and a batch for its verdicts. */
const VERIFY_QUEUE_WAIT_MS = 2_000
const VERIFY_BATCH_DEADLINE_MS = 2_000

/** A listener thread's part of what the configuration says for the whole process. */
export function shareOf({ tuning }: GatewayConfiguration, processWide: number): number {
  return Math.max(1, Math.ceil(processWide / tuning.listenerThreads))
}

export function takeSignatures(
  configuration: GatewayConfiguration,
  lease: ResourceLease,
  { clock, onWorkerProved, onWorkerLost }: ResourceSurroundings,
): SignaturePool {
  const { tuning } = configuration
  const settings = {
    threads: shareOf(configuration, tuning.verifyThreads),
    batchMax: tuning.verifyBatchMax,
    queueMax: shareOf(configuration, tuning.verifyQueueMax),
    queueWaitMaxMs: VERIFY_QUEUE_WAIT_MS,
    batchDeadlineMs: VERIFY_BATCH_DEADLINE_MS,
  }
  return lease.take('signature pool', settings, {
    create: () => new SignaturePool({ ...settings, clock, onWorkerProved, onWorkerLost }),
    close: (pool) => pool.close(),
  })
}

export function takeUpstreams(
  configuration: GatewayConfiguration,
  lease: ResourceLease,
  { clock, logger, memory }: ResourceSurroundings,
): ReadonlyMap<string, UpstreamPool> {
  const watch = upstreamEvents(logger, clock)
  const pools = configuration.upstreams.map((upstream) => {
    const settings = upstreamSettings(upstream, configuration)
    const { name } = settings
    const life = {
      create: () => new UpstreamPool(settings, clock, watch),
      close: (pool: UpstreamPool) => pool.close(),
    }
    const counted = memory.upstreamCounts.counted(name, memory.upstreamFailures.counted(name, life))
    return lease.take('upstream pool', settings, counted)
  })
  return new Map(pools.map((pool) => [pool.name, pool]))
}

export function takeRedis(
  configuration: GatewayConfiguration,
  lease: ResourceLease,
  { onRedisState, logger, memory }: ResourceSurroundings,
): RedisClient | null {
  const { redis, sessions, apiKeys, revocation, rateLimits, tuning } = configuration
  const isUsed =
    sessions?.store === 'redis' ||
    apiKeys?.redis === true ||
    revocation.redis ||
    rateLimits.some(hasFleetPart)
  if (redis === null) return null
  if (!isUsed) {
    // A reload may begin to use it.
    RedisClient.prepare()
    return null
  }
  const settings = {
    ...redis,
    connectionsMin: shareOf(configuration, tuning.redisConnectionsMin),
    connectionsMax: shareOf(configuration, tuning.redisConnectionsMax),
    idleMs: REDIS_IDLE_MS,
    // Nothing else is read from replicas: without API keys their connections would be idle.
    readFromReplicas: redis.readFromReplicas && apiKeys?.redis === true,
  }
  const parts = {
    random: randomFraction,
    onState: onRedisState,
    onOversizedRecord: () => logger.log({ event: 'redis_record_too_large' }),
  }
  return lease.take(
    'Redis connections',
    settings,
    memory.redisClients.counted({
      create: () => new RedisClient(settings, parts),
      close: (connections) => connections.close(),
    }),
  )
}

function upstreamSettings(upstream: UpstreamConfiguration, configuration: GatewayConfiguration) {
  return {
    ...UPSTREAM_POOL_LIMITS,
    name: upstream.name,
    targets: upstream.targets,
    connectionsPerTarget: shareOf(configuration, configuration.tuning.upstreamConnections),
    connectTimeoutMs: upstream.connectTimeoutMs,
    responseTimeoutMs: upstream.responseTimeoutMs,
    bodyTimeoutMs: upstream.bodyTimeoutMs,
    bodyBytesMax: upstream.bodyBytes ?? Number.POSITIVE_INFINITY,
    keepAliveTimeoutMs: upstream.idleTimeoutMs,
    responseHeaderBytesMax: upstream.responseHeaderBytes,
    host: upstream.host,
    basePath: upstream.basePath ?? '',
    // What is in the files, so that other files are another pool.
    tls: upstream.tls,
    ejectAfterFailures: upstream.ejectAfterFailures,
    ejectionMs: upstream.probeIntervalMs,
    // Products such as 0.29 * 100 are not whole.
    retryPercent: Math.round(upstream.retryBudget * 100),
    ...(upstream.retryBudget === 0 && { retryBurst: 0 }),
  }
}
