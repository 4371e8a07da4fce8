/**
 * How many of the calls that strangers cause may be under way at once, so that they never load the
 * other side to the point where everybody waits there. One for each origin, shared by all threads:
 *
 *     | limit | halvings | quiet, recent (decided) | quiet, recent (refused) | under way, by thread
 *
 * What the other side can take is not known, and changes. So calls are timed:
 *
 *     quiet    average time of calls at whose begin and end no other stranger's was under way
 *     recent   average time of late; begins at `quiet` after each halving
 *
 *     recent above quiet       ──► half as many, if it was used up     (a time-out: the same)
 *     otherwise                ──► a quarter of one more, if it was nearly used
 *
 * Answers that decide and refusals, which something before the other side may give at once, are
 * timed apart: each is compared with its own kind. When the other side becomes slower by itself,
 * the limit falls until `quiet` is measured again, and rises from there. Averages, not the least
 * time ever seen: times that vary by themselves are no load.
 *
 * The limit is for all threads together, and each has an equal share. A share below one means one
 * call, and a rest after it (connection-turns.ts). Threads write without a lock: what one of them
 * overwrites is one sample of many.
 */

/** So few are no crowd: they tell how long a call takes by itself. Also the least limit. */
const QUIET_CALLS = 1
const START_LIMIT = 8
/** So much longer is a sign of load. */
const SLOWER = 1.25
/** Differences below this are noise of this machine. */
const NOISE_MICROS = 3_000
const WEIGHT = 1 / 8
/** A longer time counts as so many times the average: one alone is no sign of load. */
const OUTLIER = 2
/** With which calls in a crowd that are quicker than `quiet` lower it. */
const LOWERING_WEIGHT = 1 / 32
const GROWTH = 1 / 4
/** Calls under way, times this. */
const NEARLY_USED = 2
/** Of what may be under way. Fewer calls are no crowd that could be the cause of long times. */
const FULL = 3 / 4

const LIMIT_WORD = 0
const HALVINGS_WORD = 1
/** Quiet and recent time of each kind of answer in µs; 0: not measured yet. */
const TIMES_WORD = { decided: 2, refused: 4 } as const
const THREADS_WORD = 6
/** The limit is kept in thousandths. */
const THOUSAND = 1_000

/** What was answered: a verdict, or that this request is not taken. */
export type AnswerKind = keyof typeof TIMES_WORD

export interface CrowdLimitOptions {
  /** Which one of the buffer. */
  readonly index: number
  readonly thread: number
  readonly threads: number
  /** One thread's share never exceeds this. At least 1. */
  readonly shareMax: number
}

/** Under which circumstances a call was sent. */
export interface CrowdSample {
  readonly halvings: number
  /** Calls of strangers under way in all threads, itself included. */
  readonly strangers: number
}

function wordsFor(threads: number): number {
  return THREADS_WORD + threads
}

/** Room for so many; made once and handed to every thread. */
export function createCrowdLimitBuffer(count: number, threads: number): SharedArrayBuffer {
  return new SharedArrayBuffer(count * wordsFor(threads) * Int32Array.BYTES_PER_ELEMENT)
}

export class CrowdLimit {
  readonly #words: Int32Array
  readonly #threads: number
  readonly #ownWord: number
  readonly #shareMax: number

