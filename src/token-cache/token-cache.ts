/**
 * Hot path: the verdicts that all threads share, and each thread's memo of decoded ones.
 *
 *     digest ── memo: same digest, and its slot's sequence unchanged? ──► decoded verdict
 *                 └ no ── set: tag, whole digest, copy, checksum ──► decode ──► memo
 *
 * The memo holds the whole digest privately and reads one shared word, the sequence number, to
 * learn that the entry was not replaced, removed or deleted since. A hit in it copies and decodes
 * nothing. Whatever was found where, expiry and key generation are checked again.
 *
 * Costs are in native-bench/token-cache.ts.
 */
import type { Verified } from '../protocol/verification.ts'
import type { CredentialTerms } from '../resilience/credential-terms.ts'
import { assertInvariant } from '../runtime/assert-invariant.ts'
import type { KeyGenerations } from '../shared-memory/key-generations.ts'
import { decodeVerified, encodeVerified } from './identity-codec.ts'
import {
  DEAD_AT_WORD,
  DIGEST_WORDS,
  IDENTITY_SLOT_BYTES,
  KEY_GENERATION_WORD,
  KEY_SLOT_WORD,
  PAYLOAD_LENGTH_WORD,
  tableSizeBytes,
} from './layout.ts'
import { type CacheCounters, SlotTable } from './slot-table.ts'
import { type ProfileKey, type TokenDigest, unpackDigest } from './token-digest.ts'

/** Decoded verdicts that one thread keeps. A power of two: places are masked, not divided. */
export const MEMO_ENTRIES_DEFAULT = 4_096
/** Two characters of the digest choose the place. */
const MEMO_ENTRIES_MAX = 65_536
/** With one, a fifth of 1000 hot tokens would keep pushing each other out of 4096 places. */
const MEMO_WAYS = 4

/** One token in 2^32 has this tag too; its place counts as empty for others. */
const MEMO_TAG_EMPTY = 0
const NOWHERE = -1

/** Smallest cache that is one: a single set. */
const SIZE_BYTES_MIN = tableSizeBytes(1, IDENTITY_SLOT_BYTES)
const BYTES_PER_MIB = 2 ** 20

/** A verdict as a thread holds it: one object for every hit until the entry changes. */
export interface CachedVerified<Derived> {
  readonly kind: 'established'
  readonly verified: Verified
  /** How the credential may be used; `null`: in every way, as all that are cached. */
  readonly terms: CredentialTerms | null
  /** For the caller: what it derived from the verdict, so that it is derived once. */
  derived: Derived | null
}

export interface TokenCacheOptions {
  /** From {@link createTokenCacheBuffer}; the same one in every thread. */
  readonly buffer: SharedArrayBuffer
  readonly keys: KeyGenerations
  /** A power of two from 4 to 65536. */
  readonly memoEntries: number
}

interface MemoEntry<Derived> {
  token: string
  profile: ProfileKey | null
  sequenceWord: number
  sequence: number
  touchedByte: number
  deadAtSeconds: number
  keySlot: number
  keyGeneration: number
  value: CachedVerified<Derived> | null
}

/** The shared memory of a cache of so many MiB; made once, by the supervisor. */
export function createTokenCacheBuffer(sizeMib: number): SharedArrayBuffer {
  const sizeBytes = Math.floor(sizeMib * BYTES_PER_MIB)
  return new SharedArrayBuffer(Math.max(sizeBytes - (sizeBytes % 64), SIZE_BYTES_MIN))
}

export class TokenCache<Derived> {
  readonly #table: SlotTable
  readonly #words: Int32Array
  readonly #digest = new Int32Array(DIGEST_WORDS)
  readonly #memo: MemoEntry<Derived>[] = []
  /** Of each memo entry, four characters of its token's digest: compared before the entry is. */
  readonly #memoTags: Int32Array
  readonly #memoMask: number
  #memoTurn = 0

  constructor({ buffer, keys, memoEntries }: TokenCacheOptions) {
    const isPowerOfTwo = (memoEntries & (memoEntries - 1)) === 0
    assertInvariant(isPowerOfTwo, 'memo places are masked')
    assertInvariant(memoEntries >= MEMO_WAYS && memoEntries <= MEMO_ENTRIES_MAX, 'memo is bounded')
    this.#table = new SlotTable(buffer, IDENTITY_SLOT_BYTES, keys)
    this.#words = this.#table.memory.words
    this.#memoMask = memoEntries - MEMO_WAYS
    this.#memoTags = new Int32Array(memoEntries)
    for (let index = 0; index < memoEntries; index += 1) this.#memo.push(emptyMemoEntry())
  }

  /** This thread's counters: live, and only growing. */
  get counters(): Readonly<CacheCounters> {
    return this.#table.counters
  }

