import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { Worker } from 'node:worker_threads'
import {
  CircuitBreaker,
  type CircuitBreakerOptions,
  createCircuitBreakerBuffer,
} from '../../src/resilience/circuit-breaker.ts'
import type { BreakerThreadInput } from './circuit-breaker-thread.ts'

const THREADS = 4
const ROUNDS = 300
const ATTEMPTS_PER_ROUND = 50
const START_MS = 1_760_000_000_000
const OPTIONS: CircuitBreakerOptions = {
  failureThreshold: 5,
  recoveryTimeoutMs: 30_000,
  halfOpenRequests: 3,
  probeExpiryMs: 60_000,
}

function createInput(more: Partial<BreakerThreadInput> = {}): BreakerThreadInput {
  return {
    buffer: createCircuitBreakerBuffer(1),
    options: OPTIONS,
    tally: new SharedArrayBuffer((1 + 2 * ROUNDS) * Int32Array.BYTES_PER_ELEMENT),
    threads: THREADS,
    rounds: ROUNDS,
    attemptsPerRound: ATTEMPTS_PER_ROUND,
    startMs: START_MS,
    diesWithPermit: false,
    ...more,
  }
}

function start(workerData: BreakerThreadInput): Worker {
  return new Worker(new URL('./circuit-breaker-thread.js', import.meta.url), { workerData })
}

async function runThreads(input: BreakerThreadInput): Promise<Int32Array> {
  const workers = Array.from({ length: input.threads }, () => start(input))
  await Promise.all(
    workers.map(async (worker) => {
      await once(worker, 'message')
      await worker.terminate()
    }),
  )
  return new Int32Array(input.tally)
}

describe('one circuit breaker under several threads', () => {
  it('admits exactly the probes that it wants, and turns exactly once, in every round', async () => {
    const input = createInput()
    const tally = await runThreads(input)
    const breaker = new CircuitBreaker(input.buffer, 0, OPTIONS)
    const admitted = Array.from({ length: ROUNDS }, (_, round) => tally[1 + 2 * round])
    const turns = Array.from({ length: ROUNDS }, (_, round) => tally[2 + 2 * round])

    // Even rounds meet a closed breaker and open it, odd ones find the wait over and close it.
    const everything = THREADS * ATTEMPTS_PER_ROUND
    const expected = admitted.map((_, round) =>
      round % 2 === 0 ? everything : OPTIONS.halfOpenRequests,
    )
    assert.deepEqual(admitted, expected)
    assert.deepEqual(turns, new Array(ROUNDS).fill(1))
    assert.equal(breaker.openedCount, ROUNDS / 2)
  })

  it('admits nothing to any thread while it is open', async () => {
    const buffer = createCircuitBreakerBuffer(1)
    const breaker = new CircuitBreaker(buffer, 0, OPTIONS)
    for (let failure = 0; failure < OPTIONS.failureThreshold; failure += 1) {
      const permit = breaker.tryAcquire(START_MS)
      assert.ok(permit !== null)
      breaker.failed(permit, START_MS)
    }
    const rounds = 1
    const startMs = START_MS + OPTIONS.recoveryTimeoutMs - 1
    const tally = await runThreads(createInput({ buffer, rounds, startMs }))
    assert.equal(tally[1], 0)
    assert.equal(breaker.state(startMs), 'open')
  })

  it('is not wedged by a thread that dies with the only probe', async () => {
    const options = { ...OPTIONS, failureThreshold: 1, halfOpenRequests: 1 }
    const buffer = createCircuitBreakerBuffer(1)
    const breaker = new CircuitBreaker(buffer, 0, options)
    const first = breaker.tryAcquire(START_MS)
    assert.ok(first !== null)
    breaker.failed(first, START_MS)

    const startMs = START_MS + options.recoveryTimeoutMs
    const worker = start(createInput({ buffer, options, startMs, diesWithPermit: true }))
    const [hasPermit] = (await once(worker, 'message')) as [boolean]
    await worker.terminate()
    assert.equal(hasPermit, true)

    assert.equal(breaker.tryAcquire(startMs + options.probeExpiryMs - 1), null)
    const next = breaker.tryAcquire(startMs + options.probeExpiryMs)
    assert.ok(next !== null)
    assert.equal(breaker.succeeded(next), true)
  })
})
