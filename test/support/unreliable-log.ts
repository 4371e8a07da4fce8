/** A log of revocations in memory that fails, delays, repeats and forgets when a test says so. */
import type { RevocationLog, RevocationLogPage } from '../../src/revocation/revocation-feed.ts'

const PAGE_RECORDS = 3

export class UnreliableLog implements RevocationLog {
  readonly records: string[] = []
  isReachable = true
  /** Appends fail while reads succeed: a replica that may not be written. */
  isReadOnly = false
  /** Calls never settle. */
  isHung = false
  /** Appends are taken, but reported as failed: the answer was lost. */
  losesAnswers = false
  /** How many records before the cursor are delivered once more. */
  repeats = 0
  /** Within a page, the last record first. */
  isReversed = false
  reads = 0
  expiries: number[] = []

  async append(record: string, expiresAtSeconds: number): Promise<boolean> {
    await this.#answer()
    if (!this.isReachable || this.isReadOnly) return false
    this.records.push(record)
    this.expiries.push(expiresAtSeconds)
    return !this.losesAnswers
  }

  async readSince(cursor: string | null): Promise<RevocationLogPage | null> {
    this.reads += 1
    await this.#answer()
    if (!this.isReachable) return null
    const start = cursor === null ? 0 : Number(cursor)
    const end = Math.min(this.records.length, start + PAGE_RECORDS)
    if (end <= start) return { records: [], cursor }
    const records = this.records.slice(Math.max(0, start - this.repeats), end)
    if (this.isReversed) records.reverse()
    return { records, cursor: String(end) }
  }

  #answer(): Promise<void> {
    return this.isHung ? new Promise(() => {}) : new Promise((resolve) => setImmediate(resolve))
  }
}
