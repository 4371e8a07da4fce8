/** Says that sessions cannot be read, also where requests pass without: the first of a reason. */
import { EventLimiter } from '../observability/event-limiter.ts'
import type { Logger } from '../observability/logger.ts'
import type { RefusalReason } from '../protocol/refusal-reason.ts'
import type { Clock } from '../runtime/clock.ts'

const TELL_EVERY_MS = 60_000

/** @returns To be told of each; the log gets at most one of a reason within a minute. */
export function unreadableSessions(logger: Logger, clock: Clock): (reason: RefusalReason) => void {
  const limiter = new EventLimiter(1, TELL_EVERY_MS)
  return (reason) => {
    const suppressed = limiter.admit(reason, clock.monotonicMs())
    if (suppressed !== null) logger.log({ event: 'session_unreadable', reason, suppressed })
  }
}
