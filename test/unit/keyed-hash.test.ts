import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  derivedSeed,
  type Hash,
  type HashSeed,
  hashSeed,
  keyedHash,
} from '../../src/rate-limit/keyed-hash.ts'

function hashOf(seed: HashSeed, text: string): string {
  const hash: Hash = { low: 0, high: 0 }
  keyedHash(seed, text, hash)
  return `${hash.low >>> 0}:${hash.high >>> 0}`
}

/** HalfSipHash-1-3 of any bytes, as the paper has it: a byte at a time, in unsigned words. */
function slowHash(secretLow: number, secretHigh: number, message: Uint8Array): string {
  const v = [secretLow, secretHigh ^ 0xee, secretLow ^ 0x6c796765, secretHigh ^ 0x74656462]
  const state = (index: number) => (v[index] ?? 0) >>> 0
  const turn = (index: number, bits: number) => {
    v[index] = ((state(index) << bits) | (state(index) >>> (32 - bits))) >>> 0
  }
  const add = (to: number, from: number) => {
    v[to] = (state(to) + state(from)) % 2 ** 32
  }
  const mix = (to: number, from: number) => {
    v[to] = (state(to) ^ state(from)) >>> 0
  }
  const half = (a: number, b: number, bits: number, after: number) => {
    add(a, b)
    turn(b, bits)
    mix(b, a)
    if (after > 0) turn(a, after)
  }
  const rounds = (count: number) => {
    for (let round = 0; round < count; round += 1) {
      half(0, 1, 5, 16)
      half(2, 3, 8, 0)
      half(0, 3, 7, 0)
      half(2, 1, 13, 16)
    }
  }
  const padded = [...message]
  while (padded.length % 4 !== 3) padded.push(0)
  padded.push(message.length % 256)
  for (let at = 0; at < padded.length; at += 4) {
    const block = Buffer.from(padded.slice(at, at + 4)).readUInt32LE()
    v[3] = state(3) ^ block
    rounds(1)
    v[0] = state(0) ^ block
  }
  v[2] = state(2) ^ 0xee
  rounds(3)
  const low = (state(1) ^ state(3)) >>> 0
  v[1] = state(1) ^ 0xdd
  rounds(3)
  return `${low}:${(state(1) ^ state(3)) >>> 0}`
}

const word = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })

describe('the keyed hash of a limit', () => {
  it('is HalfSipHash-1-3 of the text in UTF-16', () => {
    const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 300 }), fc.emailAddress())
    fc.assert(
      fc.property(word, word, text, (low, high, key) => {
        const expected = slowHash(low, high, Buffer.from(key, 'utf16le'))
        assert.equal(hashOf(hashSeed(low, high), key), expected)
      }),
      { numRuns: 500 },
    )
  })

  it('changes with the secret, and with every purpose under one secret', () => {
    const seed = hashSeed(1, 2)
    const seeds = [
      seed,
      hashSeed(1, 3),
      hashSeed(2, 2),
      derivedSeed(seed, 'login'),
      derivedSeed(seed, 'reset'),
      derivedSeed(hashSeed(1, 3), 'login'),
    ]
    assert.equal(new Set(seeds.map((each) => hashOf(each, 'key'))).size, seeds.length)
    assert.equal(
      hashOf(derivedSeed(seed, 'login'), 'key'),
      hashOf(derivedSeed(seed, 'login'), 'key'),
    )
  })

  it('keeps keys apart that differ in their length or their last character only', () => {
    const keys = ['', '\0', '\0\0', 'a', 'a\0', 'aa', 'ab', 'a'.repeat(128), 'a'.repeat(256)]
    assert.equal(new Set(keys.map((key) => hashOf(hashSeed(7, 8), key))).size, keys.length)
  })
})
