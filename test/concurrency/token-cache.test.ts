import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { Worker } from 'node:worker_threads'
import {
  createKeyGenerationsBuffer,
  KeyGenerations,
} from '../../src/shared-memory/key-generations.ts'
import { STEAL_AFTER_SECONDS } from '../../src/shared-memory/writer-lock.ts'
import {
  IDENTITY_SLOT_BYTES,
  LOCK_WORD,
  mapTable,
  setWordAt,
  type TableMemory,
  tableSizeBytes,
} from '../../src/token-cache/layout.ts'
import { TokenCache } from '../../src/token-cache/token-cache.ts'
import { brokenCacheInvariants } from '../support/cache-invariants.ts'
import { assertIsVerdictAbout, digestOf, verdictOf } from '../support/self-describing-verdict.ts'
import type { TokenCacheThreadInput, TokenCacheThreadReport } from './token-cache-thread.ts'

const NOW = 1_700_000_000
const SETS = 3
const SUBJECTS = 90

interface Shared {
  readonly buffer: SharedArrayBuffer
  readonly keyBuffer: SharedArrayBuffer
  readonly memory: TableMemory
}

function createShared(): Shared {
  const buffer = new SharedArrayBuffer(tableSizeBytes(SETS, IDENTITY_SLOT_BYTES))
  const memory = mapTable(buffer, IDENTITY_SLOT_BYTES)
  return { buffer, keyBuffer: createKeyGenerationsBuffer(4_095), memory }
}

function open({ buffer, keyBuffer }: Shared): TokenCache<string> {
  return new TokenCache({ buffer, keys: new KeyGenerations(keyBuffer), memoEntries: 16 })
}

function start(shared: Shared, seed: number, rounds: number, nowSeconds: number): Worker {
  const { buffer, keyBuffer } = shared
  const workerData: TokenCacheThreadInput = {
    buffer,
    keyBuffer,
    seed,
    subjects: SUBJECTS,
    nowSeconds,
    rounds,
  }
  return new Worker(new URL('./token-cache-thread.js', import.meta.url), { workerData })
}

function locksHeld(memory: TableMemory): number {
  let held = 0
  for (let set = 0; set < memory.setCount; set += 1) {
    if (memory.words[setWordAt(memory, set) + LOCK_WORD] !== 0) held += 1
  }
  return held
}

/** Reads every subject as a thread does that never saw the cache before. */
function readAll(shared: Shared, nowSeconds: number): number {
  const cache = open(shared)
  let hits = 0
  for (let subject = 0; subject < SUBJECTS; subject += 1) {
    const found = cache.get(digestOf(subject), nowSeconds)
    if (found === null) continue
    assertIsVerdictAbout(found.verified, subject)
    hits += 1
  }
  return hits
}

describe('token cache shared by threads', () => {
  it('never crosses keys and never shows a torn entry while threads churn it', async () => {
    const shared = createShared()
    const reports = await Promise.all(
      [1, 2, 3, 4].map(async (seed) => {
        const worker = start(shared, seed, 60_000, NOW)
        const [report] = (await once(worker, 'message')) as [TokenCacheThreadReport]
        await worker.terminate()
        return report
      }),
    )
    for (const { failure } of reports) assert.equal(failure, null)
    for (const { hits, puts } of reports) assert.ok(hits > 1_000 && puts > 1_000)
    assert.deepEqual(brokenCacheInvariants(shared.memory), [])
  })

  it('serves on, whole and in every set, after threads were killed while they wrote', async () => {
    const shared = createShared()
    const deadlineRounds = 40
    let nowSeconds = NOW
    let abandoned = 0
    for (let round = 0; round < deadlineRounds && abandoned < 8; round += 1) {
      const worker = start(shared, round + 1, 0, nowSeconds)
      await once(worker, 'message')
      // Reading races with the writing, then with the dying.
      const dying = worker.terminate()
      readAll(shared, nowSeconds)
      await dying
      readAll(shared, nowSeconds)
      abandoned += locksHeld(shared.memory)

      nowSeconds += STEAL_AFTER_SECONDS
      const survivor = open(shared)
      for (let subject = 0; subject < SUBJECTS; subject += 1) {
        const verdict = verdictOf(subject, round, 1, nowSeconds + 1_000)
        assert.equal(survivor.put(digestOf(subject), verdict, nowSeconds), true)
        const found = survivor.get(digestOf(subject), nowSeconds)
        assert.deepEqual(found?.verified, verdict)
      }
      assert.equal(locksHeld(shared.memory), 0)
      assert.ok(readAll(shared, nowSeconds) >= SETS * 8)
    }
    assert.ok(abandoned >= 4, 'threads really died with a lock in their hands')
  })

  it('turns a writer away rather than make it wait for another in its set', () => {
    const shared = createShared()
    const cache = open(shared)
    for (let set = 0; set < SETS; set += 1) {
      shared.memory.words[setWordAt(shared.memory, set) + LOCK_WORD] = ((NOW & 0xffff) << 16) | 9
    }
    const verdict = verdictOf(1, 1, 2, NOW + 100)
    assert.equal(cache.put(digestOf(1), verdict, NOW), false)
    assert.equal(cache.counters.putsSkipped, 1)
    assert.equal(cache.put(digestOf(1), verdict, NOW + STEAL_AFTER_SECONDS), true)
  })
})
