/**
 * Hot path: writes and reads one entry of a shared table so that no reader ever sees half of one.
 *
 * Three things stand between a reader and a torn or mixed entry:
 *
 * 1. The sequence number of every way of the entry must be even and the same before and after the
 *    copy. That is the ordinary case: a writer at work, or dead at work.
 * 2. A writer that lost its turn (it stood still for seconds, and another took the set over) cannot
 *    publish: publication is a compare-and-swap from the very number it began with.
 * 3. But it can still store, into whatever now lives in its slot, before it notices; and a
 *    processor may reorder the reader's loads. So every entry carries a checksum over the sequence
 *    numbers under which it was published, its digest, its fields and its payload. The reader
 *    computes it over its private copy. Words of two entries, or of one entry under another's
 *    number, do not add up: a miss. 64 bits, because the accident is rare and the damage would be
 *    great.
 *
 * The reader copies out first and checks the copy: shared words may change between two reads.
 * A record counts as torn, never as wrong: the caller sees a miss.
 */
import {
  beginWrite,
  invalidateRecord,
  isStable,
  publishedSequence,
  publishWrite,
} from '../shared-memory/sequence.ts'
import {
  CHECKSUM_HIGH_WORD,
  CHECKSUM_LOW_WORD,
  DEAD_AT_WORD,
  DIGEST_WORD,
  DIGEST_WORDS,
  entryWordOffset,
  entryWordsFor,
  KEY_GENERATION_WORD,
  KEY_SLOT_WORD,
  NOTE_WORD,
  PAYLOAD_LENGTH_WORD,
  SEQUENCE_WORD,
  SLOT_HEADER_WORDS,
  type TableMemory,
  WAYS_PER_SET,
  waysFor,
} from './layout.ts'

/** A thread's private copy of one entry, reused for every entry. */
export interface EntryCopy {
  /** Header, then payload; word 0 (the sequence number) is kept in `sequences` instead. */
  readonly words: Int32Array
  /** The payload part of `words`, as bytes. */
  readonly payload: Buffer
  /** Even sequence number of each way under which the entry is, or will be, published. */
  readonly sequences: Int32Array
}

/** What an entry says besides its payload. */
export interface EntryFields {
  /** First second in which the entry is a miss; whole seconds, at most 2^32 − 1. */
  readonly deadAtSeconds: number
  readonly keySlot: number
  readonly keyGeneration: number
  /** 32 bits for the caller. */
  readonly note: number
  readonly payloadLengthBytes: number
}

export const READ_FOUND = 0
/** Another digest lives here. */
const READ_OTHER = 1
/** The entry is being written, was left half-written, or changed while it was copied. */
export const READ_TORN = 2

const CHECKSUM_SEED_LOW = 0x5a11_9047
const CHECKSUM_SEED_HIGH = 0x0c4a_11b5
const CHECKSUM_FACTOR_LOW = 0x85eb_ca6b
const CHECKSUM_FACTOR_HIGH = 0xc2b2_ae35

export function createEntryCopy(payloadBytesMax: number): EntryCopy {
  const words = new Int32Array(entryWordsFor(payloadBytesMax))
  return {
    words,
    payload: Buffer.from(words.buffer, SLOT_HEADER_WORDS * Int32Array.BYTES_PER_ELEMENT),
    sequences: new Int32Array(WAYS_PER_SET),
  }
}

/** Fills in the header of a copy whose payload is already in place. */
export function draftEntry(copy: EntryCopy, digest: Int32Array, fields: EntryFields): void {
  const { words } = copy
  words[DEAD_AT_WORD] = fields.deadAtSeconds
  words[KEY_SLOT_WORD] = fields.keySlot
  words[KEY_GENERATION_WORD] = fields.keyGeneration
  words[PAYLOAD_LENGTH_WORD] = fields.payloadLengthBytes
  words[NOTE_WORD] = fields.note
  words.set(digest, DIGEST_WORD)
}

/**
 * Marks the ways of an entry as being written and seals the copy with the sequence numbers it will
 * have. The caller holds the lock of the set. Follow with {@link storeEntry} and
 * {@link publishEntry}.
 *
 * @returns Whether the turn is the caller's.
 */
export function beginEntry(memory: TableMemory, slotWord: number, copy: EntryCopy): boolean {
  const ways = waysFor(copy.words[PAYLOAD_LENGTH_WORD] as number, memory.slotWords)
  for (let way = 0; way < ways; way += 1) {
    const wayWord = slotWord + way * memory.slotWords
    const odd = beginWrite(memory.words, wayWord + SEQUENCE_WORD)
    if (odd === 0) return false
    copy.sequences[way] = publishedSequence(odd)
    // Of a former entry that began here nothing may be found any more.
    if (way > 0) memory.words.fill(0, wayWord + SEQUENCE_WORD + 1, wayWord + SLOT_HEADER_WORDS)
  }
  sealChecksum(copy, ways)
  return true
}

/** Stores words `from` (at least 1) up to `to` of the copy; not beyond the entry's own length. */
export function storeEntry(
  memory: TableMemory,
  slotWord: number,
  copy: EntryCopy,
  from: number,
  to: number,
): void {
  for (let index = from; index < to; index += 1) {
    memory.words[slotWord + entryWordOffset(index, memory.slotWords)] = copy.words[index] as number
  }
}

