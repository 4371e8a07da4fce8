/** The gateway's own questions to an endpoint whose breaker is open. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { CircuitBreaker, createCircuitBreakerBuffer } from '../../src/resilience/circuit-breaker.ts'
import { createEarlyProbesBuffer, EarlyProbes } from '../../src/resilience/early-probes.ts'
import {
  EndpointProbe,
  type ProbeVerdict,
} from '../../src/verifiers/introspection/endpoint-probe.ts'
import { ManualClock } from '../support/manual-clock.ts'

const PROBES = 2
const RECOVERY_MS = 30_000

function setUp(verdict: ProbeVerdict) {
  const clock = new ManualClock()
  const breaker = new CircuitBreaker(createCircuitBreakerBuffer(1), 0, {
    failureThreshold: 1,
    recoveryTimeoutMs: RECOVERY_MS,
    halfOpenRequests: PROBES,
    probeExpiryMs: 5_000,
  })
  const fail = () => {
    const permit = breaker.tryAcquire(clock.wallMs())
    assert.ok(permit !== null)
    breaker.failed(permit, clock.wallMs())
  }
  fail()
  const probes = new EarlyProbes(createEarlyProbesBuffer(1), 0, RECOVERY_MS)
  const rig = { clock, breaker, probes, fail, asked: 0, verdict }
  const parts = { breaker, probes, clock, answers: PROBES, answerMsMax: 1_000 }
  const probe = new EndpointProbe(parts)
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

  it('is tried by clients when its time is up, however often the gateway asked', async () => {
    const { rig, wake } = setUp('failed')
    for (let elapsedMs = 0; elapsedMs < RECOVERY_MS; elapsedMs += 100) {
      await wake()
      rig.clock.advanceMs(100)
    }
    assert.ok(rig.asked >= 8 && rig.asked <= 20, `asked ${rig.asked} times, ever more rarely`)
    assert.equal(rig.breaker.openedCount, 1)
    assert.ok(rig.breaker.tryAcquire(rig.clock.wallMs()) !== null)
  })

  it('is not asked early again when its answer before was wrong about clients', async () => {
    const { rig, wake } = setUp('alive')
    rig.clock.advanceMs(500)
    await wake()
    rig.fail()
    for (let elapsedMs = 0; elapsedMs < RECOVERY_MS; elapsedMs += 500) {
      assert.equal(rig.breaker.state(rig.clock.wallMs()), 'open')
      await wake()
      rig.clock.advanceMs(500)
    }
    assert.equal(rig.asked, PROBES)
  })

  it('is asked early again when clients were served in between', async () => {
    const { rig, wake } = setUp('alive')
    rig.clock.advanceMs(500)
    await wake()
    rig.probes.confirmed()
    rig.fail()
    rig.clock.advanceMs(500)
    await wake()
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
