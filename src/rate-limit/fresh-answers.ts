/**
 * Hot path: remembers for a moment that a key was not locked, so that the fleet need not be asked
 * about one address with each of its requests. A lock that another instance starts is therefore
 * noticed so much later at most.
 *
 *     remember ──► recent ──is half of all, or old──► before ──the same again──► forgotten
 *
 * Whole halves are dropped: taking the oldest entry out of a full Map costs forty times as
 * much, because its iterators step over all entries that were removed at its beginning.
 */

export interface FreshAnswersParts {
  /** An answer is fresh for so long from when it is remembered. */
  readonly freshMs: number
  /** At least half as many of the latest answers are remembered, and never more; at least 2. */
  readonly entriesMax: number
  readonly monotonicMs: () => number
}

export class FreshAnswers {
  readonly #freshMs: number
  readonly #halfMax: number
  readonly #monotonicMs: () => number
  /** Keys, and when each was remembered. */
  #recent = new Map<string, number>()
  #before = new Map<string, number>()
  #recentSinceMs: number

  constructor({ freshMs, entriesMax, monotonicMs }: FreshAnswersParts) {
    this.#freshMs = freshMs
    this.#halfMax = Math.floor(entriesMax / 2)
    this.#monotonicMs = monotonicMs
    this.#recentSinceMs = monotonicMs()
  }

  /** Answers that are held, those included that are not fresh any more. */
  get size(): number {
    return this.#recent.size + this.#before.size
  }

  /** Whether the key was not locked a moment ago. `false` says nothing. */
  has(key: string): boolean {
    const atMs = this.#recent.get(key) ?? this.#before.get(key)
    return atMs !== undefined && this.#monotonicMs() - atMs < this.#freshMs
  }

  /** The key is not locked, as was told just now. Keys are held as they are: bound their length. */
  remember(key: string): void {
    const nowMs = this.#monotonicMs()
    const isOld = nowMs - this.#recentSinceMs >= this.#freshMs
    if (isOld || this.#recent.size >= this.#halfMax) {
      this.#before = this.#recent
      this.#recent = new Map()
      this.#recentSinceMs = nowMs
    }
    this.#recent.set(key, nowMs)
  }

  /** The key is locked now, as far as this thread knows. */
  forget(key: string): void {
    this.#recent.delete(key)
    this.#before.delete(key)
  }
}
