/**
 * When a breaker's endpoint may be asked by the gateway itself before the breaker's wait is over.
 * One for each breaker, shared by all threads:
 *
 *     | opening | wall clock in ms of the next | failures | latest early end | early ends |
 *
 * The breaker stays as it is meanwhile, so failed probes delay no request. They become rarer, after
 * a few; and none is made while the last early end was a mistake: no request of a client has
 * succeeded between it and the next opening.
 */
import type { BreakerPermit, Opening } from './circuit-breaker.ts'

const AFTER_MS = 500
const AFTER_MS_MAX = 5_000
/** With {@link AFTER_MS} in between; then twice as long each time. */
const FREQUENT_FAILURES = 8
const FREQUENT_ENDS = 3

const WORDS = 6
const OPENING_WORD = 0
const NEXT_WORD = 1
const FAILURES_WORD = 2
const ENDED_WORD = 3
const ENDS_WORD = 4
const CONFIRMED_WORD = 5

/** Room for so many; made once and handed to every thread. */
export function createEarlyProbesBuffer(count: number): SharedArrayBuffer {
  return new SharedArrayBuffer(count * WORDS * BigInt64Array.BYTES_PER_ELEMENT)
}

export class EarlyProbes {
  readonly #words: BigInt64Array
  readonly #waitMs: number

  /** @param waitMs Of the breaker. */
  constructor(buffer: SharedArrayBuffer, index: number, waitMs: number) {
    const at = index * WORDS * BigInt64Array.BYTES_PER_ELEMENT
    this.#words = new BigInt64Array(buffer, at, WORDS)
    this.#waitMs = waitMs
  }

  /**
   * @param expiryMs Longest that the probe takes; if nothing is told by then, its thread has died.
   * @returns Whether this caller may ask now.
   */
  begin({ permit, elapsedMs }: Opening, nowMs: number, expiryMs: number): boolean {
    const words = this.#words
    this.#notice(permit, nowMs - elapsedMs)
    const ended = this.#load(ENDED_WORD)
    const isRecent = Math.abs(nowMs - elapsedMs - ended) < this.#waitMs
    if (isRecent && this.#load(CONFIRMED_WORD) === 0) return false
    const next = Atomics.load(words, NEXT_WORD)
    const leftMs = Number(next) - nowMs
    if (leftMs > 0 && leftMs <= Math.max(expiryMs, AFTER_MS_MAX)) return false
    const until = BigInt(Math.trunc(nowMs + expiryMs))
    return Atomics.compareExchange(words, NEXT_WORD, next, until) === next
  }

  failed(beganAtMs: number): void {
    Atomics.add(this.#words, FAILURES_WORD, 1n)
    this.#store(NEXT_WORD, beganAtMs + this.#afterMs)
  }

  /** A probe has ended the breaker's wait. */
  ended(nowMs: number): void {
    this.#store(CONFIRMED_WORD, 0)
    Atomics.add(this.#words, ENDS_WORD, 1n)
    this.#store(ENDED_WORD, nowMs)
  }

  /** A request of a client has succeeded. */
  confirmed(): void {
    if (this.#load(CONFIRMED_WORD) === 0) this.#store(CONFIRMED_WORD, 1)
  }

  /** Begins the schedule of a new opening. Only the first thread that sees the opening does. */
  #notice(permit: BreakerPermit, openedAtMs: number): void {
    const words = this.#words
    const seen = Atomics.load(words, OPENING_WORD)
    // 0: none.
    const opening = BigInt(permit) + 1n
    if (seen === opening) return
    if (Atomics.compareExchange(words, OPENING_WORD, seen, opening) !== seen) return
    this.#store(FAILURES_WORD, 0)
    if (Math.abs(openedAtMs - this.#load(ENDED_WORD)) >= this.#waitMs) this.#store(ENDS_WORD, 0)
    this.#store(NEXT_WORD, openedAtMs + this.#afterMs)
  }

  get #afterMs(): number {
    const rarer = Math.max(
      0,
      this.#load(FAILURES_WORD) - FREQUENT_FAILURES,
      this.#load(ENDS_WORD) - FREQUENT_ENDS,
    )
    return Math.min(AFTER_MS_MAX, AFTER_MS * 2 ** rarer)
  }

  #load(word: number): number {
    return Number(Atomics.load(this.#words, word))
  }

  #store(word: number, value: number): void {
    Atomics.store(this.#words, word, BigInt(Math.trunc(value)))
  }
}
