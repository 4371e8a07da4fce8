/** Counts requests on their way through a decision: as they arrive, and once they may pass. */
import type { Refused } from '../protocol/verification.ts'
import { refuse } from '../protocol/verification.ts'
import type { LimitRefusal } from '../rate-limit/limit-refusal.ts'
import type { LimitedRequest } from '../rate-limit/limited-request.ts'
import type { Limiter } from '../rate-limit/limiter.ts'
import type { RouteLimits } from '../rate-limit/route-limits.ts'
import type { OwnRate } from '../resilience/own-rate.ts'
import type { Tenant } from '../tenants/tenant.ts'
import type { RequestFacts, RequestOrigin } from './decision.ts'
import { type NamedUser, namedUser } from './named-user.ts'

type Outcome = LimitRefusal | Refused | null

/**
 * Counts a request for its address, for all, and for the user that it names. Answers in the same
 * tick where nothing has to be asked of the body or of Redis.
 *
 * @returns `null` when it may go on, or why not: `rate_limited`, `locked_out`, and where the user
 *   cannot be told `invalid_request`, `payload_too_large` or `overloaded`.
 */
export function countArrival(
  limited: LimitedRequest,
  facts: RequestFacts,
  origin: RequestOrigin,
): Outcome | Promise<Outcome> {
  const refusal = limited.enter()
  if (refusal !== null) return refusal
  const { field } = limited.limits
  const user = field === null ? null : namedUser(field, facts, origin)
  if (user !== null) return countUser(limited, user)
  return limited.asksFleet ? limited.enterFurther(null) : null
}

async function countUser(
  limited: LimitedRequest,
  user: NamedUser | Promise<NamedUser>,
): Promise<Outcome> {
  const named = await user
  return named.kind === 'refused' ? refuse(named.reason) : limited.enterFurther(named.value)
}

/** What a request that may pass is counted for. */
export interface Admission {
  readonly limits: RouteLimits | null
  readonly tenant: Tenant | null
  readonly apiKey: string | null
  /** Of the API key. */
  readonly ownRate: OwnRate | null
}

/** @returns `null` when it may pass still; `rate_limited` otherwise. */
export function countAdmission(
  limiter: Limiter,
  origin: RequestOrigin,
  { limits, tenant, apiKey, ownRate }: Admission,
): LimitRefusal | null | Promise<LimitRefusal | null> {
  const ofKey = ownRate === null ? null : limiter.takeOwn('key', ownRate, apiKey ?? '')
  if (ofKey !== null) return ofKey
  const tenantRate = tenant?.rate ?? null
  const ofTenant =
    tenantRate === null ? null : limiter.takeOwn('tenant', tenantRate, tenant?.id ?? '')
  if (ofTenant !== null || limits === null) return ofTenant
  return origin.limitedBy(limits).countServed(apiKey, tenant?.id ?? null)
}
