/**
 * Request ids: UUID version 7 (RFC 9562 §5.7), or what a trusted proxy has given.
 *
 * Hot path: both functions run for every request.
 */
import type { RandomHexPool } from './random-hex-pool.ts'

/** Longest request id that is taken over, in characters. */
export const REQUEST_ID_LENGTH_MAX = 128

const TIMESTAMP_CHARACTERS = 12
const VARIANT_CHARACTERS = ['8', '9', 'a', 'b']

/** Letters, digits and `-._:`: nothing that means something to a log, a shell or a query. */
const IS_SAFE_CHARACTER = safeCharacters()

/** Of the last id: writing a large number in hexadecimal costs more than the rest of an id. */
let lastWallMs = -1
let lastTime = ''

/**
 * A new id: 48 bits of time, so that ids sort by it, and 74 random bits. Two ids of the same
 * millisecond are in no particular order.
 */
export function createRequestId(wallMs: number, random: RandomHexPool): string {
  if (wallMs !== lastWallMs) {
    const time = Math.trunc(wallMs).toString(16).padStart(TIMESTAMP_CHARACTERS, '0')
    lastTime = `${time.slice(0, 8)}-${time.slice(8)}-7`
    lastWallMs = wallMs
  }
  const sequence = random.take(3)
  const variant = VARIANT_CHARACTERS[random.take(1).charCodeAt(0) & 3] ?? '8'
  return `${lastTime}${sequence}-${variant}${random.take(3)}-${random.take(12)}`
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
