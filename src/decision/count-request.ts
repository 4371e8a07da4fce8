/** Counts requests on their way through a decision: as they arrive, and once they may pass. */
import { type Refused, refuse } from '../protocol/verification.ts'
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
  /** Whether a credential names the tenant: strangers use up nothing of its own rate. */
  readonly isOfTenant: boolean
  readonly apiKey: string | null
  /** Of the API key. */
  readonly ownRate: OwnRate | null
}

type Limited = LimitRefusal | null

/**
 * Counts for the API key first, and then for the tenant, so that one key cannot use up what its
 * tenant has once it is refused itself.
 *
 * @returns `null` when it may pass still; `rate_limited` otherwise.
 */
export function countAdmission(
  limiter: Limiter,
  origin: RequestOrigin,
  admission: Admission,
): Limited | Promise<Limited> {
  const { limits, apiKey, ownRate } = admission
  const own = ownRate === null ? null : limiter.takeOwn('key', ownRate, apiKey ?? '')
  if (own !== null) return own
  if (limits === null || apiKey === null) return countTenant(limiter, origin, admission)
  const ofKey = origin.limitedBy(limits).countKey(apiKey)
  if (!(ofKey instanceof Promise)) return ofKey ?? countTenant(limiter, origin, admission)
  return ofKey.then((refused) => refused ?? countTenant(limiter, origin, admission))
}

function countTenant(
  limiter: Limiter,
  origin: RequestOrigin,
  { limits, tenant, isOfTenant }: Admission,
): Limited | Promise<Limited> {
  if (tenant === null) return null
  const isCounted = isOfTenant && tenant.rate !== null
  const own = isCounted ? limiter.takeOwn('tenant', tenant.rate, tenant.id) : null
  return own ?? (limits === null ? null : origin.limitedBy(limits).countTenant(tenant.id))
}