  /** A thread that is started anew has nothing under way. */
  constructor(buffer: SharedArrayBuffer, options: CrowdLimitOptions) {
    const { index, thread, threads, shareMax } = options
    const count = wordsFor(threads)
    const at = index * count * Int32Array.BYTES_PER_ELEMENT
    this.#words = new Int32Array(buffer, at, count)
    this.#threads = threads
    this.#ownWord = THREADS_WORD + thread
    this.#shareMax = shareMax
    Atomics.store(this.#words, this.#ownWord, 0)
    const start = Math.min(Math.max(START_LIMIT, threads), this.#most)
    Atomics.compareExchange(this.#words, LIMIT_WORD, 0, start * THOUSAND)
  }

  /** Strangers that this thread may have under way; below 1: one, but not all the time. */
  get share(): number {
    return Math.min(this.#shareMax, this.#limit / this.#threads)
  }

  /** A call is sent. */
  began(isStranger: boolean): CrowdSample {
    if (isStranger) Atomics.add(this.#words, this.#ownWord, 1)
    return { halvings: Atomics.load(this.#words, HALVINGS_WORD), strangers: this.#strangers }
  }

  /** A stranger's call is over, whatever came of it, and what that was has been told. */
  ended(): void {
    Atomics.sub(this.#words, this.#ownWord, 1)
  }

  answered(kind: AnswerKind, { halvings, strangers }: CrowdSample, durationMs: number): void {
    // What was sent under the limit before tells nothing about this one.
    if (halvings !== Atomics.load(this.#words, HALVINGS_WORD)) return
    const quietWord = TIMES_WORD[kind]
    const recentWord = quietWord + 1
    const micros = Math.max(1, Math.round(durationMs * THOUSAND))
    const recent = this.#average(recentWord, micros, WEIGHT)
    const isUsed = strangers * NEARLY_USED >= this.#limit
    const isQuiet = strangers <= QUIET_CALLS && this.#strangers <= QUIET_CALLS
    if (isQuiet) this.#average(quietWord, micros, WEIGHT)
    else if (recent < this.#quiet(quietWord)) this.#average(quietWord, recent, LOWERING_WEIGHT)
    // What a crowd of the limit's size would do is not known as long as there was none.
    if (!isUsed) return
    if (recent <= this.#quiet(quietWord) * SLOWER + NOISE_MICROS) this.#grow()
    else if (strangers >= this.#capacity * FULL) this.#halve(halvings)
  }

  /** A call was not answered in time. */
  timedOut({ halvings }: CrowdSample): void {
    this.#halve(halvings)
  }

  get #strangers(): number {
    let strangers = 0
    for (let word = THREADS_WORD; word < this.#words.length; word += 1) {
      strangers += Atomics.load(this.#words, word)
    }
    return strangers
  }

  get #limit(): number {
    return Atomics.load(this.#words, LIMIT_WORD) / THOUSAND
  }

  /** Calls that all threads together may have under way now. */
  get #capacity(): number {
    return this.#threads * Math.max(1, Math.floor(this.share))
  }

  get #most(): number {
    return this.#shareMax * this.#threads
  }

  #quiet(word: number): number {
    const quiet = Atomics.load(this.#words, word)
    return quiet === 0 ? Number.POSITIVE_INFINITY : quiet
  }

  /** Moves an average towards the sample; the first sample is one. */
  #average(word: number, sample: number, weight: number): number {
    const average = Atomics.load(this.#words, word)
    const capped = Math.min(sample, OUTLIER * average + NOISE_MICROS)
    const next = average === 0 ? sample : Math.round(average + (capped - average) * weight)
    Atomics.store(this.#words, word, next)
    return next
  }

  #grow(): void {
    const limit = Math.min(this.#most, this.#limit + GROWTH)
    Atomics.store(this.#words, LIMIT_WORD, Math.round(limit * THOUSAND))
  }

  /** Once, however many threads have seen the same. */
  #halve(halvings: number): void {
    const words = this.#words
    const next = (halvings + 1) | 0
    if (Atomics.compareExchange(words, HALVINGS_WORD, halvings, next) !== halvings) return
    const limit = Math.max(QUIET_CALLS * THOUSAND, Atomics.load(words, LIMIT_WORD) >> 1)
    Atomics.store(words, LIMIT_WORD, limit)
    for (const quietWord of Object.values(TIMES_WORD)) {
      Atomics.store(words, quietWord + 1, Atomics.load(words, quietWord))
    }
  }
}
