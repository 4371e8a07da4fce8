/** What is handed to Prometheus and Grafana names only metrics, labels and words that exist. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { METRICS } from '../../src/observability/metrics/metrics.ts'
import { ALERT_RULES, ALERTS } from '../support/alert-rules.ts'
import { strangersIn } from '../support/metric-expression.ts'

interface Panel {
  readonly title: string
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[]
}

const ALERT_TESTS = 'deploy/prometheus/alerts.test.yaml'
const SEVERITIES = ['critical', 'warning']

const dashboard = JSON.parse(readFileSync('deploy/grafana/sallyport.json', 'utf8')) as {
  readonly panels: readonly Panel[]
}

describe('the alerts for Prometheus', () => {
  it('name only metrics, labels and words that exist', () => {
    assert.ok(ALERT_RULES.length > 20)
    for (const { alert, expr } of ALERT_RULES) assert.deepEqual(strangersIn(expr), [], alert)
  })

  it('say how bad it is, what it is, and where to read what to do', () => {
    for (const { alert, labels, annotations } of ALERT_RULES) {
      assert.ok(SEVERITIES.includes(labels['severity'] ?? ''), alert)
      assert.match(annotations['summary'] ?? '', /^.{10,}\.$/, alert)
      const anchor = alert.replace(/(?<!^)(?=[A-Z])/g, '-').toLowerCase()
      assert.equal(annotations['runbook'], `docs/operations.md#${anchor}`)
    }
    assert.equal(new Set(ALERT_RULES.map(({ alert }) => alert)).size, ALERT_RULES.length)
  })

  it('are what promtool takes, where it is installed', (context) => {
    const checked = spawnSync('promtool', ['check', 'rules', ALERTS], { encoding: 'utf8' })
    if (checked.error !== undefined) {
      context.skip('promtool is not installed')
      return
    }
    assert.equal(checked.status, 0, checked.stderr)
    const tested = spawnSync('promtool', ['test', 'rules', ALERT_TESTS], { encoding: 'utf8' })
    assert.equal(tested.status, 0, tested.stdout + tested.stderr)
  })
})

describe('the dashboard for Grafana', () => {
  const targets = dashboard.panels.flatMap((panel) => panel.targets ?? [])

  it('names only metrics, labels and words that exist', () => {
    assert.ok(targets.length > 40)
    for (const { expr } of targets) assert.deepEqual(strangersIn(expr), [], expr)
  })

  it('names series by labels that they have', () => {
    for (const { expr, legendFormat } of targets) {
      for (const [, label = ''] of legendFormat.matchAll(/\{\{([a-z_]+)\}\}/g)) {
        assert.ok(
          expr.includes(label) ||
            METRICS.some(({ name, labels }) => expr.includes(name) && labels.includes(label)),
          `${label} in ${expr}`,
        )
      }
    }
  })
})

describe('the check of expressions', () => {
  it('notices a metric, a label, a grouping and a word that does not exist', () => {
    const wrong = [
      ['sallyport_request_total', 'sallyport_request_total'],
      ['rate(sallyport_requests_total{path="/"}[5m])', 'sallyport_requests_total{path}'],
      ['sum by (path) (sallyport_requests_total)', 'by path'],
      [
        'sallyport_requests_total{outcome=~"refused|denied"}',
        'sallyport_requests_total{outcome=denied}',
      ],
      ['sallyport_request_duration_seconds', 'sallyport_request_duration_seconds'],
      ['median(sallyport_ready)', 'median'],
    ] as const
    for (const [expression, stranger] of wrong) {
      assert.deepEqual(strangersIn(expression), [stranger], expression)
    }
  })
})
