import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, it } from 'node:test'
import { Exposition } from '../../src/observability/exposition.ts'
import { ListenerMetrics } from '../../src/observability/listener-metrics.ts'
import { METRICS } from '../../src/observability/metrics/metrics.ts'
import type { MetricsReading } from '../../src/observability/metrics/metrics-reading.ts'
import { MetricsLedger } from '../../src/observability/metrics-ledger.ts'
import { LISTENER_GAUGES, upstreamReading } from '../support/listener-counts.ts'

const FILL = { entries: 6, slotsUsed: 7, slots: 32, sizeBytes: 16_384 }

function readingOf(count: (metrics: ListenerMetrics) => void): MetricsReading {
  const metrics = new ListenerMetrics({
    threadIndex: 0,
    routeNames: ['users'],
    issuerNames: ['main'],
  })
  count(metrics)
  const ledger = new MetricsLedger()
  ledger.update(
    metrics.snapshot({
      ...LISTENER_GAUGES,
      verificationQueueDepth: 4,
      openConnections: 9,
      upstreams: [upstreamReading('backend', 2, 0)],
    }),
  )
  metrics.stop()
  return {
    listeners: ledger.merge(),
    cacheFills: { token: FILL, refusal: FILL },
    limitKeys: { used: 5, locked: 2, capacity: 8 },
    issuers: [
      {
        issuer: 'main',
        state: 'stale',
        keyAgeSeconds: 12.5,
        refreshFailures: 3,
        keysWithoutPlace: 2,
      },
      {
        issuer: 'other',
        state: 'empty',
        keyAgeSeconds: null,
        refreshFailures: 0,
        keysWithoutPlace: 0,
      },
    ],
    certificateExpiresAtSeconds: 1_800_000_000,
    reloads: {
      revision: 4,
      outcomes: { reloaded: 3, unchanged: 2, refused: 1 },
      isLastSuccessful: false,
      succeededAtSeconds: 1_700_000_000,
      problems: ['server.port needs a restart'],
    },
    issuerStates: ['empty', 'fresh', 'stale', 'dead'],
    introspection: [
      {
        issuer: 'main',
        circuits: [
          { callers: 'all', state: 'open', opened: 5 },
          { callers: 'known', state: 'closed', opened: 0 },
        ],
        pauses: [
          { callers: 'all', seconds: 7, begun: 2 },
          { callers: 'unknown', seconds: 0, begun: 3 },
        ],
      },
    ],
    circuitStates: ['closed', 'open', 'half_open'],
    revocations: {
      issuers: [{ issuer: 'main', count: 3, refused: 1 }],
      size: 7,
      capacity: 1_024,
      log: {
        state: 'caught_up',
        lagSeconds: 1,
        pending: 2,
        unreadable: 3,
        leftOut: 0,
        appendFailures: 4,
      },
    },
    revocationLogStates: ['catching_up', 'caught_up', 'cannot_send', 'unreachable'],
    tenants: { state: 'lost', size: 9, unreadable: 1, leftOut: 0 },
    tenantsStates: ['known', 'lost'],
    signatureBinding: { state: 'not_installed', states: ['works', 'not_installed'] },
    log: {
      dropped: new Map([
        ['security', 0],
        ['access', 17],
      ]),
      failures: new Map([['no_space', 2]]),
    },
    securityEvents: new Map([['lockout_started', 4]]),
    webhook: {
      events: new Map([['delivered', 5]]),
      attempts: new Map([['failed', 1]]),
      queued: 2,
    },
    listenerRestarts: 1,
    ready: true,
    build: { version: '1.2.3', node: 'v20.0.0', nativeServer: '20.56.0' },
  }
}

async function linesOf(count: (metrics: ListenerMetrics) => void): Promise<string[]> {
  return (await new Exposition(false).render(readingOf(count))).split('\n')
}

