/** Each fuzz target in each build: its seeds, and a few inputs that are made of them. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { seededRandom } from '../support/seeded-random.ts'
import { FuzzLoop } from './engine/fuzz-loop.ts'
import { type FuzzTarget, loadTarget, readSeeds, targetNames } from './engine/fuzz-target.ts'

const TARGETS_MIN = 9
const SEEDS_MIN = 15
const SEED = 0x5a11
const MUTATIONS = 1_000
/** Reading a whole configuration takes a hundred times as long as anything else. */
const MUTATIONS_OF_SLOW: Readonly<Record<string, number>> = { 'load-config': 100 }

/** Batches end by the clock, so this may take several. */
function runInputs(loop: FuzzLoop, count: number): void {
  for (const end = loop.executions + count; loop.executions < end; ) {
    const failure = loop.runBatch(end - loop.executions)
    if (failure === null) continue
    const input = Buffer.from(failure.input).toString('latin1')
    throw new Error(`seed ${SEED} broke it with ${JSON.stringify(input)}`, { cause: failure.error })
  }
}

const names = targetNames()

describe('the fuzz targets', () => {
  it('are all there, with seeds', () => {
    assert.ok(names.length >= TARGETS_MIN, names.join(', '))
    for (const name of names) assert.ok(readSeeds(name).length >= SEEDS_MIN, name)
  })
})

for (const name of names) {
  describe(`what is promised of ${name}`, () => {
    const seeds = readSeeds(name)
    const outcomes = new Map<string, string>()
    let target: FuzzTarget

    for (const { name: attack, input } of seeds) {
      it(`holds for: ${attack.replaceAll('-', ' ')}`, async () => {
        target ??= await loadTarget(name)
        outcomes.set(attack, target.fuzz(input))
      })
    }

    it('holds for what is made of them', async () => {
      target ??= await loadTarget(name)
      // Or a target that refuses everything would do as well.
      assert.ok(new Set(outcomes.values()).size > 1)
      const loop = new FuzzLoop({ target, random: seededRandom(SEED), coverage: null })
      assert.equal(loop.addSeeds(seeds.map(({ input }) => input)), null)
      runInputs(loop, MUTATIONS_OF_SLOW[name] ?? MUTATIONS)
    })
  })
}
