/**
 * A thread that reads and writes in a shared token cache, as often as it is told, and answers with
 * its counters: one of the two of native-bench/token-cache-churn.ts.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { KeyGenerations } from '../../src/shared-memory/key-generations.ts'
import { MEMO_ENTRIES_DEFAULT, TokenCache } from '../../src/token-cache/token-cache.ts'
import { digestOf, verdictOf } from '../../test/support/self-describing-verdict.ts'

export interface ChurnThreadInput {
  readonly buffer: SharedArrayBuffer
  readonly keyBuffer: SharedArrayBuffer
  /** Two threads of one case have different ones, and so another order of the same tokens. */
  readonly seed: number
  readonly tokens: number
  /** Of so many accesses one is a put, and the others are gets; 1: all are puts. */
  readonly accessesPerPut: number
  readonly nowSeconds: number
}

export interface ChurnCounters {
  readonly evictions: number
  readonly putsSkipped: number
}

/** What is written says nothing of the token: fewer than those, so that they fit in memory. */
const VERDICTS = 500
/** Entries of each list: a verdict of some 250 bytes. */
const LIST_LENGTH = 2
const LIFE_SECONDS = 3_600

const input = workerData as ChurnThreadInput
const { buffer, keyBuffer, tokens, accessesPerPut, nowSeconds } = input
const cache = new TokenCache<string>({
  buffer,
  keys: new KeyGenerations(keyBuffer),
  memoEntries: MEMO_ENTRIES_DEFAULT,
})
const digests = Array.from({ length: tokens }, (_, token) => digestOf(token))
const verdicts = Array.from({ length: VERDICTS }, (_, subject) =>
  verdictOf(subject, 1, LIST_LENGTH, nowSeconds + LIFE_SECONDS),
)
let state = input.seed

/** A small generator of its own: every run asks for the same tokens in the same order. */
function nextToken(): number {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0
  return (state >>> 8) % tokens
}

function churn(times: number): void {
  for (let access = 0; access < times; access += 1) {
    const token = nextToken()
    const digest = digests[token]
    const verdict = verdicts[token % VERDICTS]
    if (digest === undefined || verdict === undefined) continue
    if (access % accessesPerPut === 0) cache.put(digest, verdict, nowSeconds)
    else cache.get(digest, nowSeconds)
  }
}

parentPort?.on('message', (times: number) => {
  churn(times)
  const { evictions, putsSkipped } = cache.counters
  const counters: ChurnCounters = { evictions, putsSkipped }
  parentPort?.postMessage(counters)
})
