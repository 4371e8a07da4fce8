/**
 * The hand-over to worker threads: batches, limits, and every way in which a worker can be lost.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Clock } from '../../src/runtime/clock.ts'
import type {
  SignatureOutcome,
  SignaturePool,
  WorkerLoss,
} from '../../src/verifiers/jwt/signature-pool.ts'
import type { SignatureProof } from '../../src/verifiers/jwt/signature-proof.ts'
import { eventually } from '../support/eventually.ts'
import { createPool } from '../support/jwt-policy.ts'
import { claimsText, headerText, type MintingKey, mintKey, signRaw } from '../support/mint-token.ts'

const ED = mintKey('EdDSA')
/** A verification of about a millisecond: long enough to be in the middle of. */
const SLOW = mintKey('ES512')
const GOOD = signRaw(ED, headerText(ED), claimsText())
const BAD = signRaw(mintKey('EdDSA'), headerText(ED), claimsText())
const SLOW_GOOD = signRaw(SLOW, headerText(SLOW), claimsText())

function submit(
  pool: SignaturePool,
  token = GOOD,
  key: MintingKey = ED,
): Promise<SignatureOutcome> {
  return new Promise((resolve) => {
    pool.submit(token, key.verificationKey, key.algorithm, resolve)
  })
}

function submitMany(
  pool: SignaturePool,
  count: number,
  token = GOOD,
  key = ED,
): Promise<SignatureOutcome[]> {
  return Promise.all(Array.from({ length: count }, () => submit(pool, token, key)))
}

async function withPool(
  options: Parameters<typeof createPool>[0],
  body: (pool: SignaturePool) => Promise<void>,
): Promise<void> {
  const pool = createPool(options)
  try {
    assert.equal(await pool.whenStarted(10_000), true)
    await body(pool)
  } finally {
    await pool.close()
  }
}

describe('batches', () => {
  it('gives every token its own verdict, whatever its neighbours are', async () => {
    await withPool({}, async (pool) => {
      const keys = [ED, mintKey('RS256'), mintKey('HS256'), mintKey('ES256')]
      const expected: SignatureOutcome[] = []
      const outcomes: Promise<SignatureOutcome>[] = []
      for (let index = 0; index < 100; index += 1) {
        const key = keys[index % keys.length] ?? ED
        const isGood = index % 3 !== 0
        const signer = isGood ? key : mintKey('EdDSA')
        const signed = signRaw(signer, headerText(key, { n: index }), claimsText({ n: index }))
        expected.push(isGood || key === signer ? 'good' : 'bad')
        outcomes.push(submit(pool, signed, key))
      }
      assert.deepEqual(await Promise.all(outcomes), expected)
    })
  })

  it('are filled with what arrives in one turn of the event loop, up to the maximum', async () => {
    await withPool({ batchMax: 8 }, async (pool) => {
      await submitMany(pool, 20)
      assert.equal(pool.tokenCount, 20)
      assert.equal(pool.batchCount, 3)
    })
  })

  it('do not wait to be filled', async () => {
    await withPool({}, async (pool) => {
      assert.equal(await submit(pool), 'good')
      assert.equal(await submit(pool, BAD), 'bad')
      assert.equal(pool.batchCount, 2)
    })
  })

  it('go to all threads of the pool', async () => {
    await withPool({ threads: 2, batchMax: 1 }, async (pool) => {
      assert.equal(pool.threads.length, 2)
      const outcomes = await submitMany(pool, 10)
      assert.deepEqual(new Set(outcomes), new Set(['good']))
    })
  })

  it('use one RSA key for two algorithms without confusing them', async () => {
    const key = mintKey('RS256')
    const pss: MintingKey = { ...key, algorithm: 'PS256' }
    const pkcs1Token = signRaw(key, headerText(key), claimsText())
    const pssToken = signRaw(pss, headerText(pss), claimsText())
    await withPool({}, async (pool) => {
      const outcomes = await Promise.all([
        submit(pool, pkcs1Token, key),
        submit(pool, pssToken, pss),
        submit(pool, pkcs1Token, pss),
        submit(pool, pssToken, key),
      ])
      assert.deepEqual(outcomes, ['good', 'good', 'bad', 'bad'])
    })
  })
})

