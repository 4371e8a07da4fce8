/** Hot path: finds the entry of a key in the shared revocation index, without a lock. */
import {
  bucketWordOf,
  homeBucketOf,
  type IndexMemory,
  KEY_0_WORD,
  KEY_1_WORD,
  KEY_2_WORD,
  KEY_3_WORD,
  nextBucket,
  PASSED_WORD,
  UNTIL_FREE,
  UNTIL_WORD,
  WAYS_PER_BUCKET,
} from './layout.ts'

/** What {@link findEntry} returns for a key that has no entry. */
export const NOT_FOUND = -1

/**
 * Searches for the key in `keys[offset]` to `keys[offset + 3]`, compared whole.
 *
 * Finds every entry that was published before the caller loaded the epoch, expired or not: whether
 * it still counts is the caller's to say.
 *
 * @returns The word index of the entry, or {@link NOT_FOUND}.
 */
export function findEntry(memory: IndexMemory, keys: Int32Array, offset: number): number {
  const { words } = memory
  const first = keys[offset] as number
  let bucket = homeBucketOf(memory, first)
  for (let probe = 0; probe < memory.probesMax; probe += 1) {
    const bucketWord = bucketWordOf(bucket)
    for (let way = 0; way < WAYS_PER_BUCKET; way += 1) {
      const entryWord = bucketWord + way
      if (words[entryWord + KEY_0_WORD] !== first) continue
      if (holdsKey(words, entryWord, keys, offset) && isInUse(words, entryWord)) return entryWord
    }
    if (words[bucketWord + PASSED_WORD] === 0) return NOT_FOUND
    bucket = nextBucket(memory, bucket)
  }
  return NOT_FOUND
}

/** Whether this way holds this key, all of it; says nothing of whether it is in use. */
export function holdsKey(
  words: Int32Array,
  entryWord: number,
  keys: Int32Array,
  offset: number,
): boolean {
  return (
    words[entryWord + KEY_0_WORD] === keys[offset] &&
    words[entryWord + KEY_1_WORD] === keys[offset + 1] &&
    words[entryWord + KEY_2_WORD] === keys[offset + 2] &&
    words[entryWord + KEY_3_WORD] === keys[offset + 3]
  )
}

/** A free way still holds the key of the entry that was removed from it. */
function isInUse(words: Int32Array, entryWord: number): boolean {
  return Atomics.load(words, entryWord + UNTIL_WORD) !== UNTIL_FREE
}
