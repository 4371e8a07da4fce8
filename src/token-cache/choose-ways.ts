/**
 * Chooses which ways of a set a new entry takes, and clears them: CLOCK, worthless entries first.
 *
 * All functions here want the lock of the set held, and trust nothing they read for more than the
 * choice: a slow writer that was overtaken may have left any tag or field behind. The worst that a
 * wrong hint can do is to give up a good entry.
 *
 * Sets of ways are bit masks: bit w is way w.
 */
import type { KeyGenerations } from '../shared-memory/key-generations.ts'
import { isStable } from '../shared-memory/sequence.ts'
import {
  DEAD_AT_WORD,
  HAND_WORD,
  KEY_GENERATION_WORD,
  KEY_SLOT_WORD,
  SEQUENCE_WORD,
  slotWordAt,
  TAG_CONTINUATION,
  TAG_EMPTY,
  type TableMemory,
  tagsHalfOf,
  touchedByteOf,
  WAYS_PER_SET,
} from './layout.ts'
import { invalidateEntry } from './slot.ts'

/**
 * First of `ways` neighbouring ways for a new entry: empty ones, else those whose entries are
 * expired, half-written or of a dead key, else the first that were not read since the hand last
 * passed. Nothing is cleared yet.
 */
export function chooseWays(
  memory: TableMemory,
  setWord: number,
  ways: number,
  keys: KeyGenerations,
  nowSeconds: number,
): number {
  const empty = firstWindow(emptyWays(memory, setWord), ways)
  if (empty !== -1) return empty
  const worthless = firstWindow(worthlessWays(memory, setWord, keys, nowSeconds), ways)
  if (worthless !== -1) return worthless
  return sweep(memory, setWord, ways)
}

/**
 * Removes every entry that lies in `ways` ways from `first`, wholly or partly.
 *
 * @returns How many of them were live.
 */
export function clearWays(
  memory: TableMemory,
  setWord: number,
  first: number,
  ways: number,
  keys: KeyGenerations,
  nowSeconds: number,
): number {
  const tags = tagsHalfOf(setWord)
  let live = 0
  for (let way = first; way < first + ways; way += 1) {
    if (memory.halves[tags + way] === TAG_EMPTY) continue
    const head = slotWordAt(memory, setWord, headOf(memory, setWord, way))
    if (!isWorthless(memory, head, keys, nowSeconds)) live += 1
    clearEntry(memory, setWord, way)
  }
  return live
}

/** Removes the entry that has `way`, with all its other ways. */
export function clearEntry(memory: TableMemory, setWord: number, way: number): void {
  const tags = tagsHalfOf(setWord)
  const touched = touchedByteOf(setWord)
  const head = headOf(memory, setWord, way)
  let next = head
  do {
    Atomics.store(memory.halves, tags + next, TAG_EMPTY)
    memory.bytes[touched + next] = 0
    next += 1
  } while (next < WAYS_PER_SET && memory.halves[tags + next] === TAG_CONTINUATION)
  invalidateEntry(memory, slotWordAt(memory, setWord, head))
}

/** First way of the entry that has `way`. */
function headOf(memory: TableMemory, setWord: number, way: number): number {
  const tags = tagsHalfOf(setWord)
  let head = way
  while (head > 0 && memory.halves[tags + head] === TAG_CONTINUATION) head -= 1
  return head
}

/** Lowest start of a run of `ways` set bits, or −1. */
function firstWindow(mask: number, ways: number): number {
  const window = (1 << ways) - 1
  for (let first = 0; first + ways <= WAYS_PER_SET; first += 1) {
    if (((mask >>> first) & window) === window) return first
  }
  return -1
}

function emptyWays(memory: TableMemory, setWord: number): number {
  const tags = tagsHalfOf(setWord)
  let mask = 0
  for (let way = 0; way < WAYS_PER_SET; way += 1) {
    if (memory.halves[tags + way] === TAG_EMPTY) mask |= 1 << way
  }
  return mask
}

function worthlessWays(
  memory: TableMemory,
  setWord: number,
  keys: KeyGenerations,
  nowSeconds: number,
): number {
  const tags = tagsHalfOf(setWord)
  let mask = 0
  let isWorthlessHead = false
  for (let way = 0; way < WAYS_PER_SET; way += 1) {
    const tag = memory.halves[tags + way]
    if (tag === TAG_EMPTY) isWorthlessHead = true
    else if (tag !== TAG_CONTINUATION) {
      isWorthlessHead = isWorthless(memory, slotWordAt(memory, setWord, way), keys, nowSeconds)
    }
    if (isWorthlessHead) mask |= 1 << way
  }
  return mask
}

function isWorthless(
  { words }: TableMemory,
  slotWord: number,
  keys: KeyGenerations,
  nowSeconds: number,
): boolean {
  // No other thread writes while we hold the lock: an odd number was left by a writer that died.
  if (!isStable(Atomics.load(words, slotWord + SEQUENCE_WORD))) return true
  if (nowSeconds >= (words[slotWord + DEAD_AT_WORD] as number) >>> 0) return true
  const keySlot = words[slotWord + KEY_SLOT_WORD] as number
  return !keys.isAlive(keySlot, words[slotWord + KEY_GENERATION_WORD] as number)
}

/** The hand of the clock: takes the first window that was not touched, and forgets touches. */
function sweep(memory: TableMemory, setWord: number, ways: number): number {
  const { words, bytes } = memory
  const touched = touchedByteOf(setWord)
  let hand = (words[setWord + HAND_WORD] as number) % WAYS_PER_SET
  // Each turn forgets the touches of the way it leaves behind, so that a second round must find a
  // window unless readers touch as fast as we sweep.
  for (let turn = 0; turn < 2 * WAYS_PER_SET; turn += 1) {
    if (hand + ways > WAYS_PER_SET) hand = 0
    if (!isTouched(memory, setWord, hand, ways)) break
    bytes[touched + headOf(memory, setWord, hand)] = 0
    hand += 1
  }
  if (hand + ways > WAYS_PER_SET) hand = 0
  words[setWord + HAND_WORD] = (hand + ways) % WAYS_PER_SET
  return hand
}

function isTouched(memory: TableMemory, setWord: number, first: number, ways: number): boolean {
  const touched = touchedByteOf(setWord)
  for (let way = first; way < first + ways; way += 1) {
    if (memory.bytes[touched + headOf(memory, setWord, way)] === 1) return true
  }
  return false
}
