/**
 * The cache key of a token: what SHA-256 costs by the form of its answer and the token's length.
 * Run: `node build/native-bench/token-digest.js`.
 */
import { hash } from 'node:crypto'
import { profileKey, tokenDigest, unpackDigest } from '../src/token-cache/token-digest.ts'
import { type BenchCase, runBench } from './bench.ts'

const SAMPLES = 64
const TIMES_PER_ROUND = 100_000
const TOKEN_LENGTHS = [200, 700, 2_000] as const
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const PROFILE = profileKey('issuers: bench; audience: bench; tenant: bench')

/** Whole header values: the gateway hashes a slice of one, not a flat string of its own. */
function authorizations(tokenLength: number): string[] {
  return Array.from({ length: SAMPLES }, (_, sample) => {
    const text = Buffer.alloc(tokenLength)
    let state = sample + 1
    for (let at = 0; at < tokenLength; at += 1) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0
      text[at] = ALPHABET.charCodeAt((state >>> 16) & 63)
    }
    return `Bearer ${text.toString('latin1')}`
  })
}

/** Keeps results alive, so that no work can be left out. */
let sink = 0

function digestCase(name: string, tokenLength: number, digest: (token: string) => number) {
  const headers = authorizations(tokenLength)
  const run = (times: number): void => {
    for (let time = 0; time < times; time += 1) {
      sink ^= digest((headers[time % SAMPLES] as string).slice(7))
    }
  }
  return { name: `${name}, ${tokenLength} B`, run, timesPerRound: TIMES_PER_ROUND }
}

const cases: BenchCase[] = []
for (const length of TOKEN_LENGTHS) {
  cases.push(
    digestCase('slice of the header alone', length, (token) => token.charCodeAt(3)),
    digestCase('tokenDigest (the token, binary)', length, (token) => {
      return tokenDigest(PROFILE, token).token.length
    }),
    digestCase('the token, hex', length, (token) => hash('sha256', token, 'hex').length),
    digestCase('the token, buffer', length, (token) => hash('sha256', token, 'buffer').length),
    digestCase('profile and token in one text, binary', length, (token) => {
      return hash('sha256', PROFILE.text + token, 'binary').length
    }),
  )
}

const words = new Int32Array(8)
cases.push(
  digestCase('tokenDigest and unpackDigest', 700, (token) => {
    unpackDigest(tokenDigest(PROFILE, token), words)
    return words[0] as number
  }),
)

await runBench('token digest', cases)
if (sink === 0.5) throw new Error('unreachable')
