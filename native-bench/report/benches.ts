/** Every bench of this project, by the name of its file, in the order in which all of them run. */

/** Whose cases are the algorithm table (algorithm-table.ts). */
export const SIGNATURE_BENCH = 'signature-backends'

export const BENCHES: readonly string[] = [
  SIGNATURE_BENCH,
  'hand-over',
  'compact-jws',
  'bearer-token',
  'token-digest',
  'token-cache',
  'token-cache-churn',
  'session-lookup',
  'resolve-tenant',
  'canonical-path',
  'match-route',
  'client-address',
  'revocation',
  'limit-cells',
  'decide',
  'internal-token',
  'body-pages',
  'upstream-request',
  'proxy-dispatch',
]
