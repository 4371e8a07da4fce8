/**
 * What must hold of a shared table whenever no writer is at work: for tests, and for a debugger.
 */
import {
  DEAD_AT_WORD,
  DIGEST_WORD,
  DIGEST_WORDS,
  LOCK_WORD,
  PAYLOAD_LENGTH_WORD,
  setWordAt,
  setWordOf,
  slotWordAt,
  TAG_CONTINUATION,
  TAG_EMPTY,
  type TableMemory,
  tagOf,
  tagsHalfOf,
  WAYS_PER_SET,
  waysFor,
} from '../../src/token-cache/layout.ts'
import { createEntryCopy, READ_FOUND, readEntry } from '../../src/token-cache/slot.ts'

/**
 * Looks at the whole table. Not for use while threads write, nor after one was killed at it: both
 * leave things that are harmless and would be reported.
 *
 * @returns One sentence for each thing that is wrong; empty when all is well.
 */
export function brokenCacheInvariants(memory: TableMemory): readonly string[] {
  const broken: string[] = []
  for (let set = 0; set < memory.setCount; set += 1) {
    const setWord = setWordAt(memory, set)
    if (memory.words[setWord + LOCK_WORD] !== 0) broken.push(`set ${set}: the lock is held`)
    checkSet(memory, set, setWord, broken)
  }
  return broken
}

function checkSet(memory: TableMemory, set: number, setWord: number, broken: string[]): void {
  const tags = tagsHalfOf(setWord)
  const digestsSeen = new Set<string>()
  let way = 0
  while (way < WAYS_PER_SET) {
    const tag = memory.halves[tags + way] as number
    if (tag === TAG_EMPTY) {
      way += 1
    } else if (tag === TAG_CONTINUATION) {
      broken.push(`set ${set} way ${way}: continues no entry`)
      way += 1
    } else {
      way += checkEntry(memory, set, setWord, way, digestsSeen, broken)
    }
  }
}

/** @returns How many ways the entry takes. */
function checkEntry(
  memory: TableMemory,
  set: number,
  setWord: number,
  way: number,
  digestsSeen: Set<string>,
  broken: string[],
): number {
  const place = `set ${set} way ${way}`
  const tags = tagsHalfOf(setWord)
  const slotWord = slotWordAt(memory, setWord, way)
  const digestWord = slotWord + DIGEST_WORD
  const digest = memory.words.slice(digestWord, digestWord + DIGEST_WORDS)
  const ways = waysFor(memory.words[slotWord + PAYLOAD_LENGTH_WORD] as number, memory.slotWords)
  for (let next = way + 1; next < way + ways; next += 1) {
    const isContinued = memory.halves[tags + next] === TAG_CONTINUATION
    if (!isContinued) broken.push(`${place}: way ${next} does not continue it`)
  }
  // A deleted entry is no longer whole, and its digest may be in the set again.
  if (memory.words[slotWord + DEAD_AT_WORD] === 0) return ways

  if (digestsSeen.has(digest.join())) broken.push(`${place}: the digest is here twice`)
  digestsSeen.add(digest.join())
  const isTagged = tagOf(digest) === memory.halves[tags + way]
  if (!isTagged) broken.push(`${place}: the tag is not the digest's`)
  if (setWordOf(memory, digest) !== setWord) broken.push(`${place}: the digest is of another set`)
  const copy = createEntryCopy(memory.payloadBytesMax)
  const isWhole = readEntry(memory, slotWord, way, digest, copy) === READ_FOUND
  if (!isWhole) broken.push(`${place}: the entry is not whole`)
  return ways
}
