/**
 * Hot path: a set-associative table of byte entries in shared memory, keyed by a full digest.
 *
 * One machinery for identities and for refusals. Readers take no lock; writers of one set take
 * turns and give up rather than wait. See layout.ts for the picture and slot.ts for why no reader
 * can see half an entry.
 */
import type { KeyGenerations } from '../shared-memory/key-generations.ts'
import {
  acquireWriterLock,
  releaseWriterLock,
  WRITER_NUMBER_MAX,
} from '../shared-memory/writer-lock.ts'
import { chooseWays, clearEntry, clearWays } from './choose-ways.ts'
import {
  DEAD_AT_WORD,
  entryWordsFor,
  KEY_GENERATION_WORD,
  KEY_SLOT_WORD,
  LOCK_WORD,
  mapTable,
  PAYLOAD_LENGTH_WORD,
  SEQUENCE_WORD,
  setWordOf,
  slotWordAt,
  TAG_CONTINUATION,
  TAG_EMPTY,
  type TableMemory,
  tagOf,
  tagsHalfOf,
  touchedByteOf,
  WAYS_PER_SET,
  WRITER_COUNT_WORD,
  waysFor,
} from './layout.ts'
import {
  beginEntry,
  createEntryCopy,
  draftEntry,
  type EntryCopy,
  type EntryFields,
  holdsDigest,
  invalidateEntry,
  publishEntry,
  READ_FOUND,
  READ_TORN,
  readEntry,
  storeEntry,
} from './slot.ts'

/** What this thread did and met; plain numbers that only grow. */
export interface CacheCounters {
  hits: number
  misses: number
  /** Misses because the entry had expired. */
  expired: number
  /** Misses because the key behind the entry is gone. */
  deadKey: number
  /** Entries that were being written, half-written or mixed when read. */
  torn: number
  puts: number
  /** Puts given up because another writer was at work in the set. */
  putsSkipped: number
  /** Puts given up because the value is too large for a whole set. */
  putsTooLarge: number
  /** Puts given up because the value was dead already. */
  putsEnded: number
  /** Live entries removed to make room. */
  evictions: number
  deletes: number
}

/** `words[i]` of the entry found last, wherever it now is. Valid until the next lookup. */
export interface FoundEntry {
  readonly copy: EntryCopy
  /** Word index of its sequence number in the shared table, and the number read there. */
  sequenceWord: number
  sequence: number
  /** Byte index of its touched mark. */
  touchedByte: number
}

const SECONDS_MAX = 0xffff_ffff

export class SlotTable {
  readonly memory: TableMemory
  readonly counters: CacheCounters
  readonly found: FoundEntry
  /** Where the caller writes the payload before {@link SlotTable.put}. */
  readonly draftPayload: Buffer
  readonly #draft: EntryCopy
  readonly #keys: KeyGenerations
  readonly #writerNumber: number

  constructor(buffer: SharedArrayBuffer, slotBytes: number, keys: KeyGenerations) {
    this.memory = mapTable(buffer, slotBytes)
    this.#keys = keys
    this.#draft = createEntryCopy(this.memory.payloadBytesMax)
    this.draftPayload = this.#draft.payload
    this.found = {
      copy: createEntryCopy(this.memory.payloadBytesMax),
      sequenceWord: 0,
      sequence: 0,
      touchedByte: 0,
    }
    const writersBefore = Atomics.add(this.memory.words, WRITER_COUNT_WORD, 1) >>> 0
    this.#writerNumber = (writersBefore % WRITER_NUMBER_MAX) + 1
    this.counters = createCacheCounters()
  }

  /**
   * Looks for a live entry of this digest; on success it is in {@link SlotTable.found}.
   *
   * @param digest Eight words, see `unpackDigest`.
   */
  find(digest: Int32Array, nowSeconds: number): boolean {
    const { memory } = this
    const setWord = setWordOf(memory, digest)
    const tags = tagsHalfOf(setWord)
    const tag = tagOf(digest)
    for (let way = 0; way < WAYS_PER_SET; way += 1) {
      if (memory.halves[tags + way] !== tag) continue
      const slotWord = slotWordAt(memory, setWord, way)
      const outcome = readEntry(memory, slotWord, way, digest, this.found.copy)
      if (outcome === READ_FOUND) return this.#accept(setWord, way, slotWord, nowSeconds)
      if (outcome === READ_TORN) this.counters.torn += 1
    }
    this.counters.misses += 1
    return false
  }

  /** As {@link SlotTable.find}, and counts nothing. */
  peek(digest: Int32Array, nowSeconds: number): boolean {
    const { torn, misses, expired, deadKey } = this.counters
    const isFound = this.find(digest, nowSeconds)
    Object.assign(this.counters, { torn, misses, expired, deadKey })
    return isFound
  }

  /** Counts a hit on an entry, and marks it as used if that was forgotten. */
  countHit(touchedByte: number): void {
    this.counters.hits += 1
    // Reads first: a store on every hit would pull the line from all other cores.
    if (this.memory.bytes[touchedByte] === 0) this.memory.bytes[touchedByte] = 1
  }

  /**
   * Whether an entry found earlier still counts. Does not check whether it is still in the table:
   * compare its sequence number for that.
   */
  isLive(
    deadAtSeconds: number,
    keySlot: number,
    keyGeneration: number,
    nowSeconds: number,
  ): boolean {
    if (nowSeconds >= deadAtSeconds) {
      this.counters.expired += 1
      this.counters.misses += 1
      return false
    }
    if (!this.#keys.isAlive(keySlot, keyGeneration)) {
      this.counters.deadKey += 1
      this.counters.misses += 1
      return false
    }
    return true
  }

