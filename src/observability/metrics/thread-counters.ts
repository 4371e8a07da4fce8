/**
 * Counters of one number that each listener thread reads off its parts: declared here and nowhere
 * else. A new one is a row, and a value where the thread puts its reading together.
 */

interface ThreadCounterRow {
  readonly name: string
  readonly help: string
}

export const THREAD_COUNTERS = {
  verificationBatches: {
    name: 'sallyport_verification_batches_total',
    help: 'Batches of tokens handed to verification threads.',
  },
  verificationTokens: {
    name: 'sallyport_verification_tokens_total',
    help: 'Tokens handed to verification threads. Divided by the batches: tokens per batch.',
  },
  verificationThreadsLost: {
    name: 'sallyport_verification_threads_lost_total',
    help: 'Verification threads that ended unexpectedly or were too slow, and were replaced.',
  },
  introspectionAttempts: {
    name: 'sallyport_introspection_attempts_total',
    help: 'Requests to introspection endpoints.',
  },
  corsPreflights: {
    name: 'sallyport_cors_preflights_total',
    help:
      'Preflights of browsers that the gateway has answered for routes with `cors`. They are in ' +
      'no other metric and not in the access log.',
  },
  redisCommands: {
    name: 'sallyport_redis_commands_total',
    help: 'Commands to Redis.',
  },
  redisFailures: {
    name: 'sallyport_redis_failures_total',
    help: 'Commands to Redis that failed, or were not sent because no connection was ready.',
  },
  redisWrites: {
    name: 'sallyport_redis_writes_total',
    help: 'Writes to sockets of Redis. Commands divided by these: commands per pipeline.',
  },
  rateLimitFallbacks: {
    name: 'sallyport_rate_limit_fallbacks_total',
    help:
      'Requests that the fleet should have counted, and that this process decided about alone, ' +
      'because Redis did not answer.',
  },
  lockouts: {
    name: 'sallyport_lockouts_total',
    help: 'Addresses and users that were locked out after failures.',
  },
  rateLimitKeysEvicted: {
    name: 'sallyport_rate_limit_keys_evicted_total',
    help:
      'Addresses, users and others whose count was forgotten before its time, because too many ' +
      'are counted at once.',
  },
  rateLimitKeysUntracked: {
    name: 'sallyport_rate_limit_keys_untracked_total',
    help: 'Requests that were not counted, because other threads took each place first.',
  },
  requestFieldsDropped: {
    name: 'sallyport_request_fields_dropped_total',
    help:
      'Fields of requests that were left out because their names have other characters than ' +
      'letters, digits and dashes, and `server.keepHeaders` does not list them.',
  },
} as const satisfies Record<string, ThreadCounterRow>

export type ThreadCounter = keyof typeof THREAD_COUNTERS

/** What one thread, or all of them, have counted since the start. */
export type ThreadCounts = Readonly<Record<ThreadCounter, number>>

export const THREAD_COUNTER_NAMES = Object.keys(THREAD_COUNTERS) as readonly ThreadCounter[]

export const NOTHING_COUNTED: ThreadCounts = Object.freeze(
  Object.fromEntries(THREAD_COUNTER_NAMES.map((counter) => [counter, 0])) as Record<
    ThreadCounter,
    number
  >,
)

export function addCounts(one: ThreadCounts, other: ThreadCounts): ThreadCounts {
  const sums = THREAD_COUNTER_NAMES.map((counter) => [counter, one[counter] + other[counter]])
  return Object.fromEntries(sums) as Record<ThreadCounter, number>
}
