/** Revocations that found the index full, and when to try them again. */
import type { RevocationIndex } from './revocation-index.ts'
import { parseRevocationRecord } from './revocation-record.ts'

/** How soon entries that found the index full are tried again. */
export const RETRY_FULL_INDEX_MS = 10_000
/** With more than these the index is far too small, and they are only counted. */
const LEFT_OUT_MAX = 65_536

export class LeftOutRevocations {
  readonly #records = new Set<string>()
  #uncounted = 0
  #retryAtMs: number | null = null

  /** Entries that are not in force here. */
  get count(): number {
    return this.#records.size + this.#uncounted
  }

  add(record: string, nowMs: number): void {
    if (this.#records.size < LEFT_OUT_MAX) this.#records.add(record)
    else this.#uncounted += 1
    this.#retryAtMs ??= nowMs + RETRY_FULL_INDEX_MS
  }

  /**
   * Tries them again when that is due.
   *
   * @returns Whether there is room now for entries that were only counted: they have to be read
   *   again.
   */
  retry(index: RevocationIndex, nowMs: number, nowSeconds: number): boolean {
    if (this.#retryAtMs === null || nowMs < this.#retryAtMs) return false
    this.#retryAtMs = null
    const records = [...this.#records]
    this.#records.clear()
    for (const record of records) {
      const entry = parseRevocationRecord(record, nowSeconds)
      if (entry !== null && index.add(entry, nowSeconds) === 'full') this.add(record, nowMs)
    }
    if (this.#uncounted === 0 || this.#records.size > 0) return false
    this.#uncounted = 0
    return true
  }
}
