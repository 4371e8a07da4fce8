/**
 * Request ids: UUID version 7 (RFC 9562 §5.7), or what a trusted proxy has given.
 *
 * Hot path: all of this runs for every request.
 */
import { type RandomHex, type RandomPattern, RandomTextPool } from './random-text-pool.ts'

/** Longest request id that is taken over, in characters. */
export const REQUEST_ID_LENGTH_MAX = 128

const TIMESTAMP_CHARACTERS = 12
const VARIANT_CHARACTERS = ['8', '9', 'a', 'b']

/** Letters, digits and `-._:`: nothing that means something to a log, a shell or a query. */
const IS_SAFE_CHARACTER = safeCharacters()

/** What follows the time and the version: `rand_a`, the variant, `rand_b`. */
const RANDOM_PART: RandomPattern = {
  hexLength: 20,
  textLength: 'xxx-vxxx-xxxxxxxxxxxx'.length,
  textOf(hex) {
    const variant = VARIANT_CHARACTERS[hex.charCodeAt(3) & 3] ?? '8'
    return `${hex.slice(0, 3)}-${variant}${hex.slice(4, 7)}-${hex.slice(7, 19)}`
  },
}

/** Makes the ids of one thread. */
export class RequestIds {
  readonly #random: RandomTextPool
  /** Of the last id: writing a large number in hexadecimal costs more than the rest of an id. */
  #lastWallMs = -1
  #lastTime = ''

  constructor(randomHex: RandomHex) {
    this.#random = new RandomTextPool(RANDOM_PART, randomHex)
  }

  /**
   * A new id: 48 bits of time, so that ids sort by it, and 74 random bits. Two ids of the same
   * millisecond are in no particular order.
   */
  create(wallMs: number): string {
    if (wallMs !== this.#lastWallMs) {
      const time = Math.trunc(wallMs).toString(16).padStart(TIMESTAMP_CHARACTERS, '0')
      this.#lastTime = `${time.slice(0, 8)}-${time.slice(8)}-7`
      this.#lastWallMs = wallMs
    }
    return this.#lastTime + this.#random.take()
  }
}

/**
 * Whether an id may be taken over as it is. Does *not* check who sent it: only a trusted proxy may
 * name a request.
 */
export function isAcceptableRequestId(value: string): boolean {
  const { length } = value
  if (length === 0 || length > REQUEST_ID_LENGTH_MAX) return false
  for (let index = 0; index < length; index += 1) {
    if (IS_SAFE_CHARACTER[value.charCodeAt(index)] !== 1) return false
  }
  return true
}

function safeCharacters(): Uint8Array {
  const table = new Uint8Array(128)
  const safe = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._:'
  for (const character of safe) table[character.charCodeAt(0)] = 1
  return table
}
