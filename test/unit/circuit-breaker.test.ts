import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  type BreakerPermit,
  CircuitBreaker,
  type CircuitBreakerOptions,
  COUNT_MAX,
  createCircuitBreakerBuffer,
  PROBES_MAX,
  WAIT_MS_MAX,
} from '../../src/resilience/circuit-breaker.ts'

const NOW_MS = 1_760_000_000_000
const RECOVERY_MS = 30_000
const PROBE_EXPIRY_MS = 5_000
const OPTIONS: CircuitBreakerOptions = {
  failureThreshold: 5,
  recoveryTimeoutMs: RECOVERY_MS,
  halfOpenRequests: 2,
  probeExpiryMs: PROBE_EXPIRY_MS,
}

function createBreaker(options: Partial<CircuitBreakerOptions> = {}): CircuitBreaker {
  return new CircuitBreaker(createCircuitBreakerBuffer(1), 0, { ...OPTIONS, ...options })
}

function acquire(breaker: CircuitBreaker, nowMs: number): BreakerPermit {
  const permit = breaker.tryAcquire(nowMs)
  assert.ok(permit !== null, `no permit at ${nowMs - NOW_MS} ms`)
  return permit
}

function open(breaker: CircuitBreaker, nowMs = NOW_MS): void {
  for (let failure = 0; failure < OPTIONS.failureThreshold; failure += 1) {
    breaker.failed(acquire(breaker, nowMs), nowMs)
  }
}

describe('a closed circuit breaker', () => {
  it('opens at the failure that reaches the threshold, and says so once', () => {
    const breaker = createBreaker()
    const permits = Array.from({ length: 8 }, () => acquire(breaker, NOW_MS))
    const opened = permits.map((permit) => breaker.failed(permit, NOW_MS))
    assert.deepEqual(opened, [false, false, false, false, true, false, false, false])
    assert.equal(breaker.state(NOW_MS), 'open')
    assert.equal(breaker.openedCount, 1)
  })

  it('counts failures in a row only', () => {
    const breaker = createBreaker()
    for (let round = 0; round < 10; round += 1) {
      for (let failure = 0; failure < OPTIONS.failureThreshold - 1; failure += 1) {
        breaker.failed(acquire(breaker, NOW_MS), NOW_MS)
      }
      breaker.succeeded(acquire(breaker, NOW_MS))
    }
    assert.equal(breaker.state(NOW_MS), 'closed')
    assert.equal(breaker.openedCount, 0)
  })

  it('is not moved by attempts without a verdict', () => {
    const breaker = createBreaker({ failureThreshold: 1 })
    for (let round = 0; round < 10; round += 1) breaker.released(acquire(breaker, NOW_MS))
    assert.equal(breaker.state(NOW_MS), 'closed')
  })
})

describe('an open circuit breaker', () => {
  it('lets nothing through before the very millisecond in which its wait is over', () => {
    const breaker = createBreaker()
    open(breaker)
    for (const elapsedMs of [0, 1, RECOVERY_MS - 1]) {
      assert.equal(breaker.tryAcquire(NOW_MS + elapsedMs), null)
      assert.equal(breaker.state(NOW_MS + elapsedMs), 'open')
    }
    assert.equal(breaker.state(NOW_MS + RECOVERY_MS), 'half_open')
    acquire(breaker, NOW_MS + RECOVERY_MS)
  })

  it('does not listen to attempts that began before it opened', () => {
    const breaker = createBreaker()
    const early = acquire(breaker, NOW_MS)
    open(breaker)
    assert.equal(breaker.succeeded(early), false)
    assert.equal(breaker.state(NOW_MS), 'open')

    const laterMs = NOW_MS + RECOVERY_MS
    acquire(breaker, laterMs)
    breaker.succeeded(early)
    breaker.succeeded(early)
    breaker.failed(early, laterMs)
    assert.equal(breaker.state(laterMs), 'half_open', 'nor when it tries again')
  })

  it('is not opened for longer by a thread whose clock is a little behind', () => {
    const breaker = createBreaker()
    open(breaker)
    assert.equal(breaker.tryAcquire(NOW_MS - 3), null)
    acquire(breaker, NOW_MS + RECOVERY_MS)
  })

  it('is not stuck when the clock is set back, or when it is not asked for weeks', () => {
    const daysMs = 86_400_000
    for (const jumpMs of [-3_600_000, -400 * daysMs, 24 * daysMs, 26 * daysMs, 49 * daysMs]) {
      const breaker = createBreaker()
      open(breaker)
      acquire(breaker, NOW_MS + jumpMs)
    }
    const breaker = createBreaker()
    open(breaker)
    const wrappedMs = NOW_MS + 2 ** 32
    assert.equal(breaker.tryAcquire(wrappedMs), null, 'looks as if it had just opened')
    acquire(breaker, wrappedMs + RECOVERY_MS)
  })
})

