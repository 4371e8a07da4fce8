/** The words that metrics count under, in an order that all threads share. */

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

/**
 * What becomes of loading the configuration anew. `unchanged`: it says what is in use already;
 * `refused`: it cannot be used, and the one in use stays.
 */
export const RELOAD_OUTCOMES = ['reloaded', 'unchanged', 'refused'] as const

export type ReloadOutcome = (typeof RELOAD_OUTCOMES)[number]
