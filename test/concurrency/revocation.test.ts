import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { Worker } from 'node:worker_threads'
import { createRevocationBuffer, RevocationIndex } from '../../src/revocation/revocation-index.ts'
import { brokenIndexInvariants, entryOf, ISSUER, tokenEntryOf } from '../support/revocations.ts'
import type { RevocationThreadInput, RevocationThreadReport } from './revocation-thread.ts'

const NOW = 2_000
const FOREVER = 1_000_000
const VICTIMS = 300
const BYSTANDERS = 50
/** Of short-lived entries that come and go between two victims. */
const CHURN = 40
const READERS = 3
/** Just enough: buckets overflow, and ways are used again and again. */
const CAPACITY = VICTIMS + BYSTANDERS + 3 * CHURN

function createInput(answersMessages: boolean): RevocationThreadInput {
  const progress = new SharedArrayBuffer(12)
  Atomics.store(new Int32Array(progress), 2, NOW)
  return {
    buffer: createRevocationBuffer(CAPACITY),
    progress,
    victims: VICTIMS,
    bystanders: BYSTANDERS,
    answersMessages,
  }
}

function start(workerData: RevocationThreadInput): Worker {
  return new Worker(new URL('./revocation-thread.js', import.meta.url), { workerData })
}

/** Revokes all victims, amid entries that expire, are swept, and leave their ways to others. */
function revokeAll({ buffer, progress }: RevocationThreadInput): void {
  const index = new RevocationIndex(buffer)
  const words = new Int32Array(progress)
  // The bystanders' subjects are in the table too: revoked before their tokens were issued.
  for (let number = VICTIMS; number < VICTIMS + BYSTANDERS; number += 1) {
    const name = { kind: 'sub', issuer: ISSUER, value: `subject-${number}` } as const
    assert.equal(index.add(entryOf(name, FOREVER, 999), NOW), 'added')
  }
  for (let victim = 0; victim < VICTIMS; victim += 1) {
    const nowSeconds = NOW + victim
    Atomics.store(words, 2, nowSeconds)
    if (victim % 7 === 0) index.sweep(nowSeconds)
    for (let other = 0; other < CHURN; other += 1) {
      // Far from the numbers of all whom the readers ask about.
      const number = 1_000_000 + victim * CHURN + other
      assert.equal(index.add(tokenEntryOf(number, nowSeconds + 1), nowSeconds), 'added')
    }
    assert.equal(index.add(tokenEntryOf(victim, FOREVER), nowSeconds), 'added')
    Atomics.store(words, 0, victim + 1)
  }
}

describe('revocation index shared by threads', () => {
  it('is never missed by a reader that begins after it was published', async () => {
    const input = createInput(false)
    const workers = Array.from({ length: READERS }, () => start(input))
    await Promise.all(workers.map((worker) => once(worker, 'message')))
    const reports = Promise.all(
      workers.map(async (worker) => {
        const [report] = (await once(worker, 'message')) as [RevocationThreadReport]
        await worker.terminate()
        return report
      }),
    )
    try {
      revokeAll(input)
    } finally {
      // Whatever happened: the readers would not stop otherwise.
      Atomics.store(new Int32Array(input.progress), 1, 1)
    }
    for (const { missed, falselyRevoked, asked, askedMeanwhile } of await reports) {
      assert.equal(missed, 0)
      assert.equal(falselyRevoked, 0)
      assert.ok(asked >= VICTIMS + BYSTANDERS)
      assert.ok(askedMeanwhile > 0, 'the thread read while the writer wrote')
    }
    assert.deepEqual(brokenIndexInvariants(input.buffer), [])
  })

  it('is in force in another thread as soon as that thread hears of it', async () => {
    const input = createInput(true)
    const index = new RevocationIndex(input.buffer)
    const worker = start(input)
    const ask = async (number: number) => {
      worker.postMessage(number)
      const [isRevoked] = (await once(worker, 'message')) as [boolean]
      return isRevoked
    }
    try {
      for (let number = 0; number < 100; number += 1) {
        assert.equal(await ask(number), false)
        index.add(tokenEntryOf(number, FOREVER), NOW)
        assert.equal(await ask(number), true)
      }
    } finally {
      await worker.terminate()
    }
  })
})
