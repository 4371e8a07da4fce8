/** Brings revocations that Redis has not taken over a restart, where a directory is configured. */
import type { Logger } from '../observability/logger.ts'
import { withinDeadline } from '../resilience/deadline.ts'
import type { RevocationEntry } from '../revocation/revocation-entry.ts'
import type { RevocationFeed } from '../revocation/revocation-feed.ts'
import {
  RevocationSpool,
  SPOOLED_RECORDS_MAX,
  type SpoolReading,
} from '../revocation/revocation-spool.ts'
import type { Clock } from '../runtime/clock.ts'

/** A disk that hangs holds up neither the start nor the end; what it gives later counts then. */
const DISK_MS = 2_000

export class SpooledRevocations {
  readonly #spool: RevocationSpool | null
  readonly #feed: RevocationFeed
  readonly #clock: Clock
  readonly #logger: Logger
  /** Files whose content is in force here: of no use any more once Redis has it. */
  #paths: readonly string[] = []
  #isEnding = false

  /** @param directory `null`: nothing is kept. */
  constructor(directory: string | null, feed: RevocationFeed, clock: Clock, logger: Logger) {
    this.#spool = directory === null ? null : new RevocationSpool(directory)
    this.#feed = feed
    this.#clock = clock
    this.#logger = logger
  }

  /** Puts them into force here, and lets them be sent. Settles before a disk that is slow has. */
  async restore(): Promise<void> {
    if (this.#spool === null) return
    const loading = this.#spool.load(this.#clock.nowSeconds())
    let isLate = false
    const isRestored = loading.then((reading) => {
      this.#restore(reading, isLate)
      return true
    })
    if (await withinDeadline(isRestored, DISK_MS, false)) return
    isLate = true
    this.#logger.security({ event: 'revocation_spool_refused', reason: 'unreadable' })
  }

  #restore({ entries, refusals, paths }: SpoolReading, isLate: boolean): void {
    // They stay on disk, for the next start.
    if (this.#isEnding) return
    const withoutRoom = entries.filter((entry) => !this.#takes(entry))
    // What is read again at the next start does no harm. The log may have taught us meanwhile what
    // is late, and then it is not sent by this process.
    this.#paths = withoutRoom.length === 0 && !isLate ? paths : []
    const reasons = new Set<string>(refusals)
    if (withoutRoom.length > 0) reasons.add('no_room')
    for (const reason of reasons) {
      this.#logger.security({ event: 'revocation_spool_refused', reason })
    }
    const count = entries.length - withoutRoom.length
    if (count > 0) this.#logger.security({ event: 'revocations_restored', count })
  }

  /** Whether it is in force here, and will be sent. */
  #takes(entry: RevocationEntry): boolean {
    const { outcome, isKept } = this.#feed.revoke(entry)
    return outcome !== 'full' && (isKept || outcome === 'expired')
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
    this.#isEnding = true
    const records = this.#feed.waiting(SPOOLED_RECORDS_MAX)
    if (records.length > 0) {
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
