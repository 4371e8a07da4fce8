import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { METRICS } from '../../src/observability/metrics/metrics.ts'
import { metricsManual } from '../../src/observability/metrics-manual.ts'

describe('Manual of metrics', () => {
  it('is what docs/metrics.md says (npm run docs)', () => {
    assert.equal(readFileSync('docs/metrics.md', 'utf8'), metricsManual())
  })

  it('names units and counters the way Prometheus asks for', () => {
    for (const { name, type, unit, help } of Object.values(METRICS)) {
      assert.match(name, /^sallyport_[a-z_]+$/)
      assert.equal(name.endsWith('_total'), type === 'counter', name)
      assert.equal(name.endsWith('_seconds'), unit === 'seconds', name)
      assert.ok(!help.includes('|'), 'a table cell')
    }
  })
})
