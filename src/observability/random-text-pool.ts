/**
 * Random texts of one pattern, made many at a time.
 *
 * Hot path: {@link RandomTextPool.take}. Asking the system for 8 bytes costs as much as asking for
 * 1000, and putting a text together from small pieces costs more than all the rest of it: so many
 * texts are put together as one, and each request cuts its own out of it.
 */

/** Lower-case hexadecimal text of twice `sizeBytes` characters (runtime/randomness.ts). */
export type RandomHex = (sizeBytes: number) => string

/** How a text is made of hexadecimal characters. */
export interface RandomPattern {
  /** Hexadecimal characters that one text needs: an even number. */
  readonly hexLength: number
  /** Length of one text. */
  readonly textLength: number
  /** The text that is made of these characters. */
  readonly textOf: (hex: string) => string
}

const TEXTS_PER_REFILL = 128
const HEX_PER_BYTE = 2

export class RandomTextPool {
  readonly #pattern: RandomPattern
  readonly #randomHex: RandomHex
  #texts = ''
  #used = 0

  constructor(pattern: RandomPattern, randomHex: RandomHex) {
    this.#pattern = pattern
    this.#randomHex = randomHex
  }

  /** A text of the pattern. No random character is ever handed out twice. */
  take(): string {
    if (this.#used === this.#texts.length) this.#refill()
    const start = this.#used
    this.#used = start + this.#pattern.textLength
    return this.#texts.slice(start, this.#used)
  }

  #refill(): void {
    const { hexLength, textOf } = this.#pattern
    const hex = this.#randomHex((TEXTS_PER_REFILL * hexLength) / HEX_PER_BYTE)
    const texts = Array.from({ length: TEXTS_PER_REFILL }, (_, index) =>
      textOf(hex.slice(index * hexLength, (index + 1) * hexLength)),
    )
    // `join` makes one flat text; adding them up would make a tree.
    this.#texts = texts.join('')
    this.#used = 0
  }
}
