/** What one listener thread counts requests with. */
import { hash } from 'node:crypto'
import type { RateLimitConfiguration } from '../config/sections/rate-limits.ts'
import type { Logger } from '../observability/logger.ts'
import type { Trace } from '../protocol/trace.ts'
import { FleetLimits } from '../rate-limit/fleet-limits.ts'
import { FreshAnswers } from '../rate-limit/fresh-answers.ts'
import { Limiter, type LimiterParts, type Lockout } from '../rate-limit/limiter.ts'
import { PeekingLimiter } from '../rate-limit/peeking-limiter.ts'
import type { RouteLimits } from '../rate-limit/route-limits.ts'
import type { RedisClient } from '../redis/redis-client.ts'
import type { ResourceSurroundings } from './resource-surroundings.ts'

const KEY_PREFIX = 'sallyport:limit:'
/** Within so long every instance knows of a lock. */
const FRESH_MS = 1_000
const FRESH_MAX = 65_536
const MICROS_PER_SECOND = 1_000_000

export interface ComposedLimits {
  readonly limiter: Limiter
  /** By the name of the limit. */
  readonly byName: ReadonlyMap<string, RouteLimits>
  /** Counts nothing, and tells the trace: for a request that is only explained. */
  readonly peeking: (trace: Trace) => Limiter
}

export function composeLimits(
  settings: readonly RateLimitConfiguration[],
  redis: RedisClient | null,
  { clock, logger, memory }: ResourceSurroundings,
): ComposedLimits {
  const parts: LimiterParts = {
    cells: memory.cells,
    totals: memory.totals,
    counters: memory.limitCounters,
    fleet:
      redis === null || !settings.some(hasFleetPart) ? null : new FleetLimits(redis, KEY_PREFIX),
    fresh: new FreshAnswers({
      freshMs: FRESH_MS,
      entriesMax: FRESH_MAX,
      monotonicMs: () => clock.monotonicMs(),
    }),
    clock,
    onLockout: (lockout) => tell(logger, lockout),
  }
  const limiter = new Limiter(parts)
  const byName = new Map(settings.map((limit) => [limit.name, limiter.compile(limit)]))
  return { limiter, byName, peeking: (trace) => new PeekingLimiter(parts, trace) }
}

/** Whether anything in it is counted in Redis. */
export function hasFleetPart(limit: RateLimitConfiguration): boolean {
  return Object.values(limit).some(
    (part) => typeof part === 'object' && part !== null && 'isFleet' in part && part.isFleet,
  )
}

function tell(logger: Logger, { rule, locks, key, micros }: Lockout): void {
  logger.security({
    event: 'lockout_started',
    limit: rule,
    locks,
    key: locks === 'address' ? key : hash('sha256', key, 'base64url'),
    lockedForSeconds: Math.ceil(micros / MICROS_PER_SECOND),
  })
}
