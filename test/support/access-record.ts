/** A line of the access log, for tests of what becomes of it. */
import type { AccessRecord } from '../../src/observability/access-record.ts'

export const ACCESS_RECORD: AccessRecord = {
  requestId: 'r1',
  method: 'GET',
  host: 'api.example.com',
  path: '/users/[redacted]',
  hasQuery: true,
  route: 'users',
  tenant: null,
  clientAddress: '192.0.2.1',
  userDigest: null,
  status: 401,
  outcome: 'refused',
  code: 'token_expired',
  reason: 'token_too_old',
  detail: null,
  upstream: null,
  target: null,
  bytesIn: 0,
  bytesOut: null,
  durationMicros: 212,
  decideMicros: 0,
  upstreamMicros: null,
}
