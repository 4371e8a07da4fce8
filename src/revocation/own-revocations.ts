/**
 * What this instance has revoked and the log has yet to hold, or may have lost.
 *
 * Kept in memory only: an instance that ends before it could send takes these with it. The log is
 * not trusted to keep what it accepted (a replica that was promoted too early has less): whenever
 * it is read from its beginning, what is not met again is sent again.
 */

/** Some 20 MB of records. */
const OWN_REVOCATIONS_MAX = 65_536

/** A record on its way. */
export interface OwnRecord {
  readonly record: string
  readonly expiresAtSeconds: number
}

interface OwnState extends OwnRecord {
  /** Met in the log since it was last read from its beginning. */
  isSeen: boolean
}

export class OwnRevocations {
  readonly #max: number
  /** In the order in which they were made. */
  readonly #states = new Map<string, OwnState>()
  readonly #unsent = new Set<OwnState>()

  /** @param max Most records kept, sent or not. */
  constructor(max = OWN_REVOCATIONS_MAX) {
    this.#max = max
  }

  /** How many the log does not hold yet. */
  get unsentCount(): number {
    return this.#unsent.size
  }

  /**
   * Keeps a record until it has expired. Gives up older ones that were sent to make room, never one
   * that was not.
   *
   * @returns Whether it will be sent; `false` when there is no room.
   */
  add(own: OwnRecord, nowSeconds: number): boolean {
    if (this.#states.has(own.record)) return true
    if (this.#states.size >= this.#max && !this.#makeRoom(nowSeconds)) return false
    const state: OwnState = { ...own, isSeen: false }
    this.#states.set(own.record, state)
    this.#unsent.add(state)
    return true
  }

  /** The oldest records to be sent, `count` at most. Those that have expired are forgotten. */
  nextUnsent(count: number, nowSeconds: number): OwnRecord[] {
    const next: OwnRecord[] = []
    for (const state of this.#unsent) {
      if (next.length === count) break
      if (state.expiresAtSeconds > nowSeconds) next.push(state)
      else this.#forget(state)
    }
    return next
  }

  markSent(record: string): void {
    const state = this.#states.get(record)
    if (state !== undefined) this.#unsent.delete(state)
  }

  /** The log holds it, whoever wrote it. */
  markSeen(record: string): void {
    const state = this.#states.get(record)
    if (state === undefined) return
    state.isSeen = true
    this.markSent(record)
  }

  /** The log is about to be read from its beginning. */
  beginReading(): void {
    for (const state of this.#states.values()) state.isSeen = false
  }

  /** It was read to its end: what it does not hold has to be sent again. */
  endReading(nowSeconds: number): void {
    for (const state of this.#states.values()) {
      if (state.expiresAtSeconds <= nowSeconds) this.#forget(state)
      else if (!state.isSeen) this.#unsent.add(state)
    }
  }

  #makeRoom(nowSeconds: number): boolean {
    if (this.#unsent.size >= this.#max) return false
    for (const state of this.#states.values()) {
      if (this.#unsent.has(state) && state.expiresAtSeconds > nowSeconds) continue
      this.#forget(state)
      return true
    }
    return false
  }

  #forget(state: OwnState): void {
    this.#states.delete(state.record)
    this.#unsent.delete(state)
  }
}
