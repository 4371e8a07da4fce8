/** The fuzzer itself: whether it finds what there is to find, and writes down what it found. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { pathToFileURL } from 'node:url'
import { seededRandom } from '../support/seeded-random.ts'
import { CodeCoverage } from './engine/code-coverage.ts'
import { FuzzLoop } from './engine/fuzz-loop.ts'
import type { FuzzTarget } from './engine/fuzz-target.ts'
import { INPUT_BYTES_MAX, mutateBytes } from './engine/mutate-bytes.ts'

/** Four steps, each found by chance once in 2^8 tries or more, and all at once never. */
const DOOR = `
export function fuzz(input) {
  if (input[0] !== 0xa7) return 'first'
  if (input[1] !== 0x3c) return 'second'
  if (input[2] !== 0x91) return 'third'
  if (input[3] !== 0x5e) return 'fourth'
  throw new Error('the door is open')
}
`
const INPUTS_MAX = 400_000

const directory = mkdtempSync(join(tmpdir(), 'sallyport-fuzz-'))
after(() => rmSync(directory, { recursive: true }))

async function planted(file: string): Promise<FuzzTarget> {
  writeFileSync(join(directory, file), DOOR)
  const module = (await import(pathToFileURL(join(directory, file)).href)) as FuzzTarget
  return { name: 'planted', fuzz: module.fuzz, dictionary: [] }
}

function runUntilBroken(loop: FuzzLoop): Uint8Array | null {
  while (loop.executions < INPUTS_MAX) {
    const failure = loop.runBatch()
    if (failure !== null) return failure.input
  }
  return null
}

describe('the fuzzer', () => {
  it('finds its way through code step by step, and shortens what broke it', async () => {
    const coverage = new CodeCoverage(/guided\.mjs$/)
    const target = await planted('guided.mjs')
    const kept: Uint8Array[] = []
    const loop = new FuzzLoop({
      ...{ target, random: seededRandom(1), coverage },
      onKept: (input) => kept.push(input),
    })
    assert.equal(loop.addSeeds([Buffer.from('any seed')]), null)
    assert.deepEqual(runUntilBroken(loop), Buffer.from([0xa7, 0x3c, 0x91, 0x5e]))
    assert.equal(kept.length, 3)
    assert.ok(coverage.coveredCharacters > 100)
    coverage.stop()
  })

  it('does not find it by chance alone', async () => {
    const target = await planted('blind.mjs')
    const loop = new FuzzLoop({ target, random: seededRandom(1), coverage: null })
    loop.addSeeds([Buffer.from('any seed')])
    assert.equal(runUntilBroken(loop), null)
  })

  it('tells a seed that breaks the target', () => {
    const fuzz = (input: Uint8Array): string => {
      assert.ok(!input.includes(7))
      return 'fine'
    }
    const target = { name: 'planted', fuzz, dictionary: [] }
    const loop = new FuzzLoop({ target, random: seededRandom(1), coverage: null })
    const failure = loop.addSeeds([Buffer.from([1]), Buffer.from([1, 7, 2])])
    assert.deepEqual(failure?.input, Buffer.from([7]))
    assert.equal(loop.executions, 2)
  })

  it('tells an input that takes too long', () => {
    const fuzz = (): string => {
      // Processor time, of which there may be little on a busy machine.
      for (const before = process.cpuUsage(); process.cpuUsage(before).user < 40_000; );
      return 'slow'
    }
    const target = { name: 'planted', fuzz, dictionary: [] }
    const random = seededRandom(1)
    const loop = new FuzzLoop({ target, random, coverage: null, inputMsMax: 20 })
    const failure = loop.addSeeds([new Uint8Array(0)])
    assert.match(String(failure?.error), /takes more than 20 ms/)
  })

  it('makes the same inputs of one seed, and none beyond its limit', () => {
    const inputs = [Buffer.from('{"a":1760000000}'), Buffer.alloc(INPUT_BYTES_MAX, 'x')]
    const some = (seed: number): readonly Uint8Array[] => {
      const material = { random: seededRandom(seed), inputs, dictionary: [Buffer.from('null')] }
      return Array.from({ length: 2_000 }, (_, index) =>
        mutateBytes(inputs[index % 2] ?? inputs[0] ?? Buffer.alloc(0), material),
      )
    }
    assert.deepEqual(some(1), some(1))
    assert.notDeepEqual(some(1), some(2))
    assert.ok(some(1).every(({ length }) => length <= INPUT_BYTES_MAX))
    assert.deepEqual(inputs[0], Buffer.from('{"a":1760000000}'), 'what was mutated is as it was')
  })
})
