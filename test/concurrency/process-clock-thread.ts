/** A thread of the clock's tests: reads its clock when told to. */
import { workerData } from 'node:worker_threads'
import { systemClock } from '../../src/runtime/clock.ts'

export interface ClockThreadInput {
  /** Word 0: readings asked for; word 1: readings made. */
  readonly turns: SharedArrayBuffer
  /** One number: the last reading. */
  readonly reading: SharedArrayBuffer
  readonly readings: number
}

const input = workerData as ClockThreadInput
const turns = new Int32Array(input.turns)
const reading = new Float64Array(input.reading)

for (let turn = 0; turn < input.readings; turn += 1) {
  while (Atomics.load(turns, 0) === turn) Atomics.wait(turns, 0, turn)
  reading[0] = systemClock.processMs()
  Atomics.store(turns, 1, turn + 1)
  Atomics.notify(turns, 1)
}
