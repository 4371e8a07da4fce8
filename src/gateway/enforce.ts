/**
 * Makes a decision take effect: the one place that knows shadow mode, and that answers and reports
 * what was refused about a caller.
 *
 * Not for what the hard shell or the upstream refuses: that is refused on every route.
 */
import type { RefusedDecision } from '../decision/decision.ts'
import { AUTH_ERRORS } from '../protocol/auth-error.ts'
import type { RefusalReason } from '../protocol/refusal-reason.ts'
import type { Identity, Refused } from '../protocol/verification.ts'
import { subjectDigest } from '../tenants/match-token-tenant.ts'
import type { GatewayRoute } from './gateway-route.ts'
import type { RequestContext } from './request-context.ts'

const TOO_MANY_REQUESTS = 429

/**
 * Refusals of what may have been a guess. An expired token is none, nor is a good one that is used
 * in the wrong place: its holder had it. Whether one that nothing is known about has ended or never
 * was cannot be told: see {@link LimitedRequest.fail} for how often that counts.
 */
const GUESSES: ReadonlySet<RefusalReason> = new Set<RefusalReason>([
  ...(['token_malformed', 'token_header_malformed', 'token_claims_malformed'] as const),
  ...(['header_alg_unknown', 'header_kid_malformed', 'header_typ_malformed'] as const),
  ...(['header_crit_refused', 'header_unencoded_refused'] as const),
  ...(['header_zip_refused', 'header_enc_refused'] as const),
  ...(['token_unsecured', 'algorithm_not_allowed', 'key_unknown', 'key_unfit'] as const),
  ...(['key_issuer_mismatch', 'signature_length', 'signature_invalid', 'token_inactive'] as const),
  ...(['session_cookie_malformed', 'session_cookie_foreign', 'session_not_found'] as const),
  'api_key_unknown',
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
  if (request.limited !== null && GUESSES.has(refusal.reason)) request.limited.fail()
  if (route === null || !route.isShadow) {
    if (isForCaller(refusal)) request.gateway.refusalPace.refuse(request, refusal)
    else request.refuse(refusal)
    return null
  }
  const { metrics, logger } = request.gateway
  metrics.countShadowRefusal(refusal.code, route.metricsIndex)
  request.keepRefusal(refusal, AUTH_ERRORS[refusal.code].status)
  logger.security({
    event: 'shadow_refused',
    route: route.name,
    code: refusal.code,
    reason: refusal.reason,
    detail: refusal.detail,
  })
  return route
}

/** What a client can cause at will. That there is too much to do is said at once. */
function isForCaller({ code, reason }: Refused): boolean {
  if (reason === 'key_unsettled') return true
  const { status } = AUTH_ERRORS[code]
  return status < 500 && status !== TOO_MANY_REQUESTS
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
