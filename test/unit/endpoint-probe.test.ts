/** The gateway's own questions to an endpoint whose breaker is open. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { CircuitBreaker, createCircuitBreakerBuffer } from '../../src/resilience/circuit-breaker.ts'
import {
  EndpointProbe,
  type ProbeVerdict,
} from '../../src/verifiers/introspection/endpoint-probe.ts'
import { ManualClock } from '../support/manual-clock.ts'

const PROBES = 2

function setUp(verdict: ProbeVerdict) {
  const clock = new ManualClock()
  const breaker = new CircuitBreaker(createCircuitBreakerBuffer(1), 0, {
    failureThreshold: 1,
    recoveryTimeoutMs: 30_000,
    halfOpenRequests: PROBES,
    probeExpiryMs: 5_000,
  })
  const permit = breaker.tryAcquire(clock.wallMs())
  assert.ok(permit !== null)
  breaker.failed(permit, clock.wallMs())
  const rig = { clock, breaker, asked: 0, verdict }
  const probe = new EndpointProbe(breaker, clock)
  const wake = async () => {
    probe.wake(() => {
      rig.asked += 1
      return Promise.resolve(rig.verdict)
    })
    await turn()
  }
  return { rig, wake }
}

describe('an endpoint whose breaker is open', () => {
  it('is asked once in half a second while it fails, however many are turned away', async () => {
    const { rig, wake } = setUp('failed')
    for (let elapsedMs = 0; elapsedMs < 3_000; elapsedMs += 100) {
      await wake()
      await wake()
      assert.equal(rig.breaker.tryAcquire(rig.clock.wallMs()), null, 'no request is spent on it')
      rig.clock.advanceMs(100)
    }
    assert.equal(rig.asked, 5)
  })

  it('is asked about everything again once it has answered as often as it must', async () => {
    const { rig, wake } = setUp('alive')
    rig.clock.advanceMs(500)
    await wake()
    assert.equal(rig.asked, PROBES)
    assert.equal(rig.breaker.state(rig.clock.wallMs()), 'closed')
  })

  it('is left to the requests of clients where its answer tells nothing', async () => {
    const { rig, wake } = setUp('unclear')
    rig.clock.advanceMs(500)
    await wake()
    assert.equal(rig.breaker.state(rig.clock.wallMs()), 'half_open')
    assert.ok(rig.breaker.tryAcquire(rig.clock.wallMs()) !== null)
  })
})
