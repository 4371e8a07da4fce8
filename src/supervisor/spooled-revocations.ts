/** Brings revocations that Redis has not taken over a restart, where a directory is configured. */
import type { Logger } from '../observability/logger.ts'
import type { Clock } from '../resilience/clock.ts'
import { withinDeadline } from '../resilience/deadline.ts'
import type { RevocationFeed } from '../revocation/revocation-feed.ts'
import { RevocationSpool, SPOOLED_RECORDS_MAX } from '../revocation/revocation-spool.ts'

/** A disk that hangs holds up neither the start nor the end. */
const DISK_MS = 2_000

export class SpooledRevocations {
  readonly #spool: RevocationSpool | null
  readonly #feed: RevocationFeed
  readonly #clock: Clock
  readonly #logger: Logger
  /** Files whose content is in force here: of no use any more once Redis has it. */
  #paths: readonly string[] = []

  /** @param directory `null`: nothing is kept. */
  constructor(directory: string | null, feed: RevocationFeed, clock: Clock, logger: Logger) {
    this.#spool = directory === null ? null : new RevocationSpool(directory)
    this.#feed = feed
    this.#clock = clock
    this.#logger = logger
  }

  /** Puts them into force here, and lets them be sent. */
  async restore(): Promise<void> {
    if (this.#spool === null) return
    const late = { entries: [], refusals: ['unreadable'], paths: [] } as const
    const loading = this.#spool.load(this.#clock.nowSeconds())
    const { entries, refusals, paths } = await withinDeadline(loading, DISK_MS, late)
    this.#paths = paths
    for (const entry of entries) this.#feed.revoke(entry)
    for (const reason of refusals) {
      this.#logger.security({ event: 'revocation_spool_refused', reason })
    }
    if (entries.length > 0)
      this.#logger.security({ event: 'revocations_restored', count: entries.length })
  }

  /** When nothing waits any more, Redis has them. */
  forgetSent(): void {
    if (this.#feed.status().pendingCount === 0) void this.#remove()
  }

  /**
   * At the end of the process.
   *
   * @param count How many Redis has not taken.
   * @returns How many of them are lost.
   */
  async keep(count: number): Promise<number> {
    if (this.#spool === null) return count
    if (count > 0) {
      const records = this.#feed.waiting(SPOOLED_RECORDS_MAX)
      const isSaved = await withinDeadline(this.#spool.save(records), DISK_MS, false)
      if (!isSaved) return count
      this.#logger.security({ event: 'revocations_kept', count: records.length })
    }
    await withinDeadline(this.#remove(), DISK_MS, undefined)
    return Math.max(0, count - SPOOLED_RECORDS_MAX)
  }

  async #remove(): Promise<void> {
    const paths = this.#paths
    this.#paths = []
    await this.#spool?.remove(paths)
  }
}
