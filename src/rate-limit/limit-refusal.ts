/** Refusals of limits: unlike others, each says when to come back. */

import type { RefusalReason } from '../protocol/refusal-reason.ts'
import { type Refused, refuse } from '../protocol/verification.ts'
import { type LimitAnswer, limitAnswer, type RatePolicy } from './rate-fields.ts'

export interface LimitRefusal extends Refused, LimitAnswer {}

/**
 * @param policy `null`: locked after failures.
 * @param waitMicros Until it is worth trying again.
 */
export function refuseFor(
  reason: RefusalReason,
  policy: RatePolicy | null,
  waitMicros: number,
): LimitRefusal {
  return { ...refuse(reason), ...limitAnswer(policy, waitMicros) }
}
