/** Says what becomes of the targets of upstreams: once per change, and of failures the first. */
import { EventLimiter } from '../observability/event-limiter.ts'
import type { Logger } from '../observability/logger.ts'
import { describeError } from '../observability/redact.ts'
import type { UpstreamWatch } from '../proxy/upstream-pool.ts'
import type { Clock } from '../runtime/clock.ts'

const WINDOW_MS = 1_000

/** @param logger Gets at most one failure of each target and cause within a second. */
export function upstreamEvents(logger: Logger, clock: Clock): UpstreamWatch {
  const limiter = new EventLimiter(1, WINDOW_MS)
  return {
    onFailed({ upstream, origin: target }, { reason, cause }, error) {
      const suppressed = limiter.admit(`${upstream} ${target} ${cause}`, clock.monotonicMs())
      if (suppressed === null) return
      const { errorCode } = describeError(error)
      const failure = { reason, cause, errorCode, suppressed }
      logger.log({ event: 'upstream_failed', upstream, target, ...failure })
    },
    onEjected({ upstream, origin: target }, { reason, cause }, probedAfterMs) {
      const failure = { reason, cause, probedAfterMs }
      logger.log({ event: 'upstream_target_ejected', upstream, target, ...failure })
    },
    onReturned({ upstream, origin: target }) {
      logger.log({ event: 'upstream_target_returned', upstream, target })
    },
  }
}
