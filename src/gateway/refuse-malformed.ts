/** What becomes of a request that the server refuses before anything of it is known. */
import { withCorsFields } from '../http/cors-fields.ts'
import { NO_INDEX } from '../observability/listener-metrics.ts'
import type { RefusalReason } from '../protocol/refusal-reason.ts'
import { refuse } from '../protocol/verification.ts'
import { corsFieldsOfAny } from './cors-answer.ts'
import type { Gateway } from './gateway.ts'
import { NO_ROUTE, type RefusalResponse, refusalResponse } from './refusal-response.ts'

/** Not even the method is sure, and a malformed one has no bounds. */
const NONE = 'none'
const NOTHING_KNOWN = {
  method: NONE,
  host: null,
  path: null,
  hasQuery: false,
  route: NONE,
  tenant: null,
  clientAddress: null,
  userDigest: null,
  outcome: 'refused',
  upstream: null,
  target: null,
  bytesIn: null,
  bytesOut: null,
  durationMicros: 0,
  decideMicros: 0,
  upstreamMicros: null,
} as const
const NO_REQUEST = {
  method: NONE,
  path: '',
  route: NONE,
  tenant: null,
  clientAddress: '',
  shadow: false,
} as const

/**
 * The answer to such a request, which is counted, and logged like any other refusal, under the id
 * that the client gets. It took no time worth telling.
 *
 * @param origin Of the page that asks, as it came; empty: it names none.
 */
export function refuseMalformed(
  gateway: Gateway,
  reason: RefusalReason,
  origin: string,
): RefusalResponse {
  const refused = refuse(reason)
  const { code, detail } = refused
  const { metrics, requestIds, clock, logger, revision, recentRefusals } = gateway
  metrics.countRefusal(reason, NO_INDEX)
  metrics.countEnded(NO_INDEX, 'refused')
  const requestId = requestIds.create(clock.wallMs())
  const response = refusalResponse(refused, requestId, NO_ROUTE, null, null)
  const { statusCode: status } = response
  recentRefusals.keep(
    { ...NO_REQUEST, requestId, atMs: clock.wallMs(), status, code, reason, detail },
    revision.access.paths,
  )
  if (revision.accessLog.wants('refused', clock.monotonicMs())) {
    logger.access({ ...NOTHING_KNOWN, requestId, status, code, reason, detail })
  }
  const cors = corsFieldsOfAny(revision.corsPolicies, origin)
  return cors === null ? response : { ...response, headers: withCorsFields(response.headers, cors) }
}
