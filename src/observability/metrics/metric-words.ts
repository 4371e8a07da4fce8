/** The words that metrics count under, in an order that all threads share. */

/** How a request ended. An index into this list is what listener threads count with. */
export const OUTCOMES = [
  'forwarded_1xx',
  'forwarded_2xx',
  'forwarded_3xx',
  'forwarded_4xx',
  'forwarded_5xx',
  'passed',
  'refused',
  'upstream_failed',
  'client_gone',
  'body_too_slow',
  'reader_stalled',
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

/**
 * What a request to an introspection endpoint came to.
 *
 * - `decided`: the endpoint said whether the token is active.
 * - `request_refused`: it does not take this request; the token may be the cause.
 * - `client_rejected`: 401 or 407: it does not take who we are, such as a wrong client secret.
 * - `wrong_endpoint`: 404, 405, 410 or 421. `too_many_requests`: 408, 425 or 429.
 * - `server_error`: 500 and above. `malformed`: not a valid answer of RFC 7662, or not JSON.
 * - the others as in resilience/outbound-http.ts.
 */
export const INTROSPECTION_RESULTS = [
  ...(['decided', 'request_refused', 'client_rejected', 'wrong_endpoint'] as const),
  ...(['too_many_requests', 'server_error', 'malformed', 'timeout', 'unreachable'] as const),
  ...(['proxy', 'tls', 'connection_lost', 'protocol', 'too_large', 'redirect', 'bad_url'] as const),
] as const

export type IntrospectionResult = (typeof INTROSPECTION_RESULTS)[number]

/** Label value for "no route" and "issuer not known". No configured name may be this. */
export const NO_NAME = 'none'

/**
 * What becomes of loading the configuration anew. `unchanged`: it says what is in use already;
 * `refused`: it cannot be used, and the one in use stays.
 */
export const RELOAD_OUTCOMES = ['reloaded', 'unchanged', 'refused'] as const

export type ReloadOutcome = (typeof RELOAD_OUTCOMES)[number]