describe('a half-open circuit breaker', () => {
  const probeMs = NOW_MS + RECOVERY_MS

  it('lets as many probes through as it wants successes, and then closes', () => {
    const breaker = createBreaker()
    open(breaker)
    const probes = [acquire(breaker, probeMs), acquire(breaker, probeMs)] as const
    assert.equal(breaker.tryAcquire(probeMs), null)
    assert.equal(breaker.succeeded(probes[0]), false)
    assert.equal(breaker.tryAcquire(probeMs), null, 'the other is still in flight')
    assert.equal(breaker.succeeded(probes[1]), true)
    assert.equal(breaker.state(probeMs), 'closed')
    for (let more = 0; more < 100; more += 1) acquire(breaker, probeMs)
  })

  it('opens again at the first failure, for the whole wait', () => {
    const breaker = createBreaker()
    open(breaker)
    const probes = [acquire(breaker, probeMs), acquire(breaker, probeMs)] as const
    breaker.succeeded(probes[0])
    assert.equal(breaker.failed(probes[1], probeMs + 10), true)
    assert.equal(breaker.openedCount, 2)
    assert.equal(breaker.tryAcquire(probeMs + 9 + RECOVERY_MS), null)
    acquire(breaker, probeMs + 10 + RECOVERY_MS)
  })

  it('begins with no failures when it has closed', () => {
    const breaker = createBreaker({ halfOpenRequests: 1 })
    open(breaker)
    breaker.succeeded(acquire(breaker, probeMs))
    for (let failure = 1; failure < OPTIONS.failureThreshold; failure += 1) {
      assert.equal(breaker.failed(acquire(breaker, probeMs), probeMs), false)
    }
    assert.equal(breaker.failed(acquire(breaker, probeMs), probeMs), true)
  })

  it('gives the place of a probe without a verdict to another', () => {
    const breaker = createBreaker({ halfOpenRequests: 1 })
    open(breaker)
    for (let round = 0; round < 5; round += 1) breaker.released(acquire(breaker, probeMs))
    assert.equal(breaker.succeeded(acquire(breaker, probeMs)), true)
  })

  it('is not kept busy by what its endpoint cannot answer', () => {
    const breaker = createBreaker({ halfOpenRequests: 2 })
    open(breaker)
    let probes = [acquire(breaker, probeMs), acquire(breaker, probeMs)]
    for (const expected of [4, 8, 16]) {
      for (const probe of probes) breaker.released(probe)
      probes = []
      for (let next = breaker.tryAcquire(probeMs); next !== null; ) {
        probes.push(next)
        next = breaker.tryAcquire(probeMs)
      }
      assert.equal(probes.length, expected)
    }
    for (const probe of probes) breaker.released(probe)
    for (let round = 0; round < 1_000; round += 1) breaker.released(acquire(breaker, probeMs))
    breaker.succeeded(acquire(breaker, probeMs))
    assert.equal(breaker.succeeded(acquire(breaker, probeMs)), true, 'and still two must succeed')
  })

  it('gives up probes whose thread has died, keeps successes, and hears no ghosts', () => {
    const breaker = createBreaker()
    open(breaker)
    breaker.succeeded(acquire(breaker, probeMs))
    const lost = acquire(breaker, probeMs)
    assert.equal(breaker.tryAcquire(probeMs + PROBE_EXPIRY_MS - 1), null)
    const laterMs = probeMs + PROBE_EXPIRY_MS
    const replacement = acquire(breaker, laterMs)
    assert.equal(breaker.tryAcquire(laterMs), null, 'one success is all that is still needed')
    assert.equal(breaker.failed(lost, laterMs), false)
    assert.equal(breaker.state(laterMs), 'half_open')
    assert.equal(breaker.succeeded(replacement), true)
  })
})

describe('circuit breakers of one buffer', () => {
  it('are one each, and the same in every view', () => {
    const buffer = createCircuitBreakerBuffer(3)
    const [first, second, third] = [0, 1, 2].map((n) => new CircuitBreaker(buffer, n, OPTIONS))
    assert.ok(first && second && third)
    open(second)
    const states = [first, second, third].map((breaker) => breaker.state(NOW_MS))
    assert.deepEqual(states, ['closed', 'open', 'closed'])
    assert.equal(new CircuitBreaker(buffer, 1, OPTIONS).openedCount, 1)
    assert.throws(() => new CircuitBreaker(buffer, 3, OPTIONS), RangeError)
  })

  it('refuse options for which there is no room', () => {
    for (const wrong of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      for (const name of Object.keys(OPTIONS)) {
        assert.throws(() => createBreaker({ [name]: wrong }), RangeError, `${name} ${wrong}`)
      }
    }
    assert.throws(() => createBreaker({ failureThreshold: COUNT_MAX + 1 }), RangeError)
    assert.throws(() => createBreaker({ recoveryTimeoutMs: WAIT_MS_MAX + 1 }), RangeError)
    createBreaker({ failureThreshold: COUNT_MAX, halfOpenRequests: PROBES_MAX })
  })
})
