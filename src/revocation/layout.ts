/**
 * Byte layout of the shared revocation index: the one place that knows an offset.
 *
 *     | header 64 B | bucket 0 | bucket 1 | ... | bucket N-1 |     a bucket is 128 B
 *
 *     header           width      written by    memory order
 *      0  epoch        u32        writer        atomic; counts publications, skips 0
 *      4  entry count  u32        writer        atomic; entries that lie in the table, live or not
 *      8  unused       56 B
 *
 *     bucket           width      written by    memory order
 *      0  passed       u32        writer        atomic write, plain read
 *      4  key, word 0  5 x i32    writer        plain     } before `until` of the same way
 *     24  until        5 x u32    writer        atomic; seconds, NumericDate; 0: the way is free
 *     44  watermark    5 x u32    writer        atomic; seconds, or EVERY
 *     64  key, word 1  5 x i32    writer        plain     }
 *     84  key, word 2  5 x i32    writer        plain     } before `until` of the same way
 *    104  key, word 3  5 x i32    writer        plain     }
 *    124  unused       4 B
 *
 * An entry lies in the bucket that its key chooses, or, where that is full, in one of the next.
 * `passed` counts the entries that went past a bucket in this way: where it is 0 a search ends. So
 * an entry can be removed without a mark in its place, never moves, and a reader never has to be
 * told of anything but a new publication. A search for what is not there, the usual case, nearly
 * always reads the first cache line of one bucket.
 *
 * There is one writer: the supervisor. Its order of stores, and the reader's of loads:
 *
 *     writer   passed of earlier buckets → key → watermark → until → entry count → epoch
 *     reader   epoch → entry count → passed and keys → until → watermark → key again
 *
 * The atomics are sequentially consistent. A reader that loads an epoch has thereby everything that
 * was stored before it: it cannot miss an entry published before it began. A key that matches while
 * `until` is not yet stored is not an entry yet. And a way that was freed and given to another key
 * between two loads shows that key at the last: nothing of it is taken for the first one's.
 */
import { assertInvariant } from '../runtime/assert-invariant.ts'

const CACHE_LINE_BYTES = 64
const WORD_BYTES = Int32Array.BYTES_PER_ELEMENT

export const KEY_WORDS = 4
export const WAYS_PER_BUCKET = 5

/** Of five ways three are filled on average when the index is full: searches stay short. */
const ENTRIES_PER_BUCKET = 3

const HEADER_WORDS = CACHE_LINE_BYTES / WORD_BYTES
export const EPOCH_WORD = 0
export const ENTRY_COUNT_WORD = 1

const BUCKET_WORDS = (2 * CACHE_LINE_BYTES) / WORD_BYTES
export const PASSED_WORD = 0

// Offsets from the word index of an entry, which is that of its bucket plus its way.
export const KEY_0_WORD = 1
export const UNTIL_WORD = KEY_0_WORD + WAYS_PER_BUCKET
export const WATERMARK_WORD = UNTIL_WORD + WAYS_PER_BUCKET
export const KEY_1_WORD = CACHE_LINE_BYTES / WORD_BYTES
export const KEY_2_WORD = KEY_1_WORD + WAYS_PER_BUCKET
export const KEY_3_WORD = KEY_2_WORD + WAYS_PER_BUCKET

/** `until` of a way that holds nothing. */
export const UNTIL_FREE = 0
/** Watermark of an entry that covers a credential whenever it was issued. */
export const WATERMARK_EVERY = 0xffff_ffff
/** Latest instant that fits a word: the year 2106. */
export const SECONDS_MAX = 0xffff_fffe

/** The epoch of a new index. Never 0: that is "looked up in no epoch". */
export const EPOCH_FIRST = 1

/** Buckets that a search may visit. At three entries a bucket a run of so many is unheard of. */
const PROBES_MAX = 64

/** Keeps the product in {@link homeBucketOf} exact in a double. */
const BUCKET_COUNT_MAX = 2 ** 21
/** About 6.3 million entries, 268 MB. */
export const REVOCATION_CAPACITY_MAX = BUCKET_COUNT_MAX * ENTRIES_PER_BUCKET

// Checked when the module loads: a wrong offset is a revocation that silently does not count.
assertInvariant(PASSED_WORD < KEY_0_WORD, 'keys follow the count of passers')
assertInvariant(WATERMARK_WORD + WAYS_PER_BUCKET <= KEY_1_WORD, 'the first line holds its fields')
assertInvariant(KEY_3_WORD + WAYS_PER_BUCKET <= BUCKET_WORDS, 'the second line holds its fields')
assertInvariant(ENTRIES_PER_BUCKET < WAYS_PER_BUCKET, 'the index is full before its buckets are')
assertInvariant(SECONDS_MAX < WATERMARK_EVERY, 'no instant reads as EVERY')
assertInvariant(Math.max(EPOCH_WORD, ENTRY_COUNT_WORD) < HEADER_WORDS, 'the header is one line')

/** One thread's view of the index. */
export interface IndexMemory {
  readonly words: Int32Array
  readonly bucketCount: number
  /** Buckets that one search visits at most. */
  readonly probesMax: number
  /** Entries that may lie in the table at once. */
  readonly capacity: number
}

/** Buffer size for at least `capacity` entries: 43 bytes each. */
export function indexSizeBytes(capacity: number): number {
  const isPossible = capacity >= 1 && capacity <= REVOCATION_CAPACITY_MAX
  assertInvariant(isPossible, 'the capacity of the revocation index is within its bounds')
  const bucketCount = Math.ceil(capacity / ENTRIES_PER_BUCKET)
  return (HEADER_WORDS + bucketCount * BUCKET_WORDS) * WORD_BYTES
}

/** Lays the index over a buffer of {@link indexSizeBytes}. */
export function mapIndex(buffer: SharedArrayBuffer): IndexMemory {
  const words = new Int32Array(buffer)
  const bucketCount = (words.length - HEADER_WORDS) / BUCKET_WORDS
  const isWhole = Number.isInteger(bucketCount) && bucketCount >= 1
  assertInvariant(isWhole && bucketCount <= BUCKET_COUNT_MAX, 'the buffer holds whole buckets')
  return {
    words,
    bucketCount,
    probesMax: Math.min(PROBES_MAX, bucketCount),
    capacity: bucketCount * ENTRIES_PER_BUCKET,
  }
}

/** Number of the bucket in which a search for a key with this word 0 begins. */
export function homeBucketOf(memory: IndexMemory, keyWord0: number): number {
  return Math.floor(((keyWord0 >>> 0) * memory.bucketCount) / 2 ** 32)
}

/** The bucket after this one; the first follows the last. */
export function nextBucket(memory: IndexMemory, bucket: number): number {
  return bucket + 1 === memory.bucketCount ? 0 : bucket + 1
}

/** Word index of bucket number `bucket`. */
export function bucketWordOf(bucket: number): number {
  return HEADER_WORDS + bucket * BUCKET_WORDS
}

/** Number of the bucket in which an entry lies. */
export function bucketOfEntry(entryWord: number): number {
  return Math.floor((entryWord - HEADER_WORDS) / BUCKET_WORDS)
}
