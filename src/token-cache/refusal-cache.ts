/**
 * Remembers for a few seconds that a credential was refused, so that a client which repeats a bad
 * token does not cost a verification each time.
 *
 * A table of its own: a flood of bad tokens can push out other refusals, never a good verdict.
 */
import { REFUSAL_REASON_NAMES, type RefusalReason } from '../protocol/refusal-reason.ts'
import { assertInvariant } from '../runtime/assert-invariant.ts'
import { type KeyGenerations, type KeyPlace, NO_KEY } from '../shared-memory/key-generations.ts'
import { DIGEST_WORDS, NOTE_WORD, REFUSAL_SLOT_BYTES, tableSizeBytes } from './layout.ts'
import { type CacheCounters, SlotTable } from './slot-table.ts'
import { type TokenDigest, unpackDigest } from './token-digest.ts'

/**
 * A note is the place of the reason in its table, and above that the place of a detail: which claim
 * it was. Places of details are from 1; 0 is none.
 */
const DETAIL_SHIFT = 16
const PLACE_MASK = 0xffff
assertInvariant(REFUSAL_REASON_NAMES.length <= PLACE_MASK, 'a reason fits below the detail')

/** Beyond it a refusal is remembered without its detail. */
export const DETAIL_PLACE_MAX = PLACE_MASK

const SIZE_BYTES_MIN = tableSizeBytes(1, REFUSAL_SLOT_BYTES)

export interface RefusalCacheOptions {
  /** From {@link createRefusalCacheBuffer}; the same one in every thread. */
  readonly buffer: SharedArrayBuffer
  readonly keys: KeyGenerations
  readonly ttlSeconds: number
}

/** What may end a refusal before its time: a refusal never outlives its cause. */
export interface RefusalCause {
  /** First second in which the cause is gone (`nbf` reached); `null` when time does not end it. */
  readonly endsAtSeconds: number | null
  /**
   * Shared generation that is counted up when the cause may be gone, such as one for "this
   * issuer's key set as it is now" for an unknown `kid`; `null` when none does.
   */
  readonly place: KeyPlace | null
  /** Remembered so long, in seconds; `null`: as long as refusals are by default. */
  readonly ttlSeconds: number | null
}

/** A refusal that stays true for as long as it is remembered. */
export const LASTING_CAUSE: RefusalCause = Object.freeze({
  endsAtSeconds: null,
  place: null,
  ttlSeconds: null,
})

/** Shared memory for refusals, 68 bytes each; made once, by the supervisor. */
export function createRefusalCacheBuffer(sizeBytes: number): SharedArrayBuffer {
  return new SharedArrayBuffer(Math.max(sizeBytes - (sizeBytes % 64), SIZE_BYTES_MIN))
}

export class RefusalCache {
  readonly #table: SlotTable
  #ttlSeconds: number
  readonly #digest = new Int32Array(DIGEST_WORDS)

  constructor({ buffer, keys, ttlSeconds }: RefusalCacheOptions) {
    this.#table = new SlotTable(buffer, REFUSAL_SLOT_BYTES, keys)
    this.#ttlSeconds = ttlSeconds
  }

  /** This thread's counters: live, and only growing. */
  get counters(): Readonly<CacheCounters> {
    return this.#table.counters
  }

  /** Refusals are remembered so long from now on, where their cause says nothing else. */
  keepFor(ttlSeconds: number): void {
    this.#ttlSeconds = ttlSeconds
  }

  /** Why this credential was refused a moment ago, or `null` when that is not known. */
  get(digest: TokenDigest, nowSeconds: number): RefusalReason | null {
    unpackDigest(digest, this.#digest)
    if (!this.#table.find(this.#digest, nowSeconds)) return null
    this.#table.countHit(this.#table.found.touchedByte)
    return REFUSAL_REASON_NAMES[this.#note & PLACE_MASK] ?? null
  }

  /**
   * Place of the detail of the refusal found last, as it was put; 0: it has none. Valid until the
   * next lookup. Whose list the place is in is for the caller to know.
   */
  get detailPlace(): number {
    return this.#note >>> DETAIL_SHIFT
  }

  get #note(): number {
    return this.#table.found.copy.words[NOTE_WORD] as number
  }

  /** As {@link RefusalCache.get}, and counts nothing and marks nothing as used. */
  peek(digest: TokenDigest, nowSeconds: number): RefusalReason | null {
    unpackDigest(digest, this.#digest)
    if (!this.#table.peek(this.#digest, nowSeconds)) return null
    return REFUSAL_REASON_NAMES[this.#note & PLACE_MASK] ?? null
  }

  /**
   * Remembers a refusal, until its time is up or its cause gone. The caller decides what may be
   * remembered; "we could not decide" for a moment at most.
   *
   * @param detailPlace From 1 to {@link DETAIL_PLACE_MAX}; 0: no detail.
   * @returns Whether it was kept.
   */
  put(
    digest: TokenDigest,
    reason: RefusalReason,
    cause: RefusalCause,
    nowSeconds: number,
    detailPlace = 0,
  ): boolean {
    unpackDigest(digest, this.#digest)
    const untilSeconds = nowSeconds + (cause.ttlSeconds ?? this.#ttlSeconds)
    const { slot, generation } = cause.place ?? NO_KEY
    const fields = {
      deadAtSeconds: Math.min(untilSeconds, cause.endsAtSeconds ?? untilSeconds),
      keySlot: slot,
      keyGeneration: generation,
      note: REFUSAL_REASON_NAMES.indexOf(reason) | (detailPlace << DETAIL_SHIFT),
      payloadLengthBytes: 0,
    }
    return this.#table.put(this.#digest, fields, nowSeconds)
  }
}
