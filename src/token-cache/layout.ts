/**
 * Byte layout of the shared caches: the one place that knows an offset.
 *
 *     | table header 64 B | set 0 | set 1 | ... | set N-1 |
 *                              |
 *                              +-- set header 64 B, then 16 ways, each one slot
 *
 *     set header       width      written by                     memory order
 *      0  lock         u32        writers, see writer-lock.ts    atomic
 *      4  clock hand   u32        holder of the lock             plain
 *      8  touched      16 x u8    readers 1, holder 0            plain: a lost touch is harmless
 *     24  tags         16 x u16   holder of the lock             atomic write, plain read
 *     56  unused       8 B
 *
 *     slot             width      written by                     memory order
 *      0  sequence     u32        holder; anyone to invalidate   atomic, see sequence.ts
 *      4  checksum     2 x u32    holder                         plain, between two sequences
 *     12  deadAt       u32        holder; 0 by anyone to delete  plain; seconds, NumericDate
 *     16  keySlot      i32        holder                         plain
 *     20  keyGeneration i32       holder                         plain
 *     24  payload length u32      holder                         plain; bytes
 *     28  note         u32        holder                         plain; belongs to the caller
 *     32  digest       32 B       holder                         plain
 *     64  payload      to the end of the slot, and on            plain
 *
 * An entry whose payload is longer than one slot goes on in the next ways of its set, which keep a
 * sequence number of their own and otherwise a header of zeros:
 *
 *     | sequence | header | payload ... | sequence | zeros | payload ... | sequence | zeros | ...
 *     |<------------- way 3 ----------->|<------------ way 4 ----------->|<------ way 5 -------
 *
 * So all memory serves small and large identities alike, and nothing is allocated or chained. What
 * an issuer put into a claim is never where a header could be read, so that no claim can pose as
 * an entry.
 *
 * A set header is one cache line and so is the header of a slot: a lookup touches two lines, and a
 * third for the payload. Tags are hints that save reading slots; only the full digest decides.
 * References are offsets, never addresses: each thread maps the buffer itself.
 */
import { assertInvariant } from '../runtime/assert-invariant.ts'

const CACHE_LINE_BYTES = 64
const WORD_BYTES = Int32Array.BYTES_PER_ELEMENT
const DIGEST_BYTES = 32

export const WAYS_PER_SET = 16

const TABLE_HEADER_WORDS = CACHE_LINE_BYTES / WORD_BYTES
/** Counts the writers that ever attached, to number them. */
export const WRITER_COUNT_WORD = 0

const SET_HEADER_WORDS = CACHE_LINE_BYTES / WORD_BYTES
export const LOCK_WORD = 0
export const HAND_WORD = 1
const TOUCHED_BYTE = 8
const TAGS_BYTE = TOUCHED_BYTE + WAYS_PER_SET

export const SLOT_HEADER_WORDS = CACHE_LINE_BYTES / WORD_BYTES
export const SEQUENCE_WORD = 0
export const CHECKSUM_LOW_WORD = 1
export const CHECKSUM_HIGH_WORD = 2
export const DEAD_AT_WORD = 3
export const KEY_SLOT_WORD = 4
export const KEY_GENERATION_WORD = 5
export const PAYLOAD_LENGTH_WORD = 6
export const NOTE_WORD = 7
export const DIGEST_WORD = 8
export const DIGEST_WORDS = DIGEST_BYTES / WORD_BYTES

/** Tag of a way that holds nothing. */
export const TAG_EMPTY = 0
/** Tag of a way that continues the entry of the way before it. */
export const TAG_CONTINUATION = 1
const TAG_FIRST = 2

/** Keeps the product in {@link setWordOf} exact in a double. */
const SET_COUNT_MAX = 2 ** 20

/** Room for an identity of about 250 bytes with some to spare; larger ones take several ways. */
export const IDENTITY_SLOT_BYTES = 512
/** A refusal is a code in the note: no payload at all. */
export const REFUSAL_SLOT_BYTES = CACHE_LINE_BYTES

// Checked when the module loads, because a wrong offset is a silent cross-tenant leak at run time.
assertInvariant(TOUCHED_BYTE > HAND_WORD * WORD_BYTES, 'touched follows the hand')
assertInvariant(TAGS_BYTE % Uint16Array.BYTES_PER_ELEMENT === 0, 'tags are aligned')
assertInvariant(TAGS_BYTE + 2 * WAYS_PER_SET <= CACHE_LINE_BYTES, 'a set header is one line')
assertInvariant(WAYS_PER_SET <= 16, 'ways fit the bit masks of choose-ways.ts')
assertInvariant(DIGEST_WORD + DIGEST_WORDS === SLOT_HEADER_WORDS, 'the digest ends the header')
assertInvariant(SLOT_HEADER_WORDS * WORD_BYTES === CACHE_LINE_BYTES, 'a slot header is one line')
assertInvariant(IDENTITY_SLOT_BYTES % CACHE_LINE_BYTES === 0, 'a slot fills whole cache lines')
assertInvariant(REFUSAL_SLOT_BYTES % CACHE_LINE_BYTES === 0, 'a slot fills whole cache lines')

