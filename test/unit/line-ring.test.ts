import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { createLineRingBuffer, LineRing } from '../../src/observability/line-ring.ts'

function createRing(capacityBytes: number): LineRing {
  return new LineRing(createLineRingBuffer(capacityBytes + 1))
}

function takeBytes(ring: LineRing, target: Buffer = Buffer.alloc(1_024)): Buffer {
  const pieces: Buffer[] = []
  for (let bytes = ring.take(target); bytes > 0; bytes = ring.take(target)) {
    pieces.push(Buffer.from(target.subarray(0, bytes)))
  }
  return Buffer.concat(pieces)
}

function takeAll(ring: LineRing, target?: Buffer): string {
  return takeBytes(ring, target).toString('utf8')
}

describe('A ring of lines', () => {
  it('gives lines back in their order', () => {
    const ring = createRing(64)
    assert.ok(ring.append('one\n', 64))
    assert.ok(ring.append('two\n', 64))
    assert.equal(takeAll(ring), 'one\ntwo\n')
    assert.equal(ring.usedBytes, 0)
  })

  it('takes lines up to its last byte, and none beyond', () => {
    const ring = createRing(8)
    assert.equal(ring.capacityBytes, 8)
    assert.ok(ring.append('abcdefg\n', 8))
    assert.equal(ring.usedBytes, 8)
    assert.equal(ring.append('\n', 8), false)
    assert.equal(takeAll(ring), 'abcdefg\n')
  })

  it('leaves room when it is told to', () => {
    const ring = createRing(16)
    assert.ok(ring.append('abc\n', 4))
    assert.equal(ring.append('\n', 4), false)
    assert.ok(ring.append('\n', 5))
  })

  it('hands over whole lines only, as many as fit', () => {
    const ring = createRing(64)
    for (const line of ['one\n', 'two\n', 'three\n']) ring.append(line, 64)
    const target = Buffer.alloc(9)
    assert.equal(ring.take(target), 8)
    assert.equal(target.toString('utf8', 0, 8), 'one\ntwo\n')
    assert.equal(ring.take(target), 6)
  })

  it('hands over a line in parts when it is longer than the target', () => {
    const ring = createRing(64)
    ring.append('abcdefgh\n', 64)
    ring.append('i\n', 64)
    assert.equal(takeAll(ring, Buffer.alloc(4)), 'abcdefgh\ni\n')
  })

  it('counts bytes, not characters', () => {
    const ring = createRing(8)
    assert.equal(ring.append('äöüß\n', 8), false)
    assert.ok(ring.append('äöü\n', 8))
    assert.equal(takeAll(ring), 'äöü\n')
  })

  it('is the same ring for all who have its memory', () => {
    const memory = createLineRingBuffer(64)
    new LineRing(memory).append('last words\n', 64)
    assert.equal(takeAll(new LineRing(memory)), 'last words\n')
  })

  it('loses and adds nothing, wherever lines and looks fall', () => {
    const line = fc
      .string({ unit: 'grapheme', maxLength: 12 })
      .map((text) => `${text.replaceAll('\n', '?')}\n`)
    const lookBytes = fc.integer({ min: 4, max: 40 })
    fc.assert(
      fc.property(fc.array(fc.oneof(line, lookBytes), { maxLength: 60 }), (steps) => {
        const ring = createRing(50)
        const given: Buffer[] = []
        const taken: Buffer[] = []
        for (const step of steps) {
          if (typeof step === 'number') {
            const target = Buffer.alloc(step)
            taken.push(target.subarray(0, ring.take(target)))
          } else if (ring.append(step, 50)) given.push(Buffer.from(step))
          else assert.ok(ring.usedBytes + Buffer.byteLength(step) > 50)
        }
        taken.push(takeBytes(ring))
        assert.deepEqual(Buffer.concat(taken), Buffer.concat(given))
      }),
      { numRuns: 500 },
    )
  })
})
