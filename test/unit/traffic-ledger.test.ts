import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LatencyHistogram, percentilesOf } from '../../src/observability/latency-histogram.ts'
import { ListenerMetrics } from '../../src/observability/listener-metrics.ts'
import { OUTCOMES } from '../../src/observability/metrics/metric-words.ts'
import { TrafficLedger } from '../../src/observability/traffic-ledger.ts'
import { LISTENER_GAUGES } from '../support/listener-counts.ts'

function withMetrics(use: (metrics: ListenerMetrics) => void, threadIndex = 0): void {
  const routeNames = ['users', 'orders']
  const metrics = new ListenerMetrics({ threadIndex, routeNames, issuerNames: ['main'] })
  try {
    use(metrics)
  } finally {
    metrics.stop()
  }
}

const PASSED = OUTCOMES.indexOf('forwarded_2xx')

describe('the ledger of traffic', () => {
  it('tells what happened since it was last asked, and nothing twice', () => {
    withMetrics((metrics) => {
      const ledger = new TrafficLedger()
      const look = () => {
        ledger.update(metrics.traffic(LISTENER_GAUGES))
        return ledger.take()
      }
      metrics.countForwarded(0, 200)
      metrics.countEnded(-1, 'refused')
      metrics.countRefusal('route_not_found', -1)
      metrics.countCacheLookup('hit')
      metrics.recordTotal(1_000)
      const first = look()
      assert.deepEqual([...first.routes.keys()], ['users', 'none'])
      assert.equal(first.routes.get('users')?.[PASSED], 1)
      assert.deepEqual([...first.refusals], [['route_not_found', 1]])
      assert.equal(first.cacheLookups[0], 1)
      const quiet = look()
      assert.deepEqual([quiet.routes.size, quiet.refusals.size], [0, 0])
      assert.equal(percentilesOf(quiet.latencies[0] ?? new Float64Array(0), [50]), null)
      metrics.countForwarded(0, 200)
      metrics.recordTotal(5)
      const next = look()
      assert.equal(next.routes.get('users')?.[PASSED], 1)
      assert.deepEqual(percentilesOf(next.latencies[0] ?? new Float64Array(0), [50, 99]), [5, 5])
    })
  })

  it('adds up threads, and counts the successor of one from its beginning', () => {
    const ledger = new TrafficLedger()
    for (const threadIndex of [0, 1]) {
      withMetrics((metrics) => {
        for (let count = 0; count < 3; count += 1) metrics.countForwarded(0, 200)
        ledger.update(metrics.traffic(LISTENER_GAUGES))
      }, threadIndex)
    }
    assert.equal(ledger.take().routes.get('users')?.[PASSED], 6)
    ledger.retire(1)
    assert.deepEqual(
      ledger.take().threads.map(({ threadIndex }) => threadIndex),
      [0],
    )
    withMetrics((metrics) => {
      metrics.countForwarded(0, 200)
      ledger.update(metrics.traffic(LISTENER_GAUGES))
    }, 1)
    assert.equal(ledger.take().routes.get('users')?.[PASSED], 1)
  })

  it('finds a route that has another place than before', () => {
    withMetrics((metrics) => {
      const ledger = new TrafficLedger()
      metrics.countForwarded(1, 200)
      const reading = metrics.traffic(LISTENER_GAUGES)
      ledger.update(reading)
      ledger.take()
      const width = OUTCOMES.length
      const moved = new Float64Array(reading.requests.length)
      moved.set(reading.requests.subarray(width, 2 * width), 0)
      ledger.update({ ...reading, routeNames: ['orders', 'users'], requests: moved })
      assert.equal(ledger.take().routes.size, 0)
    })
  })

  it('takes nothing away from a scrape', () => {
    withMetrics((metrics) => {
      metrics.countForwarded(0, 200)
      metrics.traffic(LISTENER_GAUGES)
      assert.equal(metrics.snapshot(LISTENER_GAUGES).requests[PASSED], 1)
    })
  })
})

describe('percentiles of counts', () => {
  it('are exact to one per cent, by nearest rank', () => {
    const histogram = new LatencyHistogram()
    for (let micros = 1; micros <= 100_000; micros += 1) histogram.record(micros)
    const [p50 = 0, p99 = 0, p999 = 0] = percentilesOf(histogram.counts(), [50, 99, 99.9]) ?? []
    for (const [got, wanted] of [
      [p50, 50_000],
      [p99, 99_000],
      [p999, 99_900],
    ] as const) {
      assert.ok(Math.abs(got - wanted) <= wanted / 100, `${got} for ${wanted}`)
    }
    assert.equal(percentilesOf(new LatencyHistogram().counts(), [50]), null)
  })

  it('of the longest latency stay within the counts', () => {
    const histogram = new LatencyHistogram()
    histogram.record(Number.MAX_SAFE_INTEGER)
    const [longest = 0] = percentilesOf(histogram.counts(), [100]) ?? []
    assert.ok(Math.abs(longest - 600_000_000) <= 6_000_000, String(longest))
  })
})
