import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { createLineRingBuffer, LineRing } from '../../src/observability/line-ring.ts'
import { LineWriter, type LineWriterOptions } from '../../src/observability/line-writer.ts'
import type { Output, WriteOutcome } from '../../src/observability/standard-output.ts'
import { eventually } from '../support/eventually.ts'

const RING_BYTES = 1_048_576

/** An output that does with each write what it is told, in turn; after that it takes everything. */
class ScriptedOutput implements Output {
  text = ''
  writes = 0
  readonly #script: ((bytes: Buffer) => WriteOutcome | Promise<WriteOutcome>)[]

  constructor(script: ((bytes: Buffer) => WriteOutcome | Promise<WriteOutcome>)[] = []) {
    this.#script = script
  }

  write(bytes: Buffer): WriteOutcome | Promise<WriteOutcome> {
    this.writes += 1
    const outcome = this.#script.shift()?.(bytes) ?? {
      writtenBytes: bytes.length,
      problem: null,
    }
    if (!(outcome instanceof Promise)) this.text += bytes.toString('utf8', 0, outcome.writtenBytes)
    return outcome
  }
}

function createWriter(
  test: TestContext,
  output: Output,
  more: Partial<LineWriterOptions> & { readonly sources?: readonly LineRing[] } = {},
) {
  const ring = new LineRing(createLineRingBuffer(RING_BYTES))
  const writer = new LineWriter({ sources: [ring], output, ...more })
  test.after(() => writer.end(0))
  const say = (line: string) => {
    assert.ok(ring.append(`${line}\n`, RING_BYTES))
    writer.wake()
  }
  return { writer, say }
}

const failing = (problem: WriteOutcome['problem'], writtenBytes = 0) => {
  return () => ({ writtenBytes, problem })
}

describe('The writer of lines', () => {
  it('has written before wake returns when the output takes it', (test) => {
    const output = new ScriptedOutput()
    createWriter(test, output).say('ready')
    assert.equal(output.text, 'ready\n')
  })

  it('goes on where a write has stopped, in the middle of a line', async (test) => {
    const output = new ScriptedOutput([failing(null, 3), failing('full', 2), failing(null, 1)])
    const { say } = createWriter(test, output)
    say('abcdefghij')
    say('next')
    await eventually('all is written', () => output.text.length >= 16)
    assert.equal(output.text, 'abcdefghij\nnext\n')
  })

  it('waits for an output that is full, and counts no failure', async (test) => {
    const output = new ScriptedOutput(Array.from({ length: 6 }, () => failing('full')))
    const { writer, say } = createWriter(test, output)
    say('late')
    await eventually('it is written', () => output.text === 'late\n')
    assert.deepEqual(
      [...writer.failures.values()].filter((count) => count > 0),
      [],
    )
  })

  it('counts failures by their reason, and tries again until it succeeds', async (test) => {
    const output = new ScriptedOutput([failing('no_space'), failing('no_space', 2)])
    const { writer, say } = createWriter(test, output)
    say('late')
    await eventually('it is written', () => output.text === 'late\n')
    assert.equal(writer.failures.get('no_space'), 2)
    assert.equal(writer.failures.get('reader_gone'), 0)
  })

  it('takes from every source in turn, and never breaks a line of one by another', async (test) => {
    const rings = [0, 1].map(() => new LineRing(createLineRingBuffer(RING_BYTES)))
    const long = ['a', 'b'].map((letter) => `${letter.repeat(150_000)}\n`)
    for (const [place, ring] of rings.entries()) {
      assert.ok(ring.append(long[place] ?? '', RING_BYTES))
      assert.ok(ring.append(`short ${place}\n`, RING_BYTES))
    }
    const output = new ScriptedOutput()
    const { writer } = createWriter(test, output, { sources: rings })
    writer.wake()
    await eventually('all is written', () => output.text.length === 2 * (150_001 + 8))
    const lines = output.text.trimEnd().split('\n')
    assert.deepEqual(
      [...lines].sort(),
      [...long.map((line) => line.trimEnd()), 'short 0', 'short 1'].sort(),
    )
  })

  it('says that lines flow only while they do', async (test) => {
    let flowing = 0
    const output = new ScriptedOutput([failing('full'), failing('io_error'), failing(null, 1)])
    const { say } = createWriter(test, output, { onFlowing: () => (flowing += 1) })
    say('line')
    const before = flowing
    await eventually('a part is written', () => output.writes >= 3)
    assert.equal(before, 1)
    await eventually('all is written', () => output.text === 'line\n')
    assert.ok(flowing > before)
  })

  it('writes what is left before it ends', async (test) => {
    const output = new ScriptedOutput([failing('full'), failing('no_space')])
    const { writer, say } = createWriter(test, output)
    say('last words')
    await writer.end(5_000)
    assert.equal(output.text, 'last words\n')
  })

  it('gives up in time when the output never takes anything', async (test) => {
    const full = { write: () => ({ writtenBytes: 0, problem: 'full' }) as const }
    const hanging = { write: () => new Promise<WriteOutcome>(() => {}) }
    for (const output of [full, hanging]) {
      const { writer, say } = createWriter(test, output)
      say('never')
      await writer.end(20)
      await writer.end(null)
    }
  })

  it('waits without a limit for a slow reader, and not at all for one that is gone', async (test) => {
    const slow = new ScriptedOutput(Array.from({ length: 4 }, () => failing('full')))
    const first = createWriter(test, slow)
    first.say('late')
    await first.writer.end(null)
    assert.equal(slow.text, 'late\n')
    for (const problem of ['reader_gone', 'no_space', 'io_error', 'closed', 'other'] as const) {
      const refusing = { write: () => ({ writtenBytes: 0, problem }) }
      const { writer, say } = createWriter(test, refusing)
      say('never')
      await writer.end(null)
    }
  })

  it('writes nothing after its end', async (test) => {
    const output = new ScriptedOutput()
    const { writer, say } = createWriter(test, output)
    await writer.end(null)
    say('too late')
    assert.equal(output.writes, 0)
  })
})
