/**
 * The records that this instance knows: those that it made and the log has yet to hold, and those
 * that the log held once and may have lost.
 *
 * The log is not trusted to keep what it accepted: a server that was emptied, or a replica that was
 * promoted too early, has less. So whenever the log is another one and was read from its beginning,
 * what is not met in it is sent again, by every instance that knows it, not only by its author.
 *
 * What was just sent may be lost before anybody has read it, and then nothing else tells that the
 * log has less: so what this instance made counts as held only when it was met in the log.
 *
 * Some 150 bytes a record, in the heap of the supervisor.
 */

/** A record on its way. */
export interface RecordToSend {
  readonly record: string
  readonly expiresAtSeconds: number
}

export interface BatchToSend {
  readonly records: readonly RecordToSend[]
  /** Whether the log held all of them once. */
  readonly isMending: boolean
}

export class KnownRevocations {
  readonly #max: number
  /** Until when each is in force; in the order in which they came. */
  readonly #records = new Map<string, number>()
  readonly #unsent = new Set<string>()
  #missing = new Set<string>()
  /** Made here and sent, since the look under way began and before: not met in the log yet. */
  readonly #justSent = new Set<string>()
  readonly #unmet = new Set<string>()
  /** Not met since the log was last read from its beginning; `null` when that is over. */
  #unseen: Set<string> | null = null
  readonly #waiting = new Map<string, ((isSent: boolean) => void)[]>()

  /** @param max Most records kept, sent or not. */
  constructor(max: number) {
    this.#max = max
  }

  /** How many wait to be sent. */
  get unsentCount(): number {
    return this.#unsent.size + this.#missing.size
  }

  /** Of those, how many only this instance can know. */
  get untoldCount(): number {
    return this.#unsent.size
  }

  /** Whether the log may have lost some that were not sent again yet. */
  get isMending(): boolean {
    return this.#unseen !== null || this.#missing.size > 0
  }

  get size(): number {
    return this.#records.size
  }

  /**
   * Keeps a record that was made here until it has expired. Gives up older ones that were sent to
   * make room, never one that was not.
   *
   * @returns Whether it will be sent; `false` when there is no room.
   */
  add({ record, expiresAtSeconds }: RecordToSend, nowSeconds: number): boolean {
    if (this.#records.has(record)) return true
    if (!this.#hasRoom(nowSeconds)) return false
    this.#records.set(record, expiresAtSeconds)
    this.#unsent.add(record)
    return true
  }

  /** Keeps a record of the log, as long as there is room. */
  learn({ record, expiresAtSeconds }: RecordToSend, nowSeconds: number): void {
    if (expiresAtSeconds <= nowSeconds || !this.#hasRoom(nowSeconds)) return
    this.#records.set(record, expiresAtSeconds)
  }

  /**
   * All of the log, as far as it was read, holds it: what waits to be sent waits on, for others
   * follow the latest. @returns Whether it was known.
   */
  markHeld(record: string): boolean {
    if (!this.#records.has(record)) return false
    this.#unseen?.delete(record)
    this.#missing.delete(record)
    this.#justSent.delete(record)
    this.#unmet.delete(record)
    return true
  }

  /** The latest of the log hold it, no matter which instance wrote it. @returns As `markHeld`. */
  markSeen(record: string): boolean {
    if (!this.markHeld(record)) return false
    if (this.#unsent.delete(record)) this.#tell(record, true)
    return true
  }

  /** The log has said that it holds it. */
  markSent(record: string): void {
    this.#missing.delete(record)
    if (!this.#unsent.delete(record)) return
    this.#justSent.add(record)
    this.#tell(record, true)
  }

  /** The latest of the log are about to be read. */
  beginLook(): void {
    for (const record of this.#justSent) this.#unmet.add(record)
    this.#justSent.clear()
  }

  /**
   * They were read to their end: what was sent before that and not met is to be sent anew.
   *
   * @returns How many the log has lost.
   */
  endLook(): number {
    const count = this.#unmet.size
    for (const record of this.#unmet) this.#unsent.add(record)
    this.#unmet.clear()
    return count
  }

  /** Settles when the log holds it, or when it will never be sent. */
  whenSent(record: string): Promise<boolean> {
    if (!this.#unsent.has(record)) return Promise.resolve(this.#records.has(record))
    return new Promise((resolve) => {
      const others = this.#waiting.get(record) ?? []
      this.#waiting.set(record, [...others, resolve])
    })
  }

  /**
   * The next records to be sent, `countMax` at most: first those that only we know, oldest first.
   * Those that have expired are forgotten.
   */
  nextToSend(countMax: number, nowSeconds: number): BatchToSend {
    const own = this.#take(this.#unsent, countMax, nowSeconds)
    if (own.length > 0) return { records: own, isMending: false }
    return { records: this.#take(this.#missing, countMax, nowSeconds), isMending: true }
  }

  /** The log is about to be read from its beginning. */
  beginReading(): void {
    this.#missing.clear()
    this.#justSent.clear()
    this.#unmet.clear()
    this.#unseen = new Set(this.#records.keys())
    for (const record of this.#unsent) this.#unseen.delete(record)
  }

  /**
   * It was read to its end: what it does not hold has to be sent again.
   *
   * @param start In [0, 1): with which of them to begin, so that not all instances send the same.
   */
  endReading(start: number, nowSeconds: number): void {
    const unseen = [...(this.#unseen ?? [])]
    this.#unseen = null
    const first = Math.floor(start * unseen.length)
    this.#missing = new Set([...unseen.slice(first), ...unseen.slice(0, first)])
    this.sweep(nowSeconds)
  }

  /** Forgets what has expired. Looks at each record. */
  sweep(nowSeconds: number): void {
    for (const [record, expiresAtSeconds] of this.#records) {
      if (expiresAtSeconds <= nowSeconds) this.#forget(record)
    }
  }

  #take(from: ReadonlySet<string>, countMax: number, nowSeconds: number): RecordToSend[] {
    const taken: RecordToSend[] = []
    for (const record of from) {
      if (taken.length === countMax) break
      const expiresAtSeconds = this.#records.get(record) ?? 0
      if (expiresAtSeconds > nowSeconds) taken.push({ record, expiresAtSeconds })
      else this.#forget(record)
    }
    return taken
  }

  #hasRoom(nowSeconds: number): boolean {
    if (this.#records.size < this.#max) return true
    if (this.#unsent.size >= this.#max) return false
    for (const [record, expiresAtSeconds] of this.#records) {
      if (this.#unsent.has(record) && expiresAtSeconds > nowSeconds) continue
      this.#forget(record)
      return true
    }
    return false
  }

  #forget(record: string): void {
    this.#records.delete(record)
    this.#unsent.delete(record)
    this.#missing.delete(record)
    this.#justSent.delete(record)
    this.#unmet.delete(record)
    this.#unseen?.delete(record)
    this.#tell(record, false)
  }

  #tell(record: string, isSent: boolean): void {
    const waiting = this.#waiting.get(record)
    if (waiting === undefined) return
    this.#waiting.delete(record)
    for (const resolve of waiting) resolve(isSent)
  }
}
