/**
 * The set of revocations that all threads of the process share, as its only writer sees it: the
 * supervisor. See layout.ts for the picture and for the order of stores.
 *
 * Nothing is ever evicted to make room: a revocation that was accepted holds until its end, and
 * one that does not fit is turned away aloud.
 */
import { findEntry, NOT_FOUND } from './find-entry.ts'
import {
  bucketOfEntry,
  bucketWordOf,
  ENTRY_COUNT_WORD,
  EPOCH_FIRST,
  EPOCH_WORD,
  homeBucketOf,
  type IndexMemory,
  indexSizeBytes,
  KEY_0_WORD,
  KEY_1_WORD,
  KEY_2_WORD,
  KEY_3_WORD,
  KEY_WORDS,
  mapIndex,
  nextBucket,
  PASSED_WORD,
  SECONDS_MAX,
  UNTIL_FREE,
  UNTIL_WORD,
  WATERMARK_EVERY,
  WATERMARK_WORD,
  WAYS_PER_BUCKET,
} from './layout.ts'
import type { RevocationEntry } from './revocation-entry.ts'
import { type RevocationKey, unpackKey } from './revocation-key.ts'
import { RevocationLifts } from './revocation-lifts.ts'
import { RevocationShares } from './revocation-shares.ts'

/**
 * - `added`: published, or an entry of the same key made to cover more. In force in all threads.
 * - `known`: an entry of the same key covers as much already.
 * - `expired`: what it covers is dead already, or was lifted; nothing was stored.
 * - `full`: not stored and *not in force*. The caller has to say so.
 * - `share_full`: the same, because its issuer has as many as it may.
 */
export type RevocationOutcome = 'added' | 'known' | 'expired' | 'full' | 'share_full'

/**
 * The shared memory of an index for at least `capacity` entries; made once, by the supervisor. A
 * quarter of a million are 11 MB of address space; memory is used as entries come.
 */
export function createRevocationBuffer(capacity: number): SharedArrayBuffer {
  const buffer = new SharedArrayBuffer(indexSizeBytes(capacity))
  Atomics.store(new Int32Array(buffer), EPOCH_WORD, EPOCH_FIRST)
  return buffer
}

/** One object in the process: a second writer would break what readers rely on. */
export class RevocationIndex {
  readonly #memory: IndexMemory
  readonly #key = new Int32Array(KEY_WORDS)
  readonly #lifts = new RevocationLifts()
  readonly #shares: RevocationShares
  /** Of each way: in whose share its entry is counted. Readers do not need it. */
  readonly #groups: Uint16Array
  #sweptAtSeconds = 0

  /** @param issuers Keys of those that have a share of their own. */
  constructor(buffer: SharedArrayBuffer, issuers: readonly RevocationKey[] = []) {
    this.#memory = mapIndex(buffer)
    const { bucketCount, capacity } = this.#memory
    this.#shares = new RevocationShares(capacity, issuers)
    this.#groups = new Uint16Array(bucketCount * WAYS_PER_BUCKET)
  }

