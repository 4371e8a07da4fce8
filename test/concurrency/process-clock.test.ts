import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { Worker } from 'node:worker_threads'
import { systemClock } from '../../src/runtime/clock.ts'
import type { ClockThreadInput } from './process-clock-thread.ts'

const READINGS = 200
/** A limit of 100 000 a second would be off by five requests. */
const DISAGREEMENT_MS_MAX = 0.05

interface Reading {
  readonly beforeMs: number
  readonly otherMs: number
  readonly afterMs: number
}

/** Readings of another thread's clock, each between two of this one's. */
async function readOtherThread(): Promise<readonly Reading[]> {
  const turns = new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT)
  const reading = new SharedArrayBuffer(Float64Array.BYTES_PER_ELEMENT)
  const workerData: ClockThreadInput = { turns, reading, readings: READINGS }
  const worker = new Worker(new URL('./process-clock-thread.js', import.meta.url), { workerData })
  await once(worker, 'online')
  const words = new Int32Array(turns)
  const results = Array.from({ length: READINGS }, (_, turn) => {
    const beforeMs = systemClock.processMs()
    Atomics.store(words, 0, turn + 1)
    Atomics.notify(words, 0)
    while (Atomics.load(words, 1) === turn) Atomics.wait(words, 1, turn)
    const afterMs = systemClock.processMs()
    return { beforeMs, otherMs: new Float64Array(reading)[0] ?? Number.NaN, afterMs }
  })
  await once(worker, 'exit')
  return results
}

describe('the clock that all threads of the process share', () => {
  it('is the same in every thread to within 50 µs', async () => {
    for (let thread = 0; thread < 5; thread += 1) {
      const readings = await readOtherThread()
      for (const { beforeMs, otherMs, afterMs } of readings) {
        assert.ok(otherMs >= beforeMs - DISAGREEMENT_MS_MAX, `${beforeMs} ${otherMs} ${afterMs}`)
        assert.ok(otherMs <= afterMs + DISAGREEMENT_MS_MAX, `${beforeMs} ${otherMs} ${afterMs}`)
      }
      const spans = readings.map(({ beforeMs, afterMs }) => afterMs - beforeMs)
      assert.ok(Math.min(...spans) < 0.5, 'no reading was made fast enough to tell')
    }
  })
})
