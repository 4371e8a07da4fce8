import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { spaced } from '../../src/resilience/spaced.ts'

/** Work that ends when it is told to, and gives its number. */
function createWork() {
  const running: (() => void)[] = []
  let begun = 0
  const work = (): Promise<number> => {
    const number = begun
    begun += 1
    return new Promise((resolve) => running.push(() => resolve(number)))
  }
  return { work, running, begun: () => begun }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

describe('Spaced work', () => {
  it('begins at once when nothing was done lately', async () => {
    const { work, running } = createWork()
    const asked = spaced(60_000, work)()
    await turn()
    running[0]?.()
    assert.equal(await asked, 0)
  })

  it('is done once for all who ask while it runs, and begins after they asked', async () => {
    const { work, running, begun } = createWork()
    const ask = spaced(1, work)
    const first = ask()
    await turn()
    const later = Array.from({ length: 1_000 }, ask)
    assert.equal(begun(), 1)
    running[0]?.()
    assert.equal(await first, 0)
    const all = Promise.all(later)
    while (begun() < 2) await turn()
    running[1]?.()
    assert.deepEqual(new Set(await all), new Set([1]))
    assert.equal(begun(), 2)
  })

  it('waits between two times', async () => {
    const { work, running, begun } = createWork()
    const ask = spaced(60_000, work)
    const first = ask()
    await turn()
    running[0]?.()
    await first
    void ask()
    await turn()
    assert.equal(begun(), 1)
  })

  it('goes on after a failure', async () => {
    // The pause keeps no process alive.
    const alive = setInterval(() => {}, 1_000)
    let times = 0
    const ask = spaced(1, () => {
      times += 1
      return times === 1 ? Promise.reject(new Error('first')) : Promise.resolve(times)
    })
    await assert.rejects(ask(), { message: 'first' })
    assert.equal(await ask(), 2)
    clearInterval(alive)
  })
})
