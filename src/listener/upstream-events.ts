/** Says what becomes of the targets of upstreams: once per change, and of failures the first. */
import { EventLimiter } from '../observability/event-limiter.ts'
import type { Logger } from '../observability/logger.ts'
import { describeError } from '../observability/redact.ts'
import type { UpstreamWatch } from '../proxy/upstream-pool.ts'
import type { Clock } from '../runtime/clock.ts'

const WINDOW_MS = 1_000

/** @param logger Gets at most one failure of each target and reason within a second. */
export function upstreamEvents(logger: Logger, clock: Clock): UpstreamWatch {
  const limiter = new EventLimiter(1, WINDOW_MS)
  return {
    onFailed({ upstream, origin: target }, reason, error) {
      const suppressed = limiter.admit(`${upstream} ${target} ${reason}`, clock.monotonicMs())
      if (suppressed === null) return
      const { errorCode } = describeError(error)
      logger.log({ event: 'upstream_failed', upstream, target, reason, errorCode, suppressed })
    },
    onEjected({ upstream, origin: target }, reason, probedAfterMs) {
      logger.log({ event: 'upstream_target_ejected', upstream, target, reason, probedAfterMs })
    },
    onReturned({ upstream, origin: target }) {
      logger.log({ event: 'upstream_target_returned', upstream, target })
    },
  }
}
