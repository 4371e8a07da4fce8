/** Figures of a listener thread, each unlike the others, for tests of what becomes of them. */
import type { ListenerGauges } from '../../src/observability/listener-metrics.ts'

export const COUNTED = {
  verificationBatches: 1,
  verificationTokens: 12,
  verificationThreadsLost: 2,
  introspectionAttempts: 5,
  redisCommands: 40,
  redisFailures: 3,
  redisWrites: 8,
  rateLimitFallbacks: 3,
  lockouts: 5,
  rateLimitKeysEvicted: 8,
  rateLimitKeysUntracked: 1,
}
/** Of one cache. */
export const COUNTS = {
  puts: 9,
  putsSkipped: 1,
  putsTooLarge: 2,
  putsEnded: 3,
  evictions: 4,
  torn: 5,
}

/** Of a whole thread. */
export const LISTENER_GAUGES: ListenerGauges = {
  caches: { token: COUNTS, refusal: COUNTS },
  verificationQueueDepth: 3,
  counts: COUNTED,
  redis: { open: 2, ready: 1 },
  openConnections: 7,
  upstreams: [{ targets: 1, waiting: 0, connected: 0, name: 'backend', pending: 2, ejected: 1 }],
}
