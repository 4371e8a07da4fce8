/**
 * A one-word lock that orders writers and outlives a holder that dies.
 *
 *     0                          free
 *     [ seconds 16 | writer 16 ] held by `writer` since `seconds` (NumericDate modulo 2^16)
 *
 * No writer waits: one that finds the lock held gives up, because what is written is a cache. A
 * lock held for {@link STEAL_AFTER_SECONDS} belongs to a thread that died or stands still, and is
 * taken over. The old holder may still wake up and store; the lock cannot prevent that, so whatever
 * it guards must stay safe then (sequence.ts and the checksum in token-cache/slot.ts do that).
 * A wall clock that jumps only makes a take-over early or late, which is safe for the same reason.
 */

/** A holder needs microseconds; seconds leave room for a thread that the scheduler forgot. */
export const STEAL_AFTER_SECONDS = 3

/** Writers are numbered 1…65535; a number that comes round again after that many is harmless. */
export const WRITER_NUMBER_MAX = 0xffff

const ACQUIRE_ATTEMPTS_MAX = 32
const SECONDS_MASK = 0xffff

/**
 * Tries to take the lock at `index`.
 *
 * @returns The stamp to release it with, or 0 when another writer holds it.
 */
export function acquireWriterLock(
  words: Int32Array,
  index: number,
  writerNumber: number,
  nowSeconds: number,
): number {
  const stamp = ((nowSeconds & SECONDS_MASK) << 16) | writerNumber
  for (let attempt = 0; attempt < ACQUIRE_ATTEMPTS_MAX; attempt += 1) {
    const holder = Atomics.compareExchange(words, index, 0, stamp)
    if (holder === 0) return stamp
    const heldSeconds = (nowSeconds - (holder >>> 16)) & SECONDS_MASK
    const isAbandoned = heldSeconds >= STEAL_AFTER_SECONDS
    if (isAbandoned && Atomics.compareExchange(words, index, holder, stamp) === holder) return stamp
  }
  return 0
}

/** Frees the lock, unless it was taken over meanwhile. */
export function releaseWriterLock(words: Int32Array, index: number, stamp: number): void {
  Atomics.compareExchange(words, index, stamp, 0)
}
