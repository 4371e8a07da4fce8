import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { createLogBufferMemory, LogBuffer } from '../../src/observability/log-buffer.ts'
import type { LogThreadInput } from './log-buffer-thread.ts'

const LINES = 200_000
const SIZE_BYTES = 16_384

describe('A log buffer that one thread fills while another empties it', () => {
  it('gives every line as it was, in order, and counts exactly those that are missing', async () => {
    const memory = createLogBufferMemory(SIZE_BYTES)
    const workerData: LogThreadInput = { memory, lines: LINES }
    const worker = new Worker(new URL('./log-buffer-thread.js', import.meta.url), { workerData })
    let isRunning = true
    worker.once('exit', () => {
      isRunning = false
    })
    const buffer = new LogBuffer(memory, () => {})
    const target = Buffer.alloc(4_096)
    let [last, taken, looks] = [-1, 0, 0]
    const look = (): boolean => {
      const bytes = buffer.take(target)
      for (const line of target.toString('utf8', 0, bytes).split('\n').slice(0, -1)) {
        const [number = '', filler = ''] = line.split(' ')
        assert.ok(Number(number) > last, `${number} after ${last}`)
        assert.equal(filler, 'x'.repeat(Number(number) % 97))
        last = Number(number)
        taken += 1
      }
      return bytes > 0
    }
    while (isRunning) {
      while (look()) looks += 1
      await turn()
    }
    // What the thread said last is there although it is gone.
    while (look()) looks += 1
    assert.ok(looks > 1)
    assert.ok(taken > 0)
    assert.equal(taken + buffer.dropped('access'), LINES)
  })
})