  /**
   * Stores the payload in {@link SlotTable.draftPayload} under this digest, in place of an entry
   * it may have had. Gives up when another writer is at work in the set, when the payload is too
   * long or has a negative length, or when the entry would be dead on arrival: a cache may forget.
   *
   * @param isUsed Whether it counts as used before anyone has read it.
   * @returns Whether the entry is in the table now.
   */
  put(digest: Int32Array, fields: EntryFields, nowSeconds: number, isUsed = false): boolean {
    const { memory, counters } = this
    const { payloadLengthBytes } = fields
    if (payloadLengthBytes > memory.payloadBytesMax || payloadLengthBytes < 0) {
      counters.putsTooLarge += 1
      return false
    }
    // Written so that NaN is refused too.
    if (!(fields.deadAtSeconds > nowSeconds)) {
      counters.putsEnded += 1
      return false
    }
    const setWord = setWordOf(memory, digest)
    const lockWord = setWord + LOCK_WORD
    const stamp = acquireWriterLock(memory.words, lockWord, this.#writerNumber, nowSeconds)
    if (stamp === 0) {
      counters.putsSkipped += 1
      return false
    }
    draftEntry(this.#draft, digest, withWholeSeconds(fields))
    const isStored = this.#write(setWord, digest, nowSeconds, isUsed)
    releaseWriterLock(memory.words, lockWord, stamp)
    if (isStored) counters.puts += 1
    else counters.putsSkipped += 1
    return isStored
  }

  /**
   * Makes this digest a miss in all threads. Takes no lock and always succeeds; an entry that
   * another thread puts at the same time may come before or after.
   */
  delete(digest: Int32Array): void {
    const { memory } = this
    const setWord = setWordOf(memory, digest)
    // Tags are skipped on purpose: an entry whose tag is not written yet must go too.
    for (let way = 0; way < WAYS_PER_SET; way += 1) {
      const slotWord = slotWordAt(memory, setWord, way)
      if (holdsDigest(memory, slotWord, digest)) invalidateEntry(memory, slotWord)
    }
    this.counters.deletes += 1
  }

  #accept(setWord: number, way: number, slotWord: number, nowSeconds: number): boolean {
    const { found } = this
    const { words } = found.copy
    found.sequenceWord = slotWord + SEQUENCE_WORD
    found.sequence = found.copy.sequences[0] as number
    found.touchedByte = touchedByteOf(setWord) + way
    return this.isLive(
      (words[DEAD_AT_WORD] as number) >>> 0,
      words[KEY_SLOT_WORD] as number,
      words[KEY_GENERATION_WORD] as number,
      nowSeconds,
    )
  }

  /** Writes the draft into the set, whose lock is held. */
  #write(setWord: number, digest: Int32Array, nowSeconds: number, isUsed: boolean): boolean {
    const { memory } = this
    const draft = this.#draft
    const payloadLength = draft.words[PAYLOAD_LENGTH_WORD] as number
    const ways = waysFor(payloadLength, memory.slotWords)
    this.#clearFormer(setWord, digest)
    const way = chooseWays(memory, setWord, ways, this.#keys, nowSeconds)
    this.counters.evictions += clearWays(memory, setWord, way, ways, this.#keys, nowSeconds)

    const slotWord = slotWordAt(memory, setWord, way)
    if (!beginEntry(memory, slotWord, draft)) return false
    storeEntry(memory, slotWord, draft, 1, entryWordsFor(payloadLength))
    if (!publishEntry(memory, slotWord, draft)) return false
    if (isUsed) memory.bytes[touchedByteOf(setWord) + way] = 1

    // Last, so that no reader finds what is not there. Only over an empty tag: a writer that was
    // overtaken here must not hide the entry of its successor.
    const tags = tagsHalfOf(setWord) + way
    for (let next = ways - 1; next > 0; next -= 1) {
      Atomics.compareExchange(memory.halves, tags + next, TAG_EMPTY, TAG_CONTINUATION)
    }
    Atomics.compareExchange(memory.halves, tags, TAG_EMPTY, tagOf(digest))
    return true
  }

  /** Removes the entries that this digest already has in the set. */
  #clearFormer(setWord: number, digest: Int32Array): void {
    const { memory } = this
    const tags = tagsHalfOf(setWord)
    const tag = tagOf(digest)
    for (let way = 0; way < WAYS_PER_SET; way += 1) {
      if (memory.halves[tags + way] !== tag) continue
      if (holdsDigest(memory, slotWordAt(memory, setWord, way), digest)) {
        clearEntry(memory, setWord, way)
      }
    }
  }
}

function createCacheCounters(): CacheCounters {
  return {
    hits: 0,
    misses: 0,
    expired: 0,
    deadKey: 0,
    torn: 0,
    puts: 0,
    putsSkipped: 0,
    putsTooLarge: 0,
    putsEnded: 0,
    evictions: 0,
    deletes: 0,
  }
}

/** Rounds down, so that an entry dies early rather than late. */
function withWholeSeconds(fields: EntryFields): EntryFields {
  const deadAtSeconds = Math.min(Math.floor(fields.deadAtSeconds), SECONDS_MAX)
  return { ...fields, deadAtSeconds }
}
