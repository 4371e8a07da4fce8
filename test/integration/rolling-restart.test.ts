/** `npm run rolling-restart` in short: two instances behind a balancer, each restarted once. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { BALANCERS } from '../../loadtest/rolling/balancers.ts'
import { rollingRestart } from '../../loadtest/rolling/rolling-restart.ts'
import { slowness } from '../support/starvation.ts'

const PROGRAM = fileURLToPath(new URL('../../src/main.js', import.meta.url))
const RESTARTS = 2

/** HAProxy asks twice a second, and believes the second answer. */
const DELAYS = { haproxy: 1_500, other: 500 }

describe('a rolling restart under load', () => {
  const balancer = BALANCERS.find(({ name, isInstalled }) => name !== 'nginx' && isInstalled())

  it(`loses no request behind a balancer (${balancer?.name})`, async () => {
    assert.ok(balancer !== undefined)
    const delayMs = balancer.name === 'haproxy' ? DELAYS.haproxy : DELAYS.other
    const report = await rollingRestart({
      program: PROGRAM,
      balancer,
      restarts: RESTARTS,
      busyClients: 8,
      slowClients: 8,
      drainDelayMs: Math.ceil(delayMs * slowness()),
      settleMs: Math.ceil(delayMs * slowness()),
    })
    assert.deepEqual([report.failures, Object.keys(report.statuses)], [{}, ['200']])
    assert.equal(report.restarts, RESTARTS)
    assert.ok(report.answered > 500, `only ${report.answered} requests were answered`)
  })
})
