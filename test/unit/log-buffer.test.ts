import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { DroppedLines } from '../../src/observability/dropped-lines.ts'
import {
  createLogBufferMemory,
  LogBuffer,
  type LogStream,
} from '../../src/observability/log-buffer.ts'

const SIZE_BYTES = 8_192
const LINE = `${'x'.repeat(99)}\n`

function createBuffer() {
  const memory = createLogBufferMemory(SIZE_BYTES)
  let wakes = 0
  const buffer = new LogBuffer(memory, () => {
    wakes += 1
  })
  return { buffer, memory, wakes: () => wakes }
}

/** Appends until the first line is dropped. @returns How many lines found room. */
function fill(buffer: LogBuffer, stream: LogStream): number {
  let lines = 0
  for (; buffer.dropped(stream) === 0; lines += 1) buffer.append(stream, LINE)
  return lines - 1
}

describe('The log buffer of a thread', () => {
  it('drops access lines first, then operations, and security events last', () => {
    const { buffer } = createBuffer()
    const access = fill(buffer, 'access')
    const operations = fill(buffer, 'operations')
    const security = fill(buffer, 'security')
    assert.equal(access, Math.floor((SIZE_BYTES * 3) / 4 / LINE.length))
    assert.ok(operations > 0)
    assert.ok(security > 0)
    assert.equal((access + operations + security) * LINE.length, 8_100)
  })

  it('counts what it drops by stream', () => {
    const { buffer } = createBuffer()
    fill(buffer, 'security')
    for (const stream of ['access', 'access', 'operations'] as const) buffer.append(stream, LINE)
    assert.deepEqual(
      [buffer.dropped('operations'), buffer.dropped('security'), buffer.dropped('access')],
      [1, 1, 2],
    )
  })

  it('drops a line that could never fit', () => {
    const { buffer } = createBuffer()
    buffer.append('security', `${'x'.repeat(SIZE_BYTES)}\n`)
    assert.equal(buffer.dropped('security'), 1)
  })

  it('takes lines again when some were taken', () => {
    const { buffer } = createBuffer()
    fill(buffer, 'access')
    assert.equal(buffer.isLow, false)
    while (buffer.take(Buffer.alloc(1_000)) > 0);
    assert.ok(buffer.isLow)
    buffer.append('access', LINE)
    assert.equal(buffer.take(Buffer.alloc(1_000)), LINE.length)
  })

  it('keeps lines and counts when the thread that filled it is gone', () => {
    const { buffer, memory } = createBuffer()
    fill(buffer, 'access')
    const successor = new LogBuffer(memory, () => {})
    successor.append('access', LINE)
    assert.equal(successor.dropped('access'), 2)
    assert.ok(successor.take(Buffer.alloc(1_000)) > 0)
  })

  it('wakes who waits for operations and security events at once, and once', () => {
    const { buffer, wakes } = createBuffer()
    buffer.append('security', LINE)
    assert.equal(wakes(), 0)
    buffer.wait()
    buffer.append('security', LINE)
    buffer.append('operations', LINE)
    assert.equal(wakes(), 1)
  })

  it('wakes no reader for a few access lines', () => {
    const { buffer, wakes } = createBuffer()
    buffer.wait()
    buffer.append('access', LINE)
    assert.equal(wakes(), 0)
    for (let line = 0; line < 30; line += 1) buffer.append('access', LINE)
    assert.equal(wakes(), 1)
  })
})

describe('Dropped lines of all buffers', () => {
  it('are told once, and stay in the totals', () => {
    const [first, second] = [createBuffer().buffer, createBuffer().buffer]
    const dropped = new DroppedLines([first, second])
    assert.equal(dropped.hasUntold, false)
    fill(first, 'access')
    fill(second, 'access')
    fill(second, 'security')
    assert.ok(dropped.hasUntold)
    assert.deepEqual(dropped.tell(), { operations: 0, security: 1, access: 2 })
    assert.equal(dropped.hasUntold, false)
    first.append('access', LINE)
    assert.deepEqual(dropped.tell(), { operations: 0, security: 0, access: 1 })
    assert.deepEqual(
      [...dropped.totals()],
      [
        ['operations', 0],
        ['security', 1],
        ['access', 3],
      ],
    )
  })

  it('are counted right when the counter of a thread begins again at 0', () => {
    const { buffer, memory } = createBuffer()
    new Int32Array(memory.counters)[2] = -1
    const dropped = new DroppedLines([buffer])
    assert.equal(dropped.totals().get('access'), 2 ** 32 - 1)
    fill(buffer, 'operations')
    buffer.append('access', LINE)
    buffer.append('access', LINE)
    assert.equal(dropped.totals().get('access'), 2 ** 32 + 1)
  })
})
