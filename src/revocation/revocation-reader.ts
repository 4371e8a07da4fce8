/**
 * Hot path: a listener's question on every request: is this credential revoked?
 *
 * One atomic load answers it as long as nothing was revoked since the same credential was last
 * found clean: time alone never revokes anything. Otherwise its keys, at most four, are searched
 * for. No lock, no network; allocates only when the keys of a credential are first needed.
 *
 * Costs are in native-bench/revocation.ts.
 */
import { findEntry, holdsKey, NOT_FOUND } from './find-entry.ts'
import {
  ENTRY_COUNT_WORD,
  EPOCH_WORD,
  type IndexMemory,
  KEY_WORDS,
  mapIndex,
  UNTIL_WORD,
  WATERMARK_EVERY,
  WATERMARK_WORD,
} from './layout.ts'
import { keyWordsOf, type RevocationKeys } from './revocation-key.ts'

export class RevocationReader {
  readonly #memory: IndexMemory

  /** @param buffer From `createRevocationBuffer`; the same one in every thread. */
  constructor(buffer: SharedArrayBuffer) {
    this.#memory = mapIndex(buffer)
  }

  /**
   * Whether a revocation covers the credential. One that was published before the call began is
   * never missed; one that is published meanwhile may be seen or not.
   *
   * A credential is covered by a watermark when it was issued in that second or earlier, or does
   * not say when. Which came first within the same second is unknown, so the revocation wins.
   *
   * Does not check whether the credential has expired.
   */
  isRevoked(keys: RevocationKeys, nowSeconds: number): boolean {
    const { words } = this.#memory
    // Atomic although a plain read would be 7 ns cheaper: it comes before all reads of entries, on
    // every processor, and no optimiser may answer it from memory.
    const epoch = Atomics.load(words, EPOCH_WORD)
    if (epoch === keys.cleanEpoch) return false
    if (Atomics.load(words, ENTRY_COUNT_WORD) !== 0 && this.#isCovered(keys, nowSeconds)) {
      return true
    }
    // The epoch from before the search: what was published since will be searched for.
    keys.cleanEpoch = epoch
    return false
  }

  /** Whether a revocation covers the credential whenever it was issued: by `jti` or `sid`. */
  isRevokedWhenever(keys: RevocationKeys, nowSeconds: number): boolean {
    return this.#isCovered({ ...keys, issuedAtSeconds: Number.POSITIVE_INFINITY }, nowSeconds)
  }

  #isCovered(keys: RevocationKeys, nowSeconds: number): boolean {
    const keyWords = keyWordsOf(keys)
    for (let offset = 0; offset < keyWords.length; offset += KEY_WORDS) {
      const entryWord = findEntry(this.#memory, keyWords, offset)
      if (entryWord === NOT_FOUND) continue
      if (!this.#covers(entryWord, keys.issuedAtSeconds, nowSeconds)) continue
      // Again: had the way been given to another key meanwhile, it would show by now.
      if (holdsKey(this.#memory.words, entryWord, keyWords, offset)) return true
    }
    return false
  }

  #covers(entryWord: number, issuedAtSeconds: number, nowSeconds: number): boolean {
    const { words } = this.#memory
    // `until` first: it was stored last.
    const untilSeconds = Atomics.load(words, entryWord + UNTIL_WORD) >>> 0
    const watermarkSeconds = Atomics.load(words, entryWord + WATERMARK_WORD) >>> 0
    if (nowSeconds >= untilSeconds) return false
    return watermarkSeconds === WATERMARK_EVERY || issuedAtSeconds <= watermarkSeconds
  }
}
