import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  ListenerMetrics,
  type ListenerSnapshot,
  NO_INDEX,
} from '../../src/observability/listener-metrics.ts'
import { MetricsLedger } from '../../src/observability/metrics-ledger.ts'
import { COUNTED, LISTENER_GAUGES, upstreamReading } from '../support/listener-counts.ts'

function takeSnapshot(
  threadIndex: number,
  count: (metrics: ListenerMetrics) => void,
): ListenerSnapshot {
  const metrics = new ListenerMetrics({
    threadIndex,
    routeNames: ['users', 'orders'],
    issuerNames: ['main'],
  })
  count(metrics)
  const snapshot = metrics.snapshot(LISTENER_GAUGES)
  metrics.stop()
  return snapshot
}

describe('Metrics of listener threads', () => {
  it('count requests by route and outcome', () => {
    const ledger = new MetricsLedger()
    ledger.update(
      takeSnapshot(0, (metrics) => {
        metrics.countForwarded(0, 200)
        metrics.countForwarded(0, 204)
        metrics.countForwarded(1, 503)
        metrics.countEnded(1, 'client_gone')
        metrics.countEnded(NO_INDEX, 'refused')
      }),
    )
    const { requests } = ledger.merge()
    assert.equal(requests.get('users')?.get('forwarded_2xx'), 2)
    assert.equal(requests.get('orders')?.get('forwarded_5xx'), 1)
    assert.equal(requests.get('orders')?.get('client_gone'), 1)
    assert.equal(requests.get('none')?.get('refused'), 1)
  })

  it('are counted and added up by name, in whichever order a thread knows the names', () => {
    const ledger = new MetricsLedger()
    const orders = [
      ['users', 'orders'],
      ['new', 'orders', 'users'],
    ]
    for (const [threadIndex, names] of orders.entries()) {
      const metrics = new ListenerMetrics({ threadIndex, routeNames: names, issuerNames: names })
      metrics.countForwarded(metrics.routeIndex('users'), 200)
      metrics.countRefusal('token_expired', metrics.issuerIndex('orders'))
      const upstreams = names.map((name) =>
        upstreamReading(name, name === 'users' ? 3 : 0, name === 'orders' ? 1 : 0),
      )
      ledger.update(metrics.snapshot({ ...LISTENER_GAUGES, upstreams }))
      metrics.stop()
    }
    const { requests, refusals, upstreams } = ledger.merge()
    const told = [...upstreams].map(([name, { pending, ejected }]) => [name, pending, ejected])
    assert.equal(requests.get('users')?.get('forwarded_2xx'), 2)
    assert.equal(refusals.get('token_expired')?.get('orders'), 2)
    assert.deepEqual(told, [
      ['users', 6, 0],
      ['orders', 0, 1],
      ['new', 0, 0],
    ])
  })

  it('keep their places and names while names are added', () => {
    const metrics = new ListenerMetrics({ threadIndex: 0, routeNames: ['users'], issuerNames: [] })
    const users = metrics.routeIndex('users')
    metrics.countForwarded(users, 200)
    metrics.countForwarded(NO_INDEX, 404)
    metrics.countShadowRefusal('token_expired', users)
    metrics.countRefusal('token_expired', NO_INDEX)
    const orders = metrics.routeIndex('orders')
    const main = metrics.issuerIndex('main')
    assert.deepEqual([metrics.routeIndex('users'), metrics.routeIndex('orders')], [users, orders])
    metrics.countForwarded(users, 200)
    metrics.countForwarded(orders, 500)
    metrics.countShadowRefusal('token_expired', orders)
    metrics.countForwarded(NO_INDEX, 404)
    metrics.countRefusal('token_expired', main)
    const ledger = new MetricsLedger()
    ledger.update(metrics.snapshot(LISTENER_GAUGES))
    metrics.stop()
    const { requests, refusals, shadowRefusals } = ledger.merge()
    assert.equal(requests.get('users')?.get('forwarded_2xx'), 2)
    assert.equal(requests.get('orders')?.get('forwarded_5xx'), 1)
    assert.equal(requests.get('none')?.get('forwarded_4xx'), 2)
    assert.deepEqual(
      ['users', 'orders'].map((route) => shadowRefusals.get(route)?.get('token_expired')),
      [1, 1],
    )
    const byIssuer = refusals.get('token_expired')
    assert.deepEqual([byIssuer?.get('none'), byIssuer?.get('main')], [1, 1])
  })

  it('count refusals by reason and issuer', () => {
    const ledger = new MetricsLedger()
    ledger.update(
      takeSnapshot(0, (metrics) => {
        metrics.countRefusal('token_expired', 0)
        metrics.countRefusal('credential_absent', NO_INDEX)
      }),
    )
    const { refusals } = ledger.merge()
    assert.equal(refusals.get('token_expired')?.get('main'), 1)
    assert.equal(refusals.get('credential_absent')?.get('none'), 1)
  })

  it('count what routes in shadow let pass by route and code, and keep it of dead threads', () => {
    const ledger = new MetricsLedger()
    ledger.update(
      takeSnapshot(0, (metrics) => {
        metrics.countShadowRefusal('token_expired', 1)
        metrics.countShadowRefusal('missing_token', 0)
        metrics.countShadowRefusal('missing_token', 0)
      }),
    )
    ledger.retire(0)
    const { shadowRefusals, refusals } = ledger.merge()
    assert.equal(shadowRefusals.get('orders')?.get('token_expired'), 1)
    assert.equal(shadowRefusals.get('users')?.get('missing_token'), 2)
    assert.equal(refusals.size, 0)
  })

  it('ignore a status that is none', () => {
    const ledger = new MetricsLedger()
    ledger.update(
      takeSnapshot(0, (metrics) => {
        for (const status of [0, 99, 600, 1_000, -200]) metrics.countForwarded(0, status)
      }),
    )
    assert.deepEqual([...(ledger.merge().requests.get('users') ?? [])], [])
  })

  it('survive the way from thread to thread', () => {
    const snapshot = takeSnapshot(0, (metrics) => {
      metrics.recordTotal(500)
      metrics.recordAuthenticate(90)
      metrics.recordUpstream(300)
      metrics.countCacheLookup('hit')
    })
    const ledger = new MetricsLedger()
    ledger.update(structuredClone(snapshot))
    const merged = ledger.merge()
    assert.equal(merged.latencies.total.count, 1)
    assert.equal(merged.latencies.authenticate.sumMicros, 90)
    assert.equal(merged.latencies.upstream.count, 1)
    assert.equal(merged.cacheLookups.get('hit'), 1)
    assert.deepEqual(merged.counts, COUNTED)
  })

  it('do not change after they were taken', () => {
    const metrics = new ListenerMetrics({
      threadIndex: 0,
      routeNames: ['users'],
      issuerNames: [],
    })
    const before = metrics.snapshot(LISTENER_GAUGES)
    metrics.countForwarded(0, 200)
    metrics.stop()
    assert.equal(
      before.requests.reduce((sum, count) => sum + count, 0),
      0,
    )
  })
})