  /** Entries in the table, with expired ones that were not swept yet. */
  get size(): number {
    return Atomics.load(this.#memory.words, ENTRY_COUNT_WORD)
  }

  get capacity(): number {
    return this.#memory.capacity
  }

  /** How many of them each issuer has. */
  /** These have shares from now on. */
  use(issuers: readonly RevocationKey[]): void {
    this.#shares.use(issuers)
  }

  get shares(): Pick<RevocationShares, 'countOf' | 'isLarge'> {
    return this.#shares
  }

  /**
   * Whether the issuer of this entry may have it. Only asked where a revocation is made: what is in
   * force elsewhere has to be in force here as well.
   */
  admits(entry: RevocationEntry, nowSeconds: number): boolean {
    if (this.#shares.hasRoom(entry.issuer)) return true
    unpackKey(entry.key, this.#key)
    if (findEntry(this.#memory, this.#key, 0) !== NOT_FOUND) return true
    this.#makeRoom(nowSeconds)
    return this.#shares.hasRoom(entry.issuer)
  }

  /** The entry, or one that lasts longer where the same was lifted before: what is to be added. */
  renewed(entry: RevocationEntry): RevocationEntry {
    return this.#lifts.beyond(entry)
  }

  /** What lifts the entry of this key when it is added; `null` when none is in force. */
  liftOf(key: RevocationKey, nowSeconds: number): RevocationEntry | null {
    unpackKey(key, this.#key)
    const known = findEntry(this.#memory, this.#key, 0)
    if (known === NOT_FOUND || this.#untilOf(known) <= nowSeconds) return null
    const watermark = (this.#memory.words[known + WATERMARK_WORD] as number) >>> 0
    const watermarkSeconds = watermark === WATERMARK_EVERY ? null : watermark
    const untilSeconds = this.#untilOf(known)
    const kind = 'lifted'
    return { kind, key, issuer: null, tellsIssuer: false, watermarkSeconds, untilSeconds }
  }

  /**
   * Revokes. When this returns `added` or `known`, no reader in any thread that begins afterwards
   * finds a covered credential clean, until `entry.untilSeconds`.
   *
   * Two entries of one key become one that covers what both do: the later watermark, the later end.
   *
   * An entry of the kind `lifted` takes out what it covers instead, and keeps it out.
   */
  add(entry: RevocationEntry, nowSeconds: number): RevocationOutcome {
    if (!(entry.untilSeconds > nowSeconds)) return 'expired'
    if (entry.kind === 'lifted') return this.#lift(entry)
    if (this.#lifts.covers(entry)) return 'expired'
    unpackKey(entry.key, this.#key)
    const known = findEntry(this.#memory, this.#key, 0)
    if (known !== NOT_FOUND) {
      if (this.#untilOf(known) > nowSeconds) return this.#extend(known, entry)
      // What has expired must not lend its watermark to what comes.
      this.#remove(known)
    }
    if (this.size >= this.capacity && !this.#makeRoom(nowSeconds)) return 'full'
    return this.#insert(entry, nowSeconds)
  }

  /**
   * Takes out what has expired. Readers need not be told. Reads the whole table: some milliseconds
   * at a capacity of a quarter of a million, so once a minute is often enough; a full table is
   * also swept by `add`.
   *
   * @returns How many entries were taken out.
   */
  sweep(nowSeconds: number): number {
    const { bucketCount } = this.#memory
    const sizeBefore = this.size
    this.#lifts.sweep(nowSeconds)
    for (let bucket = 0; bucket < bucketCount; bucket += 1) {
      const bucketWord = bucketWordOf(bucket)
      for (let way = 0; way < WAYS_PER_BUCKET; way += 1) {
        this.#removeIfExpired(bucketWord + way, nowSeconds)
      }
    }
    return sizeBefore - this.size
  }

  /** Sweeps at most once in a second: a full index must not make each attempt dear. */
  #makeRoom(nowSeconds: number): boolean {
    if (this.#sweptAtSeconds === nowSeconds) return false
    this.#sweptAtSeconds = nowSeconds
    return this.sweep(nowSeconds) > 0
  }

  /** What reaches further than the lift was revoked after it, or elsewhere, and stays. */
  #lift(entry: RevocationEntry): RevocationOutcome {
    if (!this.#lifts.add(entry)) return 'full'
    unpackKey(entry.key, this.#key)
    const known = findEntry(this.#memory, this.#key, 0)
    if (known === NOT_FOUND) return 'known'
    const watermark = (this.#memory.words[known + WATERMARK_WORD] as number) >>> 0
    const isBeyond = watermark > watermarkWordOf(entry) || this.#untilOf(known) > untilWordOf(entry)
    if (isBeyond) return 'known'
    this.#remove(known)
    this.#publish()
    return 'added'
  }

  #extend(entryWord: number, entry: RevocationEntry): RevocationOutcome {
    const { words } = this.#memory
    const watermark = (words[entryWord + WATERMARK_WORD] as number) >>> 0
    const nextWatermark = Math.max(watermark, watermarkWordOf(entry))
    const until = this.#untilOf(entryWord)
    const nextUntil = Math.max(until, untilWordOf(entry))
    if (nextWatermark === watermark && nextUntil === until) return 'known'
    // A reader in between sees more covered than before, never less.
    Atomics.store(words, entryWord + WATERMARK_WORD, nextWatermark)
    Atomics.store(words, entryWord + UNTIL_WORD, nextUntil)
    this.#publish()
    return 'added'
  }

  #insert(entry: RevocationEntry, nowSeconds: number): RevocationOutcome {
    const memory = this.#memory
    let bucket = homeBucketOf(memory, this.#key[0] as number)
    for (let probe = 0; probe < memory.probesMax; probe += 1) {
      const bucketWord = bucketWordOf(bucket)
      for (let way = 0; way < WAYS_PER_BUCKET; way += 1) {
        const entryWord = bucketWord + way
        this.#removeIfExpired(entryWord, nowSeconds)
        if (this.#untilOf(entryWord) !== UNTIL_FREE) continue
        this.#write(entryWord, entry)
        return 'added'
      }
      bucket = nextBucket(memory, bucket)
    }
    return 'full'
  }

  #write(entryWord: number, entry: RevocationEntry): void {
    const { words } = this.#memory
    // Before the entry: from now on searches go on to where it will be.
    this.#countPassing(entryWord, this.#key[0] as number, 1)
    words[entryWord + KEY_0_WORD] = this.#key[0] as number
    words[entryWord + KEY_1_WORD] = this.#key[1] as number
    words[entryWord + KEY_2_WORD] = this.#key[2] as number
    words[entryWord + KEY_3_WORD] = this.#key[3] as number
    Atomics.store(words, entryWord + WATERMARK_WORD, watermarkWordOf(entry))
    Atomics.store(words, entryWord + UNTIL_WORD, untilWordOf(entry))
    Atomics.add(words, ENTRY_COUNT_WORD, 1)
    const group = this.#shares.groupOf(entry.issuer)
    this.#groups[this.#wayOf(entryWord)] = group
    this.#shares.countIn(group)
    this.#publish()
  }

  #removeIfExpired(entryWord: number, nowSeconds: number): void {
    const until = this.#untilOf(entryWord)
    if (until !== UNTIL_FREE && until <= nowSeconds) this.#remove(entryWord)
  }

  #remove(entryWord: number): void {
    const { words } = this.#memory
    Atomics.store(words, entryWord + UNTIL_WORD, UNTIL_FREE)
    this.#countPassing(entryWord, words[entryWord + KEY_0_WORD] as number, -1)
    Atomics.sub(words, ENTRY_COUNT_WORD, 1)
    this.#shares.countOut(this.#groups[this.#wayOf(entryWord)] as number)
  }

  /** Number of the way of an entry among all ways. */
  #wayOf(entryWord: number): number {
    const bucket = bucketOfEntry(entryWord)
    return bucket * WAYS_PER_BUCKET + entryWord - bucketWordOf(bucket)
  }

  /** Counts an entry in or out of all buckets between the one its key chooses and its own. */
  #countPassing(entryWord: number, keyWord0: number, step: 1 | -1): void {
    const memory = this.#memory
    const own = bucketOfEntry(entryWord)
    let bucket = homeBucketOf(memory, keyWord0)
    while (bucket !== own) {
      Atomics.add(memory.words, bucketWordOf(bucket) + PASSED_WORD, step)
      bucket = nextBucket(memory, bucket)
    }
  }

  /**
   * Ends "found clean" everywhere. The epoch comes round again after 2^32 publications: a
   * credential that was asked about at exactly that distance, and never between, would be taken
   * for clean.
   */
  #publish(): void {
    const { words } = this.#memory
    const next = (Atomics.load(words, EPOCH_WORD) + 1) | 0
    Atomics.store(words, EPOCH_WORD, next === 0 ? EPOCH_FIRST : next)
  }

  #untilOf(entryWord: number): number {
    return Atomics.load(this.#memory.words, entryWord + UNTIL_WORD) >>> 0
  }
}

function watermarkWordOf({ watermarkSeconds }: RevocationEntry): number {
  if (watermarkSeconds === null) return WATERMARK_EVERY
  return Math.min(Math.max(0, Math.ceil(watermarkSeconds)), SECONDS_MAX)
}

function untilWordOf({ untilSeconds }: RevocationEntry): number {
  return Math.min(Math.ceil(untilSeconds), SECONDS_MAX)
}
