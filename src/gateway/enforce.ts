/**
 * Makes a decision take effect: the one place that knows shadow mode, and that answers and reports
 * what was refused about a caller.
 *
 * Not for what the hard shell or the upstream refuses: that is refused on every route.
 */
import type { RefusedDecision } from '../decision/decision.ts'
import type { AuthErrorCode } from '../protocol/auth-error.ts'
import type { Identity } from '../protocol/verification.ts'
import { subjectDigest } from '../tenants/match-token-tenant.ts'
import type { GatewayRoute } from './gateway-route.ts'
import type { RequestContext } from './request-context.ts'

/**
 * Refusals of a credential that was never good, or was taken back: guesses. One that has merely
 * ended is none, or everybody behind one address would be locked out by a page that was left open.
 */
const WRONG_CREDENTIALS: ReadonlySet<AuthErrorCode> = new Set<AuthErrorCode>([
  'invalid_token',
  'unknown_signing_key',
  'invalid_claims',
  'inactive_token',
  'token_revoked',
  'invalid_session_format',
  'session_not_found',
  'invalid_api_key',
])

/**
 * Answers a request that was refused, and returns `null`.
 *
 * On a route in shadow the refusal is only reported, and the route comes back: the request goes on
 * as if no credential had been asked for, without identity and with its credential, for the
 * upstream to verify.
 */
export function enforce(
  request: RequestContext,
  decision: RefusedDecision<GatewayRoute>,
): GatewayRoute | null {
  const { route, refusal, identity } = decision
  if (identity !== null) reportMisuse(request, decision, identity)
  if (request.limited !== null && WRONG_CREDENTIALS.has(refusal.code)) request.limited.fail()
  if (route === null || !route.isShadow) {
    request.refuse(refusal)
    return null
  }
  const { metrics, logger } = request.gateway
  metrics.countShadowRefusal(refusal.code, route.metricsIndex)
  logger.security({
    event: 'shadow_refused',
    route: route.name,
    code: refusal.code,
    reason: refusal.reason,
  })
  return route
}

/** A good credential that was used where it must not be. */
function reportMisuse(
  { gateway, requestId }: RequestContext,
  { route, refusal }: RefusedDecision<GatewayRoute>,
  identity: Identity,
): void {
  const where = { requestId, route: route?.name ?? 'none' }
  if (refusal.code === 'token_revoked') {
    const digest = subjectDigest(identity)
    gateway.logger.security({ event: 'revoked_token_used', ...where, subjectDigest: digest })
  } else if ('requestTenant' in refusal) {
    gateway.logger.security({
      event: 'cross_tenant_attempt',
      ...where,
      reason: refusal.reason,
      requestTenant: refusal.requestTenant,
      credentialTenant: refusal.tokenTenant,
      subjectDigest: subjectDigest(identity),
    })
  }
}
