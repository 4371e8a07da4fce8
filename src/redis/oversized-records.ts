/**
 * Keys whose values were found to be larger than a record may be. Before such a key is read again
 * the server is asked for the length alone, so that one large record is received at most once, and
 * can be read as soon as it is mended.
 */

/** More than anybody looks after; the oldest is forgotten. */
const KEYS_MAX = 1_024

export class OversizedRecords {
  readonly #keys = new Set<string>()
  readonly #onFound: () => void

  /** @param onFound Told of each key that was not known. */
  constructor(onFound: () => void) {
    this.#onFound = onFound
  }

  get isEmpty(): boolean {
    return this.#keys.size === 0
  }

  has(key: string): boolean {
    return this.#keys.has(key)
  }

  add(key: string): void {
    if (this.#keys.has(key)) return
    for (const oldest of this.#keys) {
      if (this.#keys.size < KEYS_MAX) break
      this.#keys.delete(oldest)
    }
    this.#keys.add(key)
    this.#onFound()
  }

  delete(key: string): void {
    this.#keys.delete(key)
  }
}
