/**
 * Hot path: HalfSipHash-1-3 with a 64-bit result, which finds the cell of a key.
 *
 * Keyed, because clients choose what is hashed: with any hash that they can compute they would
 * aim thousands of keys at one set and push a counter out of it. 32-bit arithmetic, because that
 * is what JavaScript has; one round a block and three at the end, because the results are never
 * shown (as Linux and Rust have it for their hash tables). native-bench/limit-cells.ts has the
 * cost by length.
 *
 * The message is the text as UTF-16, little-endian. Nothing is allocated.
 *
 * @see {@link https://www.aumasson.jp/siphash/siphash.pdf SipHash}, of which HalfSipHash is the
 *   variant with words of 32 bits.
 */

const FINAL_ROUNDS = 3

/** The state in which hashing begins under one secret. Belongs to one buffer. */
export interface HashSeed {
  readonly v0: number
  readonly v1: number
  readonly v2: number
  readonly v3: number
}

/** 64 bits. */
export interface Hash {
  low: number
  high: number
}

/** @param secretLow With `secretHigh` the 64 bits that no client knows. */
export function hashSeed(secretLow: number, secretHigh: number): HashSeed {
  return {
    v0: secretLow,
    // 0xee asks for a result of 64 bits.
    v1: secretHigh ^ 0xee,
    v2: secretLow ^ 0x6c79_6765,
    v3: secretHigh ^ 0x7465_6462,
  }
}

/** The seed for one purpose: its secret is the hash of that, so that purposes share nothing. */
export function derivedSeed(seed: HashSeed, purpose: string): HashSeed {
  const secret: Hash = { low: 0, high: 0 }
  keyedHash(seed, purpose, secret)
  return hashSeed(secret.low, secret.high)
}

/** Writes the hash of the text into `into`, as two signed halves. */
export function keyedHash(seed: HashSeed, text: string, into: Hash): void {
  let { v0, v1, v2, v3 } = seed
  const blocks = (text.length >>> 1) + 1
  const rounds = blocks + 2 * FINAL_ROUNDS
  for (let round = 0; round < rounds; round += 1) {
    let block = 0
    if (round < blocks) block = blockAt(text, round)
    else if (round === blocks) v2 ^= 0xee
    else if (round === blocks + FINAL_ROUNDS) {
      into.low = v1 ^ v3
      v1 ^= 0xdd
    }
    v3 ^= block
    v0 = (v0 + v1) | 0
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0
    v0 = (v0 << 16) | (v0 >>> 16)
    v2 = (v2 + v3) | 0
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
    v0 = (v0 + v3) | 0
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
    v2 = (v2 + v1) | 0
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2
    v2 = (v2 << 16) | (v2 >>> 16)
    v0 ^= block
  }
  into.high = v1 ^ v3
}

/** Two characters; the last block has at most one, and the length in bytes modulo 256 on top. */
function blockAt(text: string, block: number): number {
  const at = block * 2
  const left = text.length - at
  if (left > 1) return text.charCodeAt(at) | (text.charCodeAt(at + 1) << 16)
  const last = left === 1 ? text.charCodeAt(at) : 0
  return last | (text.length << 25)
}
