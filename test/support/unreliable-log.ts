/** A log of revocations in memory that fails, delays, repeats and forgets when a test says so. */
import type { RecordToSend } from '../../src/revocation/known-revocations.ts'
import type {
  RevocationLog,
  RevocationLogPage,
  RevocationSetPage,
} from '../../src/revocation/revocation-log.ts'

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
  /** Other instances may know more. */
  isWhole = true
  /** What instances said about sending what it may have lost. */
  readonly mending: boolean[] = []
  reads = 0
  #generation = 0
  expiries: number[] = []

  /** Loses all records, as FLUSHALL does: no connection is cut. */
  lose(): void {
    this.records.splice(0)
    this.#generation += 1
  }

  async append(records: readonly RecordToSend[]): Promise<boolean> {
    await this.#answer()
    if (!this.isReachable || this.isReadOnly) return false
    for (const { record, expiresAtSeconds } of records) {
      this.records.push(record)
      this.expiries.push(expiresAtSeconds)
    }
    return !this.losesAnswers
  }

  async readSince(cursor: string | null): Promise<RevocationLogPage | null> {
    this.reads += 1
    await this.#answer()
    if (!this.isReachable) return null
    const { isWhole } = this
    const canAppend = !this.isReadOnly
    const [generation, position] = (cursor ?? '').split(':').map(Number)
    if (cursor === null || generation !== this.#generation) {
      const end = `${this.#generation}:${this.records.length}`
      return { records: [], cursor: end, isAnother: true, isEnd: true, isWhole, canAppend }
    }
    const [records, end] = this.#page(position ?? 0)
    const isEnd = end === this.records.length
    const next = `${this.#generation}:${end}`
    return { records, cursor: next, isAnother: false, isEnd, isWhole, canAppend }
  }

  async readSet(position: number): Promise<RevocationSetPage | null> {
    await this.#answer()
    if (!this.isReachable) return null
    const [records, end] = this.#page(position)
    return { records, next: end >= this.records.length ? null : end }
  }

  async setMending(isMending: boolean): Promise<void> {
    this.mending.push(isMending)
  }

  #page(start: number): [string[], number] {
    const end = Math.min(this.records.length, start + PAGE_RECORDS)
    const records = this.records.slice(Math.max(0, start - this.repeats), end)
    if (this.isReversed) records.reverse()
    return [records, end]
  }

  #answer(): Promise<void> {
    return this.isHung ? new Promise(() => {}) : new Promise((resolve) => setImmediate(resolve))
  }
}
