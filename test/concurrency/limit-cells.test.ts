import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { Worker } from 'node:worker_threads'
import { createLimitCellsBuffer, LimitCells } from '../../src/rate-limit/limit-cells.ts'
import type { LimitRate } from '../../src/rate-limit/limit-rule.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import type { HammerReport, LimitThreadInput, LockoutReport } from './limit-cells-thread.ts'

const THREADS = 4
const SECOND = 1_000_000

type Shared = Omit<LimitThreadInput, 'seed'>

function start(shared: Shared, seed: number): Worker {
  const workerData: LimitThreadInput = { ...shared, seed }
  return new Worker(new URL('./limit-cells-thread.js', import.meta.url), { workerData })
}

function createTally(keys: number): SharedArrayBuffer {
  return new SharedArrayBuffer((1 + keys) * Int32Array.BYTES_PER_ELEMENT)
}

/** What each thread tells at its end. */
async function runThreads<Told>(shared: Shared): Promise<readonly Told[]> {
  const workers = Array.from({ length: shared.threads }, (_, seed) => start(shared, seed))
  return Promise.all(
    workers.map(async (worker) => {
      const [told] = (await once(worker, 'message')) as [Told]
      await worker.terminate()
      return told
    }),
  )
}

function nowMicros(): number {
  return systemClock.processMs() * 1_000
}

/**
 * Takes all that may come at once. From then on nothing is lost while no thread gets to run, up to
 * the time in which the burst comes back, so that what passes later is known exactly.
 */
function takeBurst(cells: LimitCells, key: string, rate: LimitRate, atMicros: number): void {
  const group = cells.group('login')
  for (let left = rate.burst - 1; left >= 0; left -= 1) {
    assert.equal(cells.take(group, key, rate, atMicros), left)
  }
}

describe('one limit under several threads', () => {
  it('lets exactly rate x span + burst pass, in every one of 20 runs', async () => {
    const runs = 20
    // The burst comes back within 50 s, so the runs may take that long on a busy machine.
    const rate = { emissionMicros: 500, burst: 100_000 }
    const buffer = createLimitCellsBuffer(1_024)
    const cells = new LimitCells(buffer)
    const task = { kind: 'hammer', runs, runMicros: 60_000 } as const
    const tally = createTally(0)
    const firstMicros = nowMicros()
    for (let run = 0; run < runs; run += 1) takeBurst(cells, `run ${run}`, rate, firstMicros)

    const shared: Shared = { buffer, rate, task, threads: THREADS, tally }
    const reports = await runThreads<readonly HammerReport[]>(shared)
    for (let run = 0; run < runs; run += 1) {
      const each = reports.map((report) => report[run] ?? { passed: 0, lastMicros: 0 })
      const passed = each.reduce((sum, report) => sum + report.passed, rate.burst)
      const spanMicros = Math.max(...each.map(({ lastMicros }) => lastMicros)) - firstMicros
      const most = Math.floor(spanMicros / rate.emissionMicros) + rate.burst
      assert.ok(passed <= most && passed >= most - 1, `${passed} passed, ${most} may`)
    }
    assert.deepEqual({ ...cells.counters }, { evicted: 0, untracked: 0 })
  })

  it('is one, too, when all threads meet a new key at the same time', async () => {
    const [rounds, keysPerRound, burst] = [250, 40, 3]
    const rate = { emissionMicros: SECOND, burst }
    // Full of idle keys after a few rounds, so that cells also change hands.
    const buffer = createLimitCellsBuffer(512)
    const task = { kind: 'newcomers', rounds, keysPerRound } as const
    const tally = createTally(rounds * keysPerRound)
    const counters = await runThreads({ buffer, rate, task, threads: THREADS, tally })
    const passed = [...new Int32Array(tally)].slice(1)
    assert.deepEqual(
      passed.filter((count) => count !== burst),
      [],
    )
    assert.deepEqual(counters, new Array(THREADS).fill({ evicted: 0, untracked: 0 }))
  })

  it('is exact while all threads lock 400 000 names, of which the last stay locked', async () => {
    const burst = 1_000
    const rate = { emissionMicros: 86_400 * SECOND, burst }
    const buffer = createLimitCellsBuffer(16_384)
    const task = { kind: 'lockouts', names: 400_000 / THREADS } as const
    const shared: Shared = { buffer, rate, task, threads: THREADS, tally: createTally(0) }
    const reports = await runThreads<LockoutReport>(shared)
    assert.equal(
      reports.reduce((sum, { passed }) => sum + passed, 0),
      burst,
    )
    const lastLocked = reports.map((report) => report.lastLocked)
    // A thread that is done early has others write locks that end later.
    assert.equal(Math.max(...lastLocked), 20)
    const cells = new LimitCells(buffer)
    assert.ok(cells.take(cells.group('login'), '', rate, nowMicros()) < 0)
  })

  it('holds exactly, and every cell is of use, after threads were killed at work', async () => {
    const [hotKeys, cellsMax] = [3, 32]
    const rate = { emissionMicros: 1_000, burst: 20_000 }
    const buffer = createLimitCellsBuffer(cellsMax)
    const cells = new LimitCells(buffer)
    const group = cells.group('login')
    const tally = createTally(hotKeys)
    const passed = new Int32Array(tally)
    const task = { kind: 'churn', hotKeys } as const
    const firstMicros = nowMicros()
    for (let hot = 0; hot < hotKeys; hot += 1) {
      takeBurst(cells, `hot ${hot}`, rate, firstMicros)
      passed[1 + hot] = rate.burst
    }
    let killed = 0
    for (let round = 0; round < 10; round += 1) {
      const seeds = [1, 2, 3].map((seed) => 3 * round + seed)
      const workers = seeds.map((seed) =>
        start({ buffer, rate, task, threads: seeds.length, tally }, seed),
      )
      await Promise.all(workers.map((worker) => once(worker, 'message')))
      await Promise.all(workers.map((worker) => worker.terminate()))
      killed += workers.length

      for (let hot = 0; hot < hotKeys; hot += 1) {
        let lastMicros = nowMicros()
        while (cells.take(group, `hot ${hot}`, rate, lastMicros) >= 0) {
          Atomics.add(passed, 1 + hot, 1)
          lastMicros = nowMicros()
        }
        const most = Math.floor((lastMicros - firstMicros) / rate.emissionMicros) + rate.burst
        const counted = Atomics.load(passed, 1 + hot)
        // A thread may have died between a take and the note of it.
        const isExact = counted <= most && counted >= most - 1 - killed
        assert.ok(isExact, `${counted} passed, ${most} may; ${killed} threads were killed`)
      }
    }
    // Claims that died with their threads are idle after a second.
    const later = nowMicros() + 2 * SECOND
    for (let key = 0; key < 1_000; key += 1) {
      cells.take(group, `new ${key}`, { emissionMicros: 100 * SECOND, burst: 1 }, later)
    }
    assert.deepEqual(cells.fill(later), { used: cellsMax, locked: 0, capacity: cellsMax })
  })
})