  /**
   * The verdict for this digest, if it is cached, not expired at `nowSeconds`, and its key is
   * alive. Does not check revocation, tenant or route policy.
   *
   * @returns The same object for every hit on an unchanged entry in this thread.
   */
  get(digest: TokenDigest, nowSeconds: number): CachedVerified<Derived> | null {
    const place = this.#memoPlace(digest)
    if (place === NOWHERE) return this.#getShared(digest, this.#newMemoPlace(digest), nowSeconds)
    const memo = this.#memo[place] as MemoEntry<Derived>
    // A plain read of one aligned word: nothing shared is read after it, so no order is needed.
    if (this.#words[memo.sequenceWord] !== memo.sequence) {
      return this.#getShared(digest, place, nowSeconds)
    }
    const { deadAtSeconds, keySlot, keyGeneration } = memo
    if (!this.#table.isLive(deadAtSeconds, keySlot, keyGeneration, nowSeconds)) return null
    this.#table.countHit(memo.touchedByte)
    return memo.value
  }

  /** As {@link TokenCache.get}, and counts nothing, remembers nothing and marks nothing as used. */
  peek(digest: TokenDigest, nowSeconds: number): CachedVerified<Derived> | null {
    const table = this.#table
    unpackDigest(digest, this.#digest)
    if (!table.peek(this.#digest, nowSeconds)) return null
    const { words, payload } = table.found.copy
    const verified = decodeVerified(payload, words[PAYLOAD_LENGTH_WORD] as number)
    return verified && { kind: 'established', verified, terms: null, derived: null }
  }

  /**
   * Shares a verdict with all threads, in place of the one this digest may have.
   *
   * @returns `false` when it was not kept: larger than 7 KiB, dead already, or another thread
   *   is writing in the same set. The caller loses nothing but time.
   */
  put(digest: TokenDigest, verified: Verified, nowSeconds: number): boolean {
    return this.#put(digest, verified, nowSeconds, false)
  }

  /**
   * As {@link put}, for a verdict that nothing reads until it is needed: among those that were not
   * read it would go first. So it counts as used, until the cache has been gone through once.
   */
  putInReserve(digest: TokenDigest, verified: Verified, nowSeconds: number): boolean {
    return this.#put(digest, verified, nowSeconds, true)
  }

  #put(digest: TokenDigest, verified: Verified, nowSeconds: number, isUsed: boolean): boolean {
    const payloadLengthBytes = encodeVerified(verified, this.#table.draftPayload)
    unpackDigest(digest, this.#digest)
    const fields = {
      deadAtSeconds: verified.deadAtSeconds,
      keySlot: verified.keySlot,
      keyGeneration: verified.keyGeneration,
      note: 0,
      payloadLengthBytes,
    }
    return this.#table.put(this.#digest, fields, nowSeconds, isUsed)
  }

  /** Forgets the verdict in all threads: their next `get` is a miss. */
  delete(digest: TokenDigest): void {
    unpackDigest(digest, this.#digest)
    this.#table.delete(this.#digest)
  }

  /**
   * Where in the memo this digest is, or `NOWHERE`. Tags lie side by side, so that the entries of
   * other tokens are not even looked at.
   */
  #memoPlace(digest: TokenDigest): number {
    const tag = memoTagOf(digest.token)
    const first = tag & this.#memoMask
    for (let place = first; place < first + MEMO_WAYS; place += 1) {
      const found = this.#memoTags[place]
      if (found === tag && isAbout(this.#memo[place] as MemoEntry<Derived>, digest)) return place
    }
    return NOWHERE
  }

  /** A place for a digest that is in none: an empty one, or else each in turn. */
  #newMemoPlace(digest: TokenDigest): number {
    const first = memoTagOf(digest.token) & this.#memoMask
    for (let place = first; place < first + MEMO_WAYS; place += 1) {
      if (this.#memoTags[place] === MEMO_TAG_EMPTY) return place
    }
    this.#memoTurn = (this.#memoTurn + 1) % MEMO_WAYS
    return first + this.#memoTurn
  }

  #getShared(
    digest: TokenDigest,
    place: number,
    nowSeconds: number,
  ): CachedVerified<Derived> | null {
    const table = this.#table
    unpackDigest(digest, this.#digest)
    if (!table.find(this.#digest, nowSeconds)) return null
    const { found } = table
    const { words, payload } = found.copy
    const verified = decodeVerified(payload, words[PAYLOAD_LENGTH_WORD] as number)
    if (verified === null) {
      table.counters.torn += 1
      table.counters.misses += 1
      return null
    }
    table.countHit(found.touchedByte)
    const memo = this.#memo[place] as MemoEntry<Derived>
    this.#memoTags[place] = memoTagOf(digest.token)
    memo.token = digest.token
    memo.profile = digest.profile
    memo.sequenceWord = found.sequenceWord
    memo.sequence = found.sequence
    memo.touchedByte = found.touchedByte
    memo.deadAtSeconds = (words[DEAD_AT_WORD] as number) >>> 0
    memo.keySlot = words[KEY_SLOT_WORD] as number
    memo.keyGeneration = words[KEY_GENERATION_WORD] as number
    memo.value = { kind: 'established', verified, terms: null, derived: null }
    return memo.value
  }
}

function memoTagOf(token: string): number {
  return (
    token.charCodeAt(8) |
    (token.charCodeAt(9) << 8) |
    (token.charCodeAt(10) << 16) |
    (token.charCodeAt(11) << 24)
  )
}

/** The profile first: it is one comparison. Most tokens are met under one profile only. */
function isAbout(memo: MemoEntry<unknown>, digest: TokenDigest): boolean {
  return memo.profile === digest.profile && memo.token === digest.token
}

function emptyMemoEntry<Derived>(): MemoEntry<Derived> {
  return {
    token: '',
    profile: null,
    sequenceWord: 0,
    sequence: 0,
    touchedByte: 0,
    deadAtSeconds: 0,
    keySlot: 0,
    keyGeneration: 0,
    value: null,
  }
}
