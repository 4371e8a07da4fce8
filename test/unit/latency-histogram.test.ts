import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { build, JsHistogram } from 'hdr-histogram-js'
import {
  LATENCY_MICROS_MAX,
  LatencyHistogram,
  MergedLatency,
  percentilesOf,
} from '../../src/observability/latency-histogram.ts'

function merged(...threads: readonly (readonly number[])[]): MergedLatency {
  const all = new MergedLatency()
  for (const values of threads) {
    const histogram = new LatencyHistogram()
    for (const value of values) histogram.record(value)
    all.add(histogram.read())
  }
  return all
}

describe('Latency histograms', () => {
  it('merge what several threads recorded as if one had', () => {
    const all = merged([100, 200, 300], [400, 1_000_000])
    assert.equal(all.count, 5)
    assert.equal(all.sumMicros, 1_001_000)
    assert.deepEqual(all.cumulativeCounts([150, 350, 450, 2_000_000]), [1, 3, 4, 5])
  })

  it('tell nothing but zero before anything is recorded', () => {
    const all = merged([])
    assert.deepEqual([all.count, all.sumMicros], [0, 0])
    assert.deepEqual(all.cumulativeCounts([1, 10]), [0, 0])
  })

  it('take whatever number comes, because a clock may surprise', () => {
    const all = merged([Number.NaN, -5, 0, 0.4, 1.9, Number.POSITIVE_INFINITY, 1e300])
    assert.equal(all.count, 7)
    assert.deepEqual(all.cumulativeCounts([0, 1, LATENCY_MICROS_MAX * 1.01]), [4, 5, 7])
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

  it('have the ranges of an HDR histogram of two digits', () => {
    const other = build({
      bitBucketSize: 64,
      highestTrackableValue: LATENCY_MICROS_MAX,
      numberOfSignificantValueDigits: 2,
    })
    assert.ok(other instanceof JsHistogram)
    for (const value of valuesAtEdges()) {
      const own = new LatencyHistogram()
      own.record(value)
      assert.deepEqual(percentilesOf(own.counts(), [50]), [other.medianEquivalentValue(value)])
    }
  })
})

/** Each edge of each range, and its neighbours on both sides. */
function valuesAtEdges(): number[] {
  const edges = Array.from({ length: 256 }, (_, value) => value)
  for (let range = 2; range < LATENCY_MICROS_MAX / 128; range *= 2) {
    for (let within = 128; within < 256; within += 1) edges.push(range * within)
  }
  return edges
    .flatMap((edge) => [edge - 1, edge, edge + 1])
    .filter((value) => value >= 0 && value <= LATENCY_MICROS_MAX)
}
