/** A thread of the token cache's tests: hammers a shared cache and checks all that it finds. */
import { parentPort, workerData } from 'node:worker_threads'
import { KeyGenerations } from '../../src/shared-memory/key-generations.ts'
import { encodeVerified } from '../../src/token-cache/identity-codec.ts'
import { IDENTITY_SLOT_BYTES } from '../../src/token-cache/layout.ts'
import { SlotTable } from '../../src/token-cache/slot-table.ts'
import { TokenCache } from '../../src/token-cache/token-cache.ts'
import { unpackDigest } from '../../src/token-cache/token-digest.ts'
import { assertIsVerdictAbout, digestOf, verdictOf } from '../support/self-describing-verdict.ts'

export interface TokenCacheThreadInput {
  readonly buffer: SharedArrayBuffer
  readonly keyBuffer: SharedArrayBuffer
  readonly seed: number
  readonly subjects: number
  readonly nowSeconds: number
  /** 0: writes only, until terminated. */
  readonly rounds: number
}

export interface TokenCacheThreadReport {
  readonly failure: string | null
  readonly hits: number
  readonly puts: number
  readonly torn: number
}

const LIST_LENGTHS = [1, 2, 4, 30, 60] as const

const input = workerData as TokenCacheThreadInput
const keys = new KeyGenerations(input.keyBuffer)
const cache = new TokenCache<string>({ buffer: input.buffer, keys, memoEntries: 16 })
const { nowSeconds } = input
const deadAtSeconds = nowSeconds + 1_000
let state = input.seed

/** A small generator of its own, so that a failing run can be run again. */
function next(bound: number): number {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0
  return (state >>> 8) % bound
}

function put(): void {
  const subject = next(input.subjects)
  const listLength = LIST_LENGTHS[next(LIST_LENGTHS.length)] as number
  cache.put(
    digestOf(subject),
    verdictOf(subject, next(1_000), listLength, deadAtSeconds),
    nowSeconds,
  )
}

function readAndWrite(): string | null {
  try {
    for (let round = 0; round < input.rounds; round += 1) {
      const choice = next(16)
      if (choice < 5) put()
      else if (choice === 5) cache.delete(digestOf(next(input.subjects)))
      else {
        const subject = next(input.subjects)
        const found = cache.get(digestOf(subject), nowSeconds)
        if (found !== null) assertIsVerdictAbout(found.verified, subject)
      }
    }
    return null
  } catch (error) {
    return String(error)
  }
}

function writeUntilTerminated(): never {
  const table = new SlotTable(input.buffer, IDENTITY_SLOT_BYTES, keys)
  // Encoded before, so that the thread spends nearly all its time with a lock in its hands.
  const drafts = Array.from({ length: 64 }, () => {
    const subject = next(input.subjects)
    const listLength = LIST_LENGTHS[next(LIST_LENGTHS.length)] as number
    const verdict = verdictOf(subject, next(1_000), listLength, deadAtSeconds)
    const payload = Buffer.alloc(table.memory.payloadBytesMax)
    const payloadLengthBytes = encodeVerified(verdict, payload)
    const digest = new Int32Array(8)
    unpackDigest(digestOf(subject), digest)
    const { keySlot, keyGeneration } = verdict
    const fields = { deadAtSeconds, keySlot, keyGeneration, note: 0, payloadLengthBytes }
    return { digest, fields, payload }
  })
  parentPort?.postMessage('writing')
  for (;;) {
    for (const { digest, fields, payload } of drafts) {
      payload.copy(table.draftPayload, 0, 0, fields.payloadLengthBytes)
      table.put(digest, fields, nowSeconds)
    }
  }
}

if (input.rounds === 0) writeUntilTerminated()
const failure = readAndWrite()
const { hits, puts, torn } = cache.counters
const report: TokenCacheThreadReport = { failure, hits, puts, torn }
parentPort?.postMessage(report)
