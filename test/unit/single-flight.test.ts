/** Shared work: one for all who want the same. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { SingleFlight } from '../../src/resilience/single-flight.ts'

const LIMITS = { keysMax: 2, waitersPerKeyMax: 3 }

function started<T>(flight: Promise<T> | null): Promise<T> {
  assert.ok(flight !== null)
  return flight
}

describe('single flight', () => {
  it('does the work once for all who ask while it runs', async () => {
    const flights = new SingleFlight<number>(LIMITS)
    let runs = 0
    const work = async () => {
      runs += 1
      return runs
    }
    const both = [started(flights.run('a', work)), started(flights.run('a', work))]
    assert.deepEqual(await Promise.all(both), [1, 1])
    assert.equal(await started(flights.run('a', work)), 2)
  })

  it('keeps different keys apart', async () => {
    const flights = new SingleFlight<string>(LIMITS)
    const results = ['a', 'b'].map((key) => started(flights.run(key, async () => key)))
    assert.deepEqual(await Promise.all(results), ['a', 'b'])
  })

  it('tells everybody of a failure, and forgets it', async () => {
    const flights = new SingleFlight<string>(LIMITS)
    const fail = () => {
      throw new Error('no')
    }
    const both = [started(flights.run('a', fail)), started(flights.run('a', fail))]
    for (const outcome of await Promise.allSettled(both)) assert.equal(outcome.status, 'rejected')
    assert.equal(flights.size, 0)
    assert.equal(await started(flights.run('a', async () => 'yes')), 'yes')
  })

  it('turns away waiters beyond the maximum, and keys beyond the maximum', async () => {
    const flights = new SingleFlight<string>(LIMITS)
    const work = async () => 'done'
    const accepted = [1, 2, 3].map(() => started(flights.run('a', work)))
    assert.equal(flights.run('a', work), null)
    accepted.push(started(flights.run('b', work)))
    assert.equal(flights.run('c', work), null)
    assert.deepEqual(await Promise.all(accepted), ['done', 'done', 'done', 'done'])
    assert.equal(await started(flights.run('c', work)), 'done')
  })
})
