import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { Worker } from 'node:worker_threads'
import { createKeyGenerationsBuffer } from '../../src/shared-memory/key-generations.ts'
import {
  createInFlightBuffer,
  IN_FLIGHT_WAIT_MS_MAX,
  InFlight,
} from '../../src/token-cache/in-flight.ts'
import { createTokenCacheBuffer } from '../../src/token-cache/token-cache.ts'
import { digestOf, verdictOf } from '../support/self-describing-verdict.ts'
import type { InFlightThreadInput } from './in-flight-thread.ts'

const NOW = 1_700_000_000
const THREADS = 4
const ROUNDS = 60
const TICKS_MARGIN_MS = 512

function createInput(diesAsOwner: boolean): InFlightThreadInput {
  return {
    cacheBuffer: createTokenCacheBuffer(1),
    keyBuffer: createKeyGenerationsBuffer(4_095),
    inFlightBuffer: createInFlightBuffer(),
    tally: new SharedArrayBuffer((1 + ROUNDS) * Int32Array.BYTES_PER_ELEMENT),
    threads: THREADS,
    rounds: ROUNDS,
    nowSeconds: NOW,
    diesAsOwner,
  }
}

function start(workerData: InFlightThreadInput): Worker {
  return new Worker(new URL('./in-flight-thread.js', import.meta.url), { workerData })
}

describe('in-flight verifications across threads', () => {
  it('verifies a credential once however many threads miss it at once', async () => {
    const input = createInput(false)
    const workers = Array.from({ length: THREADS }, () => start(input))
    const answers = await Promise.all(
      workers.map(async (worker) => {
        const [subjects] = (await once(worker, 'message')) as [string[]]
        await worker.terminate()
        return subjects
      }),
    )
    const expected = Array.from({ length: ROUNDS }, (_, round) => {
      return verdictOf(round, 1, 2, NOW).identity.subject
    })
    for (const subjects of answers) assert.deepEqual(subjects, expected)
    const verifications = [...new Int32Array(input.tally).subarray(1)]
    assert.deepEqual(verifications, new Array(ROUNDS).fill(1))
  })

  it('survives the death of the thread that verifies', async () => {
    const input = createInput(true)
    const worker = start(input)
    const [isOwner] = (await once(worker, 'message')) as [boolean]
    assert.equal(isOwner, true)
    await worker.terminate()

    const inFlight = new InFlight(input.inFlightBuffer)
    const waiter = inFlight.claim(digestOf(0), NOW * 1_000, IN_FLIGHT_WAIT_MS_MAX)
    assert.equal(waiter.isOwner, false)
    const alive = setInterval(() => {}, 5)
    await inFlight.wait(waiter, 20)
    clearInterval(alive)
    const laterMs = NOW * 1_000 + IN_FLIGHT_WAIT_MS_MAX + TICKS_MARGIN_MS
    assert.equal(inFlight.claim(digestOf(0), laterMs, IN_FLIGHT_WAIT_MS_MAX).isOwner, true)
  })
})
