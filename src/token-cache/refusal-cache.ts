/**
 * Remembers for a few seconds that a credential was refused, so that a client which repeats a bad
 * token does not cost a verification each time.
 *
 * A table of its own: a flood of bad tokens can push out other refusals, never a good verdict.
 */
import { REFUSAL_REASON_NAMES, type RefusalReason } from '../protocol/refusal-reason.ts'
import { type KeyGenerations, type KeyPlace, NO_KEY } from '../shared-memory/key-generations.ts'
import { DIGEST_WORDS, NOTE_WORD, REFUSAL_SLOT_BYTES, tableSizeBytes } from './layout.ts'
import { type CacheCounters, SlotTable } from './slot-table.ts'
import { type TokenDigest, unpackDigest } from './token-digest.ts'

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
    const note = this.#table.found.copy.words[NOTE_WORD] as number
    return REFUSAL_REASON_NAMES[note] ?? null
  }

  /** As {@link RefusalCache.get}, and counts nothing and marks nothing as used. */
  peek(digest: TokenDigest, nowSeconds: number): RefusalReason | null {
    unpackDigest(digest, this.#digest)
    if (!this.#table.peek(this.#digest, nowSeconds)) return null
    const note = this.#table.found.copy.words[NOTE_WORD] as number
    return REFUSAL_REASON_NAMES[note] ?? null
  }

  /**
   * Remembers a refusal, until its time is up or its cause gone. The caller decides what may be
   * remembered; "we could not decide" for a moment at most.
   *
   * @returns Whether it was kept.
   */
  put(
    digest: TokenDigest,
    reason: RefusalReason,
    cause: RefusalCause,
    nowSeconds: number,
  ): boolean {
    unpackDigest(digest, this.#digest)
    const untilSeconds = nowSeconds + (cause.ttlSeconds ?? this.#ttlSeconds)
    const { slot, generation } = cause.place ?? NO_KEY
    const fields = {
      deadAtSeconds: Math.min(untilSeconds, cause.endsAtSeconds ?? untilSeconds),
      keySlot: slot,
      keyGeneration: generation,
      note: REFUSAL_REASON_NAMES.indexOf(reason),
      payloadLengthBytes: 0,
    }
    return this.#table.put(this.#digest, fields, nowSeconds)
  }
}
