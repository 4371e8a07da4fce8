/** A thread of the in-flight tests: misses the same credentials as all others, at the same time. */
import { parentPort, workerData } from 'node:worker_threads'
import { KeyGenerations } from '../../src/shared-memory/key-generations.ts'
import { IN_FLIGHT_WAIT_MS_MAX, InFlight, NO_OUTCOME } from '../../src/token-cache/in-flight.ts'
import { TokenCache } from '../../src/token-cache/token-cache.ts'
import { digestOf, verdictOf } from '../support/self-describing-verdict.ts'

export interface InFlightThreadInput {
  readonly cacheBuffer: SharedArrayBuffer
  readonly keyBuffer: SharedArrayBuffer
  readonly inFlightBuffer: SharedArrayBuffer
  /** Word 0: threads that reached the round, over all rounds. Word 1 + n: verifications of n. */
  readonly tally: SharedArrayBuffer
  readonly threads: number
  readonly rounds: number
  readonly nowSeconds: number
  /** Claim the first credential, say so, and verify nothing. */
  readonly diesAsOwner: boolean
}

const input = workerData as InFlightThreadInput
const keys = new KeyGenerations(input.keyBuffer)
const cache = new TokenCache<string>({ buffer: input.cacheBuffer, keys, memoEntries: 16 })
const inFlight = new InFlight(input.inFlightBuffer)
const tally = new Int32Array(input.tally)
const nowMs = input.nowSeconds * 1_000

async function verify(round: number): Promise<void> {
  Atomics.add(tally, 1 + round, 1)
  await new Promise((resolve) => setTimeout(resolve, 2))
  const verdict = verdictOf(round, 1, 2, input.nowSeconds + 100)
  cache.put(digestOf(round), verdict, input.nowSeconds)
}

async function lookUp(round: number): Promise<string> {
  const digest = digestOf(round)
  const claim = inFlight.claim(digest, nowMs, IN_FLIGHT_WAIT_MS_MAX)
  if (claim.isOwner) {
    if (cache.get(digest, input.nowSeconds) === null) await verify(round)
    inFlight.release(claim, digest, NO_OUTCOME, nowMs)
  } else {
    await inFlight.wait(claim)
  }
  return cache.get(digest, input.nowSeconds)?.verified.identity.subject ?? 'nothing'
}

function meetTheOthers(round: number): void {
  const everybody = input.threads * (round + 1)
  if (Atomics.add(tally, 0, 1) + 1 === everybody) Atomics.notify(tally, 0)
  for (let met = Atomics.load(tally, 0); met < everybody; met = Atomics.load(tally, 0)) {
    Atomics.wait(tally, 0, met, 1_000)
  }
}

async function run(): Promise<void> {
  const subjects: string[] = []
  for (let round = 0; round < input.rounds; round += 1) {
    meetTheOthers(round)
    subjects.push(await lookUp(round))
  }
  parentPort?.postMessage(subjects)
}

// A waiter alone keeps no thread alive. The interval is too long to wake anybody by accident.
setInterval(() => {}, 1_000_000)
if (input.diesAsOwner) {
  const claim = inFlight.claim(digestOf(0), nowMs, IN_FLIGHT_WAIT_MS_MAX)
  parentPort?.postMessage(claim.isOwner)
} else await run()
