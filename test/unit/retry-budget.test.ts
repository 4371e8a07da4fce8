import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { RetryBudget } from '../../src/resilience/retry-budget.ts'

describe('retry budget', () => {
  it('allows the saved-up retries at the start and then none without new requests', () => {
    const budget = new RetryBudget({ percent: 10, burst: 3 })
    assert.equal(budget.available, 3)
    assert.deepEqual([budget.spend(), budget.spend(), budget.spend()], [true, true, true])
    assert.equal(budget.spend(), false)
    assert.equal(budget.available, 0)
  })

  it('earns one retry with every ten requests at 10 %', () => {
    const budget = new RetryBudget({ percent: 10, burst: 1 })
    assert.equal(budget.spend(), true)
    for (let request = 0; request < 9; request += 1) budget.earn()
    assert.equal(budget.spend(), false)
    budget.earn()
    assert.equal(budget.spend(), true)
  })

  it('does not save up more than its burst', () => {
    const budget = new RetryBudget({ percent: 100, burst: 2 })
    for (let request = 0; request < 1_000; request += 1) budget.earn()
    assert.equal(budget.available, 2)
  })

  it('never allows a retry at 0 % without a burst', () => {
    const budget = new RetryBudget({ percent: 0, burst: 0 })
    budget.earn()
    assert.equal(budget.spend(), false)
  })

  it('refuses settings that are no percentage and no number of retries', () => {
    for (const percent of [-1, 101, 0.5, Number.NaN]) {
      assert.throws(() => new RetryBudget({ percent, burst: 1 }), RangeError)
    }
    for (const burst of [-1, 0.5, Number.NaN]) {
      assert.throws(() => new RetryBudget({ percent: 10, burst }), RangeError)
    }
  })

  it('never allows more than its share of the requests plus the burst', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 100 }),
        fc.integer({ min: 0, max: 20 }),
        fc.array(fc.boolean(), { maxLength: 500 }),
        (percent, burst, isRetry) => {
          const budget = new RetryBudget({ percent, burst })
          let requests = 0
          let retries = 0
          for (const wantsRetry of isRetry) {
            if (!wantsRetry) {
              requests += 1
              budget.earn()
            } else if (budget.spend()) retries += 1
            assert.ok(retries * 100 <= requests * percent + burst * 100)
          }
        },
      ),
    )
  })
})