describe('The ledger of all threads', () => {
  it('adds up threads, and replaces what a thread said before', () => {
    const ledger = new MetricsLedger()
    ledger.update(takeSnapshot(0, (metrics) => metrics.countForwarded(0, 200)))
    ledger.update(
      takeSnapshot(0, (metrics) => {
        metrics.countForwarded(0, 200)
        metrics.countForwarded(0, 200)
      }),
    )
    ledger.update(takeSnapshot(1, (metrics) => metrics.countForwarded(0, 200)))
    const merged = ledger.merge()
    assert.equal(merged.requests.get('users')?.get('forwarded_2xx'), 3)
    assert.equal(merged.openConnections, 14)
    assert.equal(merged.verificationQueueDepth, 6)
    assert.equal(merged.upstreams.get('backend')?.pending, 4)
    assert.equal(merged.threads.length, 2)
  })

  it('counts a target that every thread has ejected once', () => {
    const ledger = new MetricsLedger()
    ledger.update(takeSnapshot(0, () => {}))
    ledger.update(takeSnapshot(1, () => {}))
    const { upstreams, upstreamCounts, upstreamFailures } = ledger.merge()
    const { ejected, targets, waiting, connected } = upstreams.get('backend') ?? {}
    assert.deepEqual([ejected, targets, waiting, connected], [1, 2, 2, 6])
    // What each thread did is added up.
    assert.equal(upstreamCounts.get('backend')?.get('retries'), 12)
    assert.equal(upstreamFailures.get('backend')?.get('upstream_unreachable'), 14)
  })

  it('keeps the totals of a dead thread, and forgets its gauges', () => {
    const ledger = new MetricsLedger()
    const count = (metrics: ListenerMetrics): void => {
      metrics.countForwarded(0, 200)
      metrics.recordTotal(100)
    }
    for (let life = 0; life < 3; life += 1) {
      ledger.update(takeSnapshot(0, count))
      ledger.retire(0)
    }
    ledger.retire(0)
    const dead = ledger.merge()
    assert.equal(dead.requests.get('users')?.get('forwarded_2xx'), 3)
    assert.equal(dead.latencies.total.count, 3)
    assert.equal(dead.openConnections, 0)
    ledger.update(takeSnapshot(0, count))
    assert.equal(ledger.merge().latencies.total.count, 4)
  })

  it('gives the same answer when asked twice', () => {
    const ledger = new MetricsLedger()
    ledger.update(takeSnapshot(0, (metrics) => metrics.countRefusal('signature_invalid', 0)))
    ledger.retire(0)
    ledger.merge()
    assert.equal(ledger.merge().refusals.get('signature_invalid')?.get('main'), 1)
  })
})