describe('Prometheus exposition', () => {
  it('is what promtool takes, where it is installed', async (context) => {
    const text = await new Exposition(true).render(readingOf(() => undefined))
    const checked = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' })
    if (checked.error === undefined) assert.equal(checked.stderr + checked.stdout, '')
    else context.skip('promtool is not installed')
  })

  it('writes counters with their labels', async () => {
    const lines = await linesOf((metrics) => {
      metrics.countForwarded(0, 200)
      metrics.countRefusal('token_expired', 0)
      metrics.countCacheLookup('dead_key')
    })
    assert.ok(lines.includes('sallyport_requests_total{route="users",outcome="forwarded_2xx"} 1'))
    const expired =
      'sallyport_refusals_total{code="token_expired",reason="token_expired",issuer="main"} 1'
    assert.ok(lines.includes(expired))
    assert.ok(lines.includes('sallyport_token_cache_lookups_total{result="dead_key"} 1'))
    assert.ok(lines.includes('# TYPE sallyport_requests_total counter'))
  })

  it('tells keys that are counted from those that are locked out', async () => {
    const lines = await linesOf(() => {})
    assert.ok(lines.includes('sallyport_rate_limit_tracked_keys{state="counted"} 3'))
    assert.ok(lines.includes('sallyport_rate_limit_tracked_keys{state="locked"} 2'))
    assert.ok(lines.includes('sallyport_rate_limit_tracked_keys_max 8'))
  })

  it('writes latencies as a histogram in seconds', async () => {
    const lines = await linesOf((metrics) => {
      metrics.recordTotal(300)
      metrics.recordTotal(40_000)
    })
    const name = 'sallyport_request_duration_seconds'
    assert.ok(lines.includes(`# TYPE ${name} histogram`))
    assert.ok(lines.includes(`${name}_bucket{phase="total",le="0.00025"} 0`))
    assert.ok(lines.includes(`${name}_bucket{phase="total",le="0.0005"} 1`))
    assert.ok(lines.includes(`${name}_bucket{phase="total",le="0.05"} 2`))
    assert.ok(lines.includes(`${name}_bucket{phase="total",le="+Inf"} 2`))
    assert.ok(lines.includes(`${name}_sum{phase="total"} 0.0403`))
    assert.ok(lines.includes(`${name}_count{phase="total"} 2`))
  })

  it('tells the state of the keys of each issuer, and no age of keys that never came', async () => {
    const lines = await linesOf(() => {})
    assert.ok(lines.includes('sallyport_jwks_state{issuer="main",state="stale"} 1'))
    assert.ok(lines.includes('sallyport_jwks_state{issuer="main",state="fresh"} 0'))
    assert.ok(lines.includes('sallyport_jwks_key_age_seconds{issuer="main"} 12.5'))
    assert.ok(lines.includes('sallyport_jwks_refresh_failures_total{issuer="main"} 3'))
    assert.ok(lines.includes('sallyport_jwks_keys_without_place{issuer="main"} 2'))
    assert.ok(lines.includes('sallyport_jwks_keys_without_place{issuer="other"} 0'))
    assert.ok(
      !lines.some((line) => line.startsWith('sallyport_jwks_key_age_seconds{issuer="other"')),
    )
  })

  it('tells what the caches keep, push out and have room for', async () => {
    const lines = await linesOf(() => {})
    for (const cache of ['token', 'refusal']) {
      for (const [name, value] of [
        [`writes_total{cache="${cache}",result="stored"}`, 9],
        [`writes_total{cache="${cache}",result="conflict"}`, 1],
        [`writes_total{cache="${cache}",result="too_large"}`, 2],
        [`writes_total{cache="${cache}",result="ended"}`, 3],
        [`evictions_total{cache="${cache}"}`, 4],
        [`torn_reads_total{cache="${cache}"}`, 5],
        [`entries{cache="${cache}"}`, 6],
        [`slots_used{cache="${cache}"}`, 7],
        [`slots{cache="${cache}"}`, 32],
        [`size_bytes{cache="${cache}"}`, 16_384],
      ] as const) {
        assert.ok(lines.includes(`sallyport_cache_${name} ${value}`), name)
      }
    }
  })

  it('writes gauges and what is built', async () => {
    const lines = await linesOf(() => {})
    assert.ok(lines.includes('sallyport_open_connections 9'))
    assert.ok(lines.includes('sallyport_verification_queue_depth 4'))
    assert.ok(lines.includes('sallyport_upstream_pending{upstream="backend"} 2'))
    assert.ok(lines.includes('sallyport_listener_restarts_total 1'))
    assert.ok(lines.includes('sallyport_ready 1'))
    assert.ok(
      lines.includes(
        'sallyport_build_info{version="1.2.3",node="v20.0.0",native_server="20.56.0"} 1',
      ),
    )
  })

  it('announces every metric of the table and no other', async () => {
    const lines = await linesOf(() => {})
    const announced = lines
      .filter((line) => line.startsWith('# TYPE '))
      .map((line) => line.slice(7))
    const expected = Object.values(METRICS).map(({ name, type }) => `${name} ${type}`)
    assert.deepEqual(announced.toSorted(), expected.toSorted())
  })

  it('uses exactly the labels that the table names', async () => {
    const lines = await linesOf((metrics) => {
      metrics.countForwarded(0, 200)
      metrics.countRefusal('token_expired', 0)
      metrics.countShadowRefusal('missing_token', 0)
      metrics.countCacheLookup('hit')
    })
    for (const { name, type, labels } of Object.values(METRICS)) {
      const sample = lines.find((line) => line.startsWith(name) && !line.startsWith('#'))
      assert.ok(sample !== undefined, `${name} has no sample`)
      const written = [...sample.matchAll(/[{,]([a-z_]+)="/g)].map((match) => match[1])
      const expected = type === 'histogram' ? [...labels, 'le'] : [...labels]
      assert.deepEqual(written, expected, name)
    }
  })

  it('adds memory and CPU time of the process when asked to', async () => {
    const text = await new Exposition(true).render(readingOf(() => {}))
    assert.match(text, /^process_cpu_seconds_total \d/m)
  })
})
