import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  LATENCY_MICROS_MAX,
  LatencyHistogram,
  MergedLatency,
} from '../../src/observability/latency-histogram.ts'

function merged(...threads: readonly (readonly number[])[]): MergedLatency {
  const all = new MergedLatency()
  for (const values of threads) {
    const histogram = new LatencyHistogram()
    for (const value of values) histogram.record(value)
    all.add(histogram.encode())
  }
  return all
}

describe('Latency histograms', () => {
  it('merge what several threads recorded as if one had', () => {
    const all = merged([100, 200, 300], [400, 1_000_000])
    assert.equal(all.count, 5)
    assert.equal(all.sumMicros, 1_001_000)
    assert.ok(Math.abs(all.percentileMicros(50) - 300) <= 3)
    assert.ok(Math.abs(all.percentileMicros(100) - 1_000_000) <= 10_000)
  })

  it('tell nothing but zero before anything is recorded', () => {
    const all = merged([])
    assert.deepEqual([all.count, all.sumMicros, all.percentileMicros(99)], [0, 0, 0])
    assert.deepEqual(all.cumulativeCounts([1, 10]), [0, 0])
  })

  it('take whatever number comes, because a clock may surprise', () => {
    const all = merged([Number.NaN, -5, 0, 0.4, 1.9, Number.POSITIVE_INFINITY, 1e300])
    assert.equal(all.count, 7)
    assert.ok(all.percentileMicros(100) >= LATENCY_MICROS_MAX)
  })

  it('can be merged into one another without loss', () => {
    const all = new MergedLatency()
    all.addMerged(merged([10, 20]))
    all.addMerged(merged([30]))
    assert.equal(all.count, 3)
    assert.equal(all.sumMicros, 60)
  })

  it('count a value exactly once, in the first bucket that holds it', () => {
    const latency = fc.integer({ min: 0, max: LATENCY_MICROS_MAX })
    const bounds = [100, 1_000, 10_000, 1_000_000, LATENCY_MICROS_MAX * 2]
    fc.assert(
      fc.property(fc.array(latency, { maxLength: 50 }), (values) => {
        const counts = merged(values).cumulativeCounts(bounds)
        assert.equal(counts.at(-1), values.length)
        bounds.forEach((bound, place) => {
          const surely = values.filter((value) => value <= bound * 0.99).length
          const perhaps = values.filter((value) => value <= bound * 1.01).length
          const counted = counts[place] ?? -1
          assert.ok(counted >= surely && counted <= perhaps, `${bound}: ${counted}`)
        })
      }),
      { numRuns: 50 },
    )
  })

  it('refuse text that is not a histogram', () => {
    assert.throws(() => new MergedLatency().add({ encoded: 'bm90IG9uZQ==', sumMicros: 1 }))
  })
})
