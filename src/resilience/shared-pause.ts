/**
 * A pause that the other side has asked for, and that all threads keep:
 *
 *     | wall clock in ms at which it ends | how many there were |
 *
 * Bounded: neither the other side nor a clock that is set back can silence us for long.
 */

/** Longer ones are cut to this. */
export const PAUSE_MS_MAX = 30_000

const WORDS_PER_PAUSE = 2
const END_WORD = 0
const COUNT_WORD = 1

/** Room for so many, none of them begun; made once and handed to every thread. */
export function createPauseBuffer(count: number): SharedArrayBuffer {
  return new SharedArrayBuffer(count * WORDS_PER_PAUSE * BigInt64Array.BYTES_PER_ELEMENT)
}

export class SharedPause {
  readonly #words: BigInt64Array

  /** @param index Which one of the buffer. */
  constructor(buffer: SharedArrayBuffer, index: number) {
    const at = index * WORDS_PER_PAUSE * BigInt64Array.BYTES_PER_ELEMENT
    this.#words = new BigInt64Array(buffer, at, WORDS_PER_PAUSE)
  }

  /** How often one has begun since the start. */
  get count(): number {
    return Number(Atomics.load(this.#words, COUNT_WORD))
  }

  /** @returns Milliseconds until it ends; 0: there is none. */
  leftMs(nowMs: number): number {
    const leftMs = Number(Atomics.load(this.#words, END_WORD)) - nowMs
    // More than can have been asked for: the clock was set back.
    return leftMs > 0 && leftMs <= PAUSE_MS_MAX ? leftMs : 0
  }

  /**
   * Begins one, or makes the one that there is longer.
   *
   * @returns Whether there was none.
   */
  begin(durationMs: number, nowMs: number): boolean {
    const isNew = this.leftMs(nowMs) === 0
    const before = Atomics.load(this.#words, END_WORD)
    const end = BigInt(Math.trunc(nowMs + Math.min(durationMs, PAUSE_MS_MAX)))
    if (!isNew && end <= before) return false
    const isFirst = Atomics.compareExchange(this.#words, END_WORD, before, end) === before && isNew
    if (isFirst) Atomics.add(this.#words, COUNT_WORD, 1n)
    return isFirst
  }
}
