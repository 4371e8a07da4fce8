/** Figures of a listener thread, each unlike the others, for tests of what becomes of them. */
import type { ListenerGauges } from '../../src/observability/listener-metrics.ts'
import type { UpstreamReading } from '../../src/observability/upstream-reading.ts'

/** Counted since the start. */
export const COUNTED = {
  verificationBatches: 1,
  verificationTokens: 12,
  verificationThreadsLost: 2,
  introspectionAttempts: 5,
  corsPreflights: 0,
  redisCommands: 40,
  redisFailures: 3,
  redisWrites: 8,
  rateLimitFallbacks: 3,
  lockouts: 5,
  rateLimitKeysEvicted: 8,
  rateLimitKeysUntracked: 1,
  requestFieldsDropped: 9,
}
/** Of one cache. */
const COUNTS = {
  puts: 9,
  putsSkipped: 1,
  putsTooLarge: 2,
  putsEnded: 3,
  evictions: 4,
  torn: 5,
}

/** Of one upstream. */
export function upstreamReading(name: string, pending: number, ejected: number): UpstreamReading {
  return {
    name,
    targets: 2,
    pending,
    waiting: 1,
    connected: 3,
    ejected,
    ejectedByTarget: { 'http://127.0.0.1:9500': ejected > 0, 'http://127.0.0.1:9501': false },
  }
}

/** Of one thread. */
export const LISTENER_GAUGES: ListenerGauges = {
  caches: { token: COUNTS, refusal: COUNTS },
  verificationQueueDepth: 3,
  counts: COUNTED,
  redis: { open: 2, ready: 1 },
  openConnections: 7,
  upstreams: [upstreamReading('backend', 2, 1)],
  upstreamCounts: [
    {
      name: 'backend',
      counts: new Map(Object.entries({ ejections: 4, retries: 6, retriesDenied: 1 })),
    },
  ],
  upstreamFailures: [{ name: 'backend', counts: new Map([['upstream_unreachable', 7]]) }],
  revisions: 1,
  introspection: [
    {
      name: 'main',
      counts: new Map([
        ['decided', 8],
        ['client_rejected', 2],
      ]),
    },
  ],
  securityEvents: new Map([['lockout_started', 3]]),
}