/** One table: its three views of the buffer, and its sizes. Private to a thread. */
export interface TableMemory {
  readonly words: Int32Array
  readonly halves: Uint16Array
  readonly bytes: Uint8Array
  readonly slotWords: number
  readonly setWords: number
  readonly setCount: number
  /** Longest payload that an entry which takes a whole set can carry. */
  readonly payloadBytesMax: number
}

/** Lays a table of slots of `slotBytes` over the buffer. An all-zero buffer is an empty table. */
export function mapTable(buffer: SharedArrayBuffer, slotBytes: number): TableMemory {
  assertInvariant(slotBytes % CACHE_LINE_BYTES === 0, 'a slot fills whole cache lines')
  const words = new Int32Array(buffer)
  const slotWords = slotBytes / WORD_BYTES
  const setWords = SET_HEADER_WORDS + WAYS_PER_SET * slotWords
  const setCountFit = Math.floor((words.length - TABLE_HEADER_WORDS) / setWords)
  assertInvariant(setCountFit >= 1, 'the buffer holds at least one set')
  return {
    words,
    halves: new Uint16Array(buffer),
    bytes: new Uint8Array(buffer),
    slotWords,
    setWords,
    setCount: Math.min(setCountFit, SET_COUNT_MAX),
    payloadBytesMax: WAYS_PER_SET * (slotWords - SLOT_HEADER_WORDS) * WORD_BYTES,
  }
}

/** Buffer size for at least `setCount` sets of slots of `slotBytes`. */
export function tableSizeBytes(setCount: number, slotBytes: number): number {
  const setBytes = SET_HEADER_WORDS * WORD_BYTES + WAYS_PER_SET * slotBytes
  return TABLE_HEADER_WORDS * WORD_BYTES + setCount * setBytes
}

/** Neighbouring ways that an entry with this payload takes; at least 1. */
export function waysFor(payloadLengthBytes: number, slotWords: number): number {
  const payloadWords = Math.ceil(payloadLengthBytes / WORD_BYTES)
  const payloadWordsPerWay = slotWords - SLOT_HEADER_WORDS
  if (payloadWords <= payloadWordsPerWay) return 1
  return Math.ceil(payloadWords / payloadWordsPerWay)
}

/** Words of an entry's header and payload, without the headers of further ways. */
export function entryWordsFor(payloadLengthBytes: number): number {
  return SLOT_HEADER_WORDS + Math.ceil(payloadLengthBytes / WORD_BYTES)
}

/**
 * Where word `index` of an entry lies, counted from its first slot: skips the header of every
 * further way.
 */
export function entryWordOffset(index: number, slotWords: number): number {
  if (index < slotWords) return index
  const behindFirst = index - slotWords
  const payloadWordsPerWay = slotWords - SLOT_HEADER_WORDS
  const way = 1 + Math.floor(behindFirst / payloadWordsPerWay)
  return way * slotWords + SLOT_HEADER_WORDS + (behindFirst % payloadWordsPerWay)
}

/** Word index of the set that this digest belongs to. */
export function setWordOf(memory: TableMemory, digest: Int32Array): number {
  const set = Math.floor((((digest[0] as number) >>> 0) * memory.setCount) / 2 ** 32)
  return TABLE_HEADER_WORDS + set * memory.setWords
}

/** Word index of set number `set`. */
export function setWordAt(memory: TableMemory, set: number): number {
  return TABLE_HEADER_WORDS + set * memory.setWords
}

/** Word index of a way's slot. */
export function slotWordAt(memory: TableMemory, setWord: number, way: number): number {
  return setWord + SET_HEADER_WORDS + way * memory.slotWords
}

/** Index into `halves` of the tag of way 0. */
export function tagsHalfOf(setWord: number): number {
  return setWord * 2 + TAGS_BYTE / 2
}

/** Index into `bytes` of the touched mark of way 0. */
export function touchedByteOf(setWord: number): number {
  return setWord * WORD_BYTES + TOUCHED_BYTE
}

/** The 16-bit hint by which a way is found; never one of the two reserved values. */
export function tagOf(digest: Int32Array): number {
  const bits = (digest[1] as number) & 0xffff
  return bits < TAG_FIRST ? bits + TAG_FIRST : bits
}
