/**
 * One access to the shared token cache while tokens come and go, by one thread alone and by two at
 * once, which write in the same sets. Run: `node build/native-bench/token-cache-churn.js`.
 */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { createKeyGenerationsBuffer } from '../src/shared-memory/key-generations.ts'
import { createTokenCacheBuffer } from '../src/token-cache/token-cache.ts'
import { type BenchCase, runBench } from './bench.ts'
import type { ChurnCounters, ChurnThreadInput } from './churn/churn-thread.ts'

const NOW = 1_700_000_000
const TIMES_PER_ROUND = 40_000
/** Room for some 30 000 verdicts. */
const ROOMY_MIB = 16
/** Room for some 500 of them. */
const TIGHT_MIB = 1 / 4

const keyBuffer = createKeyGenerationsBuffer(4_095)
const workers: Worker[] = []
const latest = new Map<Worker, ChurnCounters>()

interface Churn {
  readonly sizeMib: number
  readonly tokens: number
  readonly accessesPerPut: number
}

async function churnBy(worker: Worker, times: number): Promise<void> {
  const answered = once(worker, 'message')
  worker.postMessage(times)
  const [counters] = (await answered) as [ChurnCounters]
  latest.set(worker, counters)
}

/** The threads of one case have a cache of their own, and share the calls of a round. */
function churning(name: string, threads: number, churn: Churn): BenchCase {
  const { sizeMib, tokens, accessesPerPut } = churn
  const buffer = createTokenCacheBuffer(sizeMib)
  const own = Array.from({ length: threads }, (_, index) => {
    const seed = index + 1
    const shared = { buffer, keyBuffer, tokens, accessesPerPut, nowSeconds: NOW }
    const workerData: ChurnThreadInput = { ...shared, seed }
    return new Worker(new URL('./churn/churn-thread.js', import.meta.url), { workerData })
  })
  workers.push(...own)
  return {
    name: `${name}, ${threads === 1 ? 'one thread' : `${threads} threads`}`,
    timesPerRound: TIMES_PER_ROUND,
    run: async (times) => {
      await Promise.all(own.map((worker) => churnBy(worker, times / threads)))
    },
  }
}

const room = { sizeMib: ROOMY_MIB, tokens: 10_000, accessesPerPut: 1 }
const crowd = { sizeMib: TIGHT_MIB, tokens: 4_000, accessesPerPut: 1 }
const mixed = { sizeMib: ROOMY_MIB, tokens: 1_000, accessesPerPut: 20 }
const read = { ...mixed, accessesPerPut: 1_000 }

const cases = [
  churning('put, room for all', 1, room),
  churning('put, room for all', 2, room),
  churning('put, an eighth of them fits', 1, crowd),
  churning('put, an eighth of them fits', 2, crowd),
  churning('19 gets and a put', 1, mixed),
  churning('19 gets and a put', 2, mixed),
  churning('999 gets and a put', 1, read),
  churning('999 gets and a put', 2, read),
]

await runBench('CPU for one access to a token cache under churn', cases, () => {
  const counters = [...latest.values()]
  const evictions = counters.reduce((sum, one) => sum + one.evictions, 0)
  const skipped = counters.reduce((sum, one) => sum + one.putsSkipped, 0)
  return `${evictions} evictions; ${skipped} puts given up for another thread`
})
await Promise.all(workers.map((worker) => worker.terminate()))
