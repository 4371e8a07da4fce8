/**
 * Byte layout of the cells of rate limits and lock-outs: the one place that knows an offset.
 *
 *     | header 64 B | set 0 | set 1 | ... | set N-1 |     a set is 128 B: 8 cells of 16 B
 *
 *     header           width      written by              memory order
 *      0  secret       2 x u32    maker of the buffer     plain, before any thread reads
 *      8  unused       56 B
 *
 *     set              width      written by              memory order
 *      0  names        8 x u64    thread with a new key   compare-exchange; see cell-table.ts
 *     64  states       8 x u64    every thread            compare-exchange; see cell-table.ts
 *
 *     name, first half     | hash of the key, low half: 32                        |
 *     name, second half    | hash, high half less its 9 top bits: 23 | generation 9 |
 *
 *     state, first half    | time, low half: 32                                   |
 *     state, second half   | time, high half: 20          | kind 3 | generation 9 |
 *
 *     kind          its time
 *      0  free      none
 *      1  claimed   when a thread gave the cell to a new key, of which nothing is counted yet
 *      2  limit     theoretical arrival time (TAT) of the next request
 *      3  failing   end of the window, in units of 1024 ticks; its 10 lowest bits: failures so far
 *      4  locked    end of the lock
 *
 * Time is in ticks of 1/16 µs since the start of the process (`Clock.processMs`): 52 bits last for
 * 8.9 years. A rate of 100 000/s is 160 ticks a request, so that no rate up to it
 * is off by more than 0.32 %; a rate of one a day is 1.4e12 ticks. A window ends up to 64 µs late.
 *
 * A cell belongs to the key of its name while name and state show the same generation. The
 * generation goes up, modulo 512, whenever a cell is given to another key. It is the stamp that
 * makes the compare-exchange of a thread fail that read the cell before.
 *
 * The set of a key is chosen by the high half of its hash, so the bits that a name lacks are known
 * from the place. Names of a set fill one cache line and states another: threads that only look
 * for their keys share the first line undisturbed.
 */
import { assertInvariant } from '../runtime/assert-invariant.ts'
import { randomHex } from '../runtime/randomness.ts'

const CACHE_LINE_BYTES = 64
const HALF_BYTES = Int32Array.BYTES_PER_ELEMENT
const WORD_BYTES = BigInt64Array.BYTES_PER_ELEMENT

export const WAYS_PER_SET = 8

const HEADER_WORDS = CACHE_LINE_BYTES / WORD_BYTES
/** Words from a name to the state of the same cell. */
export const STATE_OFFSET = CACHE_LINE_BYTES / WORD_BYTES
const SET_WORDS = STATE_OFFSET + WAYS_PER_SET
const SECRET_BYTES = 8

const GENERATION_BITS = 9
export const GENERATION_MASK = (1 << GENERATION_BITS) - 1
const KIND_BITS = 3
const KIND_MASK = (1 << KIND_BITS) - 1
const TIME_SHIFT = GENERATION_BITS + KIND_BITS

export const FREE = 0
export const CLAIMED = 1
export const LIMIT = 2
export const FAILING = 3
export const LOCKED = 4

export const TICKS_PER_MICRO = 16
/** The last instant that a state can hold. */
export const TICKS_MAX = 2 ** (64 - TIME_SHIFT) - 1
/** Ticks between two ends of windows that can be told apart; the bits below count failures. */
export const WINDOW_UNIT_TICKS = 1_024
/** Failures that a cell can count. */
export const FAILURES_MAX = WINDOW_UNIT_TICKS - 1

/** Keeps the product in {@link setOf} exact in a double. */
const SET_COUNT_MAX = 2 ** 20
/** 134 MB. */
const CELLS_MAX = SET_COUNT_MAX * WAYS_PER_SET

// Checked when the module loads: a wrong offset is a limit that silently does not hold.
assertInvariant(WAYS_PER_SET * WORD_BYTES === CACHE_LINE_BYTES, 'names of a set fill one line')
assertInvariant(SECRET_BYTES <= CACHE_LINE_BYTES, 'the secret fits the header')
assertInvariant(LOCKED <= KIND_MASK, 'every kind has a number')
assertInvariant(Number.isSafeInteger(TICKS_MAX), 'an instant is exact in a double')

/** One thread's view of the cells. */
export interface CellMemory {
  readonly words: BigInt64Array
  /** The same memory by halves of a word: `halves[2 * index]` is the first of `words[index]`. */
  readonly halves: Int32Array
  readonly setCount: number
}

/** Room for at least so many cells of 16 bytes, all free, with a secret of its own. */
export function createCellMemory(cellsMax: number): SharedArrayBuffer {
  const isPossible = cellsMax >= 1 && cellsMax <= CELLS_MAX
  assertInvariant(isPossible, 'the number of limit cells is within its bounds')
  const setCount = Math.ceil(cellsMax / WAYS_PER_SET)
  const buffer = new SharedArrayBuffer((HEADER_WORDS + setCount * SET_WORDS) * WORD_BYTES)
  const secret = Buffer.from(randomHex(SECRET_BYTES), 'hex')
  new Uint8Array(buffer).set(secret)
  return buffer
}

export function mapCells(buffer: SharedArrayBuffer): CellMemory {
  const words = new BigInt64Array(buffer)
  const setCount = (words.length - HEADER_WORDS) / SET_WORDS
  const isWhole = Number.isInteger(setCount) && setCount >= 1
  assertInvariant(isWhole && setCount <= SET_COUNT_MAX, 'the buffer holds whole sets')
  return { words, halves: new Int32Array(buffer), setCount }
}

/** The secret of the buffer, which seeds all hashes. Eight bytes. */
export function secretOf(buffer: SharedArrayBuffer): Int32Array {
  return new Int32Array(buffer, 0, SECRET_BYTES / HALF_BYTES)
}

/** Index of the first name of the set to which a key with this high half of its hash belongs. */
export function setOf(setCount: number, hashHigh: number): number {
  return setAt(Math.floor(((hashHigh >>> 0) * setCount) / 2 ** 32))
}

/** Index of the first name of set number `set`. */
export function setAt(set: number): number {
  return HEADER_WORDS + set * SET_WORDS
}

/** Second half of a name without its generation. */
export function nameHigh(hashHigh: number): number {
  return hashHigh << GENERATION_BITS
}

/** Second half of a state. */
export function stateHigh(ticks: number, kind: number, generation: number): number {
  return (Math.floor(ticks / 2 ** 32) << TIME_SHIFT) | (kind << GENERATION_BITS) | generation
}

export function kindOf(high: number): number {
  return (high >>> GENERATION_BITS) & KIND_MASK
}

export function ticksOf(low: number, high: number): number {
  return (high >>> TIME_SHIFT) * 2 ** 32 + (low >>> 0)
}