/**
 * Makes the entry visible, its first way last.
 *
 * @returns `false` when the turn was lost meanwhile: nothing became visible.
 */
export function publishEntry(memory: TableMemory, slotWord: number, copy: EntryCopy): boolean {
  const ways = waysFor(copy.words[PAYLOAD_LENGTH_WORD] as number, memory.slotWords)
  for (let way = ways - 1; way >= 0; way -= 1) {
    const index = slotWord + way * memory.slotWords + SEQUENCE_WORD
    if (!publishWrite(memory.words, index, ((copy.sequences[way] as number) - 1) | 0)) return false
  }
  return true
}

/** Makes whatever is in this slot a miss for everybody, memoised copies included. Needs no lock. */
export function invalidateEntry(memory: TableMemory, slotWord: number): void {
  invalidateRecord(memory.words, slotWord + SEQUENCE_WORD)
  // Tells writers that the slot is free. Should it hit a newer entry, that one is torn: a miss.
  memory.words[slotWord + DEAD_AT_WORD] = 0
}

/** Whether the slot holds this digest right now; a hint unless the caller holds the lock. */
export function holdsDigest(memory: TableMemory, slotWord: number, digest: Int32Array): boolean {
  const at = slotWord + DIGEST_WORD
  for (let word = 0; word < DIGEST_WORDS; word += 1) {
    if (memory.words[at + word] !== digest[word]) return false
  }
  return true
}

/**
 * Copies the entry at way `way` of a set into `copy` if it is the digest's and whole.
 *
 * Does not check the expiry or the key generation.
 *
 * @returns READ_FOUND, READ_OTHER or READ_TORN; the copy means something only after READ_FOUND.
 */
export function readEntry(
  memory: TableMemory,
  slotWord: number,
  way: number,
  digest: Int32Array,
  copy: EntryCopy,
): number {
  const { words, slotWords } = memory
  const sequence = Atomics.load(words, slotWord + SEQUENCE_WORD)
  if (!isStable(sequence)) return READ_TORN
  if (!holdsDigest(memory, slotWord, digest)) return READ_OTHER

  // A torn length must not lead the copy out of the set.
  const payloadLength = (words[slotWord + PAYLOAD_LENGTH_WORD] as number) >>> 0
  const ways = waysFor(payloadLength, slotWords)
  if (way + ways > WAYS_PER_SET) return READ_TORN

  copy.sequences[0] = sequence
  for (let next = 1; next < ways; next += 1) {
    copy.sequences[next] = Atomics.load(words, slotWord + next * slotWords + SEQUENCE_WORD)
  }
  const end = entryWordsFor(payloadLength)
  const endInFirst = Math.min(end, slotWords)
  for (let index = 1; index < endInFirst; index += 1) {
    copy.words[index] = words[slotWord + index] as number
  }
  for (let index = endInFirst; index < end; index += 1) {
    copy.words[index] = words[slotWord + entryWordOffset(index, slotWords)] as number
  }
  for (let next = 0; next < ways; next += 1) {
    const again = Atomics.load(words, slotWord + next * slotWords + SEQUENCE_WORD)
    if (again !== copy.sequences[next]) return READ_TORN
  }
  return isSealed(copy, digest, payloadLength, ways) ? READ_FOUND : READ_TORN
}

/** Checks the private copy alone: the length used for copying, the digest, and the checksum. */
function isSealed(copy: EntryCopy, digest: Int32Array, payloadLength: number, ways: number) {
  const { words } = copy
  if (words[PAYLOAD_LENGTH_WORD] !== payloadLength) return false
  for (let word = 0; word < DIGEST_WORDS; word += 1) {
    if (words[DIGEST_WORD + word] !== digest[word]) return false
  }
  const low = words[CHECKSUM_LOW_WORD]
  const high = words[CHECKSUM_HIGH_WORD]
  sealChecksum(copy, ways)
  return words[CHECKSUM_LOW_WORD] === low && words[CHECKSUM_HIGH_WORD] === high
}

/** Computes the checksum over sequence numbers, fields, digest and payload into its two words. */
function sealChecksum(copy: EntryCopy, ways: number): void {
  const { words, sequences } = copy
  let low = CHECKSUM_SEED_LOW
  let high = CHECKSUM_SEED_HIGH
  for (let way = 0; way < ways; way += 1) {
    low = mixLow(low, sequences[way] as number)
    high = mixHigh(high, sequences[way] as number)
  }
  const end = entryWordsFor(words[PAYLOAD_LENGTH_WORD] as number)
  for (let index = DEAD_AT_WORD; index < end; index += 1) {
    const word = words[index] as number
    low = mixLow(low, word)
    high = mixHigh(high, word)
  }
  words[CHECKSUM_LOW_WORD] = low
  words[CHECKSUM_HIGH_WORD] = high
}

// Each lane is a bijection of its state for a given word, so one changed word always shows in both.
function mixLow(state: number, word: number): number {
  const product = Math.imul(state ^ word, CHECKSUM_FACTOR_LOW)
  return product ^ (product >>> 15)
}

function mixHigh(state: number, word: number): number {
  const sum = Math.imul((state + word) | 0, CHECKSUM_FACTOR_HIGH)
  return (sum << 13) | (sum >>> 19)
}
