/** Every metric that the gateway exports: the one table. docs/metrics.md is generated from it. */
import { CACHE_METRICS } from './cache-metric-names.ts'
import type { MetricRow } from './metric-row.ts'

export const METRICS = {
  requests: {
    name: 'sallyport_requests_total',
    type: 'counter',
    unit: null,
    labels: ['route', 'outcome'],
    help: 'Finished requests by route and outcome. Route "none": no route matched.',
  },
  refusals: {
    name: 'sallyport_refusals_total',
    type: 'counter',
    unit: null,
    labels: ['code', 'reason', 'issuer'],
    help:
      'Answers of the gateway itself by error code, reason and issuer. Issuer "none": not known. ' +
      'The code follows from the reason.',
  },
  shadowRefusals: {
    name: 'sallyport_shadow_refusals_total',
    type: 'counter',
    unit: null,
    labels: ['route', 'code'],
    help:
      'Requests that a route in shadow let pass although it would have refused them, by error ' +
      'code. Not part of the refusals.',
  },
  requestDuration: {
    name: 'sallyport_request_duration_seconds',
    type: 'histogram',
    unit: 'seconds',
    labels: ['phase'],
    help:
      'Time per request. Phase "total": request head read until answer handed over; ' +
      '"authenticate": verification of credentials that were not in the cache; ' +
      '"upstream": dispatch until the head of the answer.',
  },
  cacheLookups: {
    name: 'sallyport_token_cache_lookups_total',
    type: 'counter',
    unit: null,
    labels: ['result'],
    help: 'Lookups in the token cache by result.',
  },
  ...CACHE_METRICS,
  verificationQueueDepth: {
    name: 'sallyport_verification_queue_depth',
    type: 'gauge',
    unit: null,
    labels: [],
    help: 'Tokens that wait for a verification thread.',
  },
  verificationBatches: {
    name: 'sallyport_verification_batches_total',
    type: 'counter',
    unit: null,
    labels: [],
    help: 'Batches of tokens handed to verification threads.',
  },
  verificationTokens: {
    name: 'sallyport_verification_tokens_total',
    type: 'counter',
    unit: null,
    labels: [],
    help: 'Tokens handed to verification threads. Divided by the batches: tokens per batch.',
  },
  verificationThreadsLost: {
    name: 'sallyport_verification_threads_lost_total',
    type: 'counter',
    unit: null,
    labels: [],
    help: 'Verification threads that ended unexpectedly or were too slow, and were replaced.',
  },
  signatureBinding: {
    name: 'sallyport_signature_binding_state',
    type: 'gauge',
    unit: null,
    labels: ['state'],
    help:
      '1 for the state of the Rust binding that checks signatures, 0 for the others. In every ' +
      'state but "works" OpenSSL checks all of them.',
  },
  introspectionAttempts: {
    name: 'sallyport_introspection_attempts_total',
    type: 'counter',
    unit: null,
    labels: [],
    help: 'Requests to introspection endpoints.',
  },
  introspectionCircuit: {
    name: 'sallyport_introspection_circuit_state',
    type: 'gauge',
    unit: null,
    labels: ['issuer', 'callers', 'state'],
    help:
      '1 for the state of a circuit breaker of the introspection endpoint, 0 for the others. ' +
      'Callers "all": the one for every token; "known": the one that tokens use, while the ' +
      'first is open, which the endpoint has called active within the last hour.',
  },
  introspectionPause: {
    name: 'sallyport_introspection_pause_seconds',
    type: 'gauge',
    unit: 'seconds',
    labels: ['issuer'],
    help:
      'Time left in which the introspection endpoint is not asked, because it has answered 429 ' +
      'with Retry-After. 0: it may be asked.',
  },
  introspectionPauses: {
    name: 'sallyport_introspection_pauses_total',
    type: 'counter',
    unit: null,
    labels: ['issuer'],
    help: 'Pauses that the introspection endpoint has asked for.',
  },
  redisConnections: {
    name: 'sallyport_redis_connections',
    type: 'gauge',
    unit: null,
    labels: ['state'],
    help: 'Connections of the listener threads to Redis: all of them (open), and those in use.',
  },
  redisCommands: {
    name: 'sallyport_redis_commands_total',
    type: 'counter',
    unit: null,
    labels: [],
    help: 'Commands to Redis.',
  },
  redisFailures: {
    name: 'sallyport_redis_failures_total',
    type: 'counter',
    unit: null,
    labels: [],
    help: 'Commands to Redis that failed, or were not sent because no connection was ready.',
  },
  redisWrites: {
    name: 'sallyport_redis_writes_total',
    type: 'counter',
    unit: null,
    labels: [],
    help: 'Writes to sockets of Redis. Commands divided by these: commands per pipeline.',
  },
  jwksKeyAge: {
    name: 'sallyport_jwks_key_age_seconds',
    type: 'gauge',
    unit: 'seconds',
    labels: ['issuer'],
    help: 'Time since the keys of the issuer were last fetched. Absent before the first fetch.',
  },
  jwksRefreshFailures: {
    name: 'sallyport_jwks_refresh_failures_total',
    type: 'counter',
    unit: null,
    labels: ['issuer'],
    help: 'Failed fetches of the keys of the issuer.',
  },
  jwksKeysWithoutPlace: {
    name: 'sallyport_jwks_keys_without_place',
    type: 'gauge',
    unit: null,
    labels: ['issuer'],
    help: 'Published keys of the issuer that are not used, because there is no room. Normally 0.',
  },
  jwksState: {
    name: 'sallyport_jwks_state',
    type: 'gauge',
    unit: null,
    labels: ['issuer', 'state'],
    help: '1 for the state that the keys of the issuer are in, 0 for the others.',
  },
  revocations: {
    name: 'sallyport_revocations',
    type: 'gauge',
    unit: null,
    labels: [],
    help: 'Revocations in memory, with some that have ended within the last minute.',
  },
  revocationCapacity: {
    name: 'sallyport_revocation_capacity',
    type: 'gauge',
    unit: null,
    labels: [],
    help: 'Revocations that can be in memory. When there are as many, new ones are refused.',
  },
  revocationsOfIssuer: {
    name: 'sallyport_revocations_of_issuer',
    type: 'gauge',
    unit: null,
    labels: ['issuer'],
    help:
      'Revocations in memory that count towards the share of the issuer; `none` are sessions and ' +
      'API keys.',
  },
  revocationsRefused: {
    name: 'sallyport_revocations_refused_total',
    type: 'counter',
    unit: null,
    labels: ['issuer'],
    help: 'Revocations and logouts that were refused because the share of the issuer is full.',
  },
  revocationsLeftOut: {
    name: 'sallyport_revocations_left_out',
    type: 'gauge',
    unit: null,
    labels: [],
    help: 'Revocations that found no room and are not in force in this instance. Must be 0.',
  },
  revocationLogState: {
    name: 'sallyport_revocation_log_state',
    type: 'gauge',
    unit: null,
    labels: ['state'],
    help: '1 for the state in which this instance reads what others revoke, 0 for the others.',
  },
  revocationLogLag: {
    name: 'sallyport_revocation_log_lag_seconds',
    type: 'gauge',
    unit: 'seconds',
    labels: [],
    help: 'Time since all that others revoked was last known here. Absent before the first time.',
  },
  revocationsPending: {
    name: 'sallyport_revocations_pending',
    type: 'gauge',
    unit: null,
    labels: [],
    help: 'Revocations known here that Redis has yet to take, or to take again.',
  },
  revocationAppendFailures: {
    name: 'sallyport_revocation_append_failures_total',
    type: 'counter',
    unit: null,
    labels: [],
    help: 'Attempts to send revocations to Redis that failed. They are tried again.',
  },
  revocationsUnreadable: {
    name: 'sallyport_revocation_records_unreadable_total',
    type: 'counter',
    unit: null,
    labels: [],
    help: 'Records of revocations in Redis that were none, and were skipped.',
  },
  tenants: {
    name: 'sallyport_tenants',
    type: 'gauge',
    unit: null,
    labels: [],
    help:
      'Tenants of Redis that are known, those among them that cannot be read included. Absent, like ' +
      'the next three, where there are none in Redis.',
  },
  tenantsState: {
    name: 'sallyport_tenants_state',
    type: 'gauge',
    unit: null,
    labels: ['state'],
    help: '1 for the state in which this instance knows the tenants in Redis, 0 for the others.',
  },
  tenantsUnreadable: {
    name: 'sallyport_tenants_unreadable',
    type: 'gauge',
    unit: null,
    labels: [],
    help: 'Records of tenants in Redis that cannot be understood. Their tenants get 503.',
  },
  tenantsLeftOut: {
    name: 'sallyport_tenants_left_out',
    type: 'gauge',
    unit: null,
    labels: [],
    help: 'At least so many tenants of Redis found no room and are not served. Must be 0.',
  },
  upstreamPending: {
    name: 'sallyport_upstream_pending',
    type: 'gauge',
    unit: null,
    labels: ['upstream'],
    help: 'Requests sent or waiting to be sent to the upstream and not answered yet.',
  },
  upstreamEjected: {
    name: 'sallyport_upstream_ejected',
    type: 'gauge',
    unit: null,
    labels: ['upstream'],
    help: 'Targets of the upstream that are ejected, as seen by the listener that sees most.',
  },
  openConnections: {
    name: 'sallyport_open_connections',
    type: 'gauge',
    unit: null,
    labels: [],
    help: 'Client connections that are open.',
  },
  eventLoopDelay: {
    name: 'sallyport_event_loop_delay_seconds',
    type: 'gauge',
    unit: 'seconds',
    labels: ['thread', 'quantile'],
    help: 'Delay of the event loop of a listener thread since the last scrape.',
  },
  eventLoopUtilization: {
    name: 'sallyport_event_loop_utilization',
    type: 'gauge',
    unit: null,
    labels: ['thread'],
    help: 'Share of the time since the last scrape in which the event loop was busy, 0 to 1.',
  },
  listenerThreads: {
    name: 'sallyport_listener_threads',
    type: 'gauge',
    unit: null,
    labels: [],
    help: 'Listener threads that answered this scrape.',
  },
  listenerRestarts: {
    name: 'sallyport_listener_restarts_total',
    type: 'counter',
    unit: null,
    labels: [],
    help: 'Listener threads that ended unexpectedly and were replaced.',
  },
  logLinesDropped: {
    name: 'sallyport_log_lines_dropped_total',
    type: 'counter',
    unit: null,
    labels: ['stream'],
    help: 'Log lines that were dropped because their buffer was full, by stream.',
  },
  logWriteFailures: {
    name: 'sallyport_log_write_failures_total',
    type: 'counter',
    unit: null,
    labels: ['error'],
    help:
      'Failed attempts to write the log, by error. They are repeated until one succeeds, and lines ' +
      'wait in the buffer meanwhile.',
  },
  ready: {
    name: 'sallyport_ready',
    type: 'gauge',
    unit: null,
    labels: [],
    help: '1 while the instance is ready for traffic, 0 otherwise.',
  },
  build: {
    name: 'sallyport_build_info',
    type: 'gauge',
    unit: null,
    labels: ['version', 'node', 'native_server'],
    help: 'Always 1. The labels say what runs.',
  },
} as const satisfies Record<string, MetricRow>

/** How a request ended. An index into this list is what listener threads count with. */
export const OUTCOMES = [
  'forwarded_1xx',
  'forwarded_2xx',
  'forwarded_3xx',
  'forwarded_4xx',
  'forwarded_5xx',
  'refused',
  'upstream_failed',
  'client_gone',
] as const

export type Outcome = (typeof OUTCOMES)[number]

/**
 * What a lookup in the token cache came to. `dead_key`: the key that verified the token is gone;
 * `refusal`: a cached refusal.
 */
export const CACHE_RESULTS = ['hit', 'miss', 'expired', 'dead_key', 'refusal'] as const

export type CacheResult = (typeof CACHE_RESULTS)[number]

export const LATENCY_PHASES = ['total', 'authenticate', 'upstream'] as const

export type LatencyPhase = (typeof LATENCY_PHASES)[number]

/** Label value for "no route" and "issuer not known". No configured name may be this. */
export const NO_NAME = 'none'
