/**
 * Random hexadecimal text in small pieces, drawn from the system in large ones.
 *
 * Hot path: {@link RandomHexPool.take}. Asking the system for 8 bytes costs as much as for 1000,
 * and every request needs some for its request id and its span.
 */

/** Lower-case hexadecimal text of twice `sizeBytes` characters (resilience/randomness.ts). */
export type RandomHex = (sizeBytes: number) => string

const REFILL_BYTES = 2_048
const REFILL_CHARACTERS = REFILL_BYTES * 2

export class RandomHexPool {
  readonly #randomHex: RandomHex
  #text = ''
  #used = REFILL_CHARACTERS

  constructor(randomHex: RandomHex) {
    this.#randomHex = randomHex
  }

  /** @param characters At most 64. No character is ever handed out twice. */
  take(characters: number): string {
    if (this.#used + characters > REFILL_CHARACTERS) {
      this.#text = this.#randomHex(REFILL_BYTES)
      this.#used = 0
    }
    const start = this.#used
    this.#used = start + characters
    return this.#text.slice(start, this.#used)
  }
}