describe('limits', () => {
  it('refuses what does not fit the queue at once, and settles what does', async () => {
    await withPool({ queueMax: 10 }, async (pool) => {
      const outcomes = await submitMany(pool, 15)
      assert.deepEqual(outcomes.slice(0, 10), Array(10).fill('good'))
      assert.deepEqual(outcomes.slice(10), Array(5).fill('overloaded'))
      assert.equal(pool.queueDepth, 0)
      assert.equal(await submit(pool), 'good', 'there is room again')
    })
  })

  it('does not keep a token longer than the longest wait', async () => {
    let nowMs = 0
    const clock: Clock = {
      nowSeconds: () => 0,
      wallMs: () => 0,
      monotonicMs: () => nowMs,
      processMs: () => nowMs,
    }
    await withPool({ clock, batchMax: 1, queueWaitMaxMs: 1_000 }, async (pool) => {
      const first = submit(pool, SLOW_GOOD, SLOW)
      // A turn later the first one is with the worker; the others wait behind it.
      await new Promise((resolve) => setImmediate(resolve))
      const late = submitMany(pool, 3)
      nowMs = 1_001
      assert.equal(await first, 'good', 'it had been handed over in time')
      assert.deepEqual(await late, Array(3).fill('unavailable'))
      assert.equal(await submit(pool), 'good')
    })
  })
})

describe('loss of a worker', () => {
  it('fails the batch it had, undecided, and the next one passes on its replacement', async () => {
    await withPool({ batchMax: 1_000 }, async (pool) => {
      const outcomes = submitMany(pool, 1_000, SLOW_GOOD, SLOW)
      await new Promise((resolve) => setImmediate(resolve))
      await pool.threads[0]?.terminate()
      assert.deepEqual(new Set(await outcomes), new Set(['unavailable']))
      assert.equal(pool.workerFailureCount, 1)
      assert.equal(await submit(pool), 'good')
    })
  })

  it('is told, with its kind, whether it had something to do or not', async () => {
    const losses: WorkerLoss[] = []
    const onWorkerLost = (loss: WorkerLoss) => losses.push(loss)
    await withPool({ batchMax: 2_000, batchDeadlineMs: 50, onWorkerLost }, async (pool) => {
      await submitMany(pool, 2_000, SLOW_GOOD, SLOW)
      await eventually('the slow one is told', () => losses.length === 1)
      await pool.threads[0]?.terminate()
      await eventually('the idle one is told', () => losses.length === 2)
      assert.deepEqual(losses, ['too_slow', 'exited'])
      assert.equal(pool.workerFailureCount, 2)
    })
    assert.equal(losses.length, 2, 'threads that were ended on purpose are not lost')
  })

  it('brings a proof of the one that takes its place', async () => {
    const proofs: SignatureProof[] = []
    const onWorkerProved = (proof: SignatureProof) => proofs.push(proof)
    await withPool({ threads: 2, onWorkerProved }, async (pool) => {
      assert.equal(proofs.length, 2)
      await pool.threads[0]?.terminate()
      await eventually('the new one has proved', () => proofs.length === 3)
      assert.ok(proofs.every(({ bindingFault }) => bindingFault === null))
    })
  })

  it('does not fail what was still waiting', async () => {
    await withPool({ batchMax: 500 }, async (pool) => {
      const outcomes = submitMany(pool, 501, SLOW_GOOD, SLOW)
      await new Promise((resolve) => setImmediate(resolve))
      await pool.threads[0]?.terminate()
      const all = await outcomes
      assert.equal(all[0], 'unavailable')
      assert.equal(all[500], 'good')
    })
  })

  it('is noticed when it happens with nothing to do', async () => {
    await withPool({}, async (pool) => {
      await pool.threads[0]?.terminate()
      assert.equal(await submit(pool), 'good')
    })
  })

  it('includes a worker that does not answer in time, which is replaced', async () => {
    await withPool({ batchMax: 2_000, batchDeadlineMs: 50 }, async (pool) => {
      const stuck = pool.threads[0]
      const outcomes = await submitMany(pool, 2_000, SLOW_GOOD, SLOW)
      assert.deepEqual(new Set(outcomes), new Set(['unavailable']))
      assert.notEqual(pool.threads[0], stuck)
    })
  })
})

describe('the end', () => {
  it('settles whatever waits, refuses what comes, and lets the process end', async () => {
    const pool = createPool({ batchMax: 1 })
    const outcomes = submitMany(pool, 5)
    await pool.close()
    assert.deepEqual(await outcomes, Array(5).fill('unavailable'))
    assert.equal(await submit(pool), 'unavailable')
    assert.equal(pool.threads.length, 0)
  })
})
