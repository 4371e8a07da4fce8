import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LimitedRequest } from '../../src/rate-limit/limited-request.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { createLimiter, limitOf } from '../support/request-origin.ts'

const CELLS = 8
const ONE_HOUR = { periodSeconds: 3_600, isFleet: false }
const FLOOD = 1_000

function addressOf(index: number): string {
  return `192.0.${index >> 8}.${index & 255}`
}

describe('a limit of all requests together', () => {
  for (const part of ['global', 'validation'] as const) {
    it(`counts on when a flood of addresses takes every other cell (${part})`, () => {
      const limiter = createLimiter(new ManualClock(), undefined, CELLS)
      const limits = limiter.compile(
        limitOf({
          [part]: { ...ONE_HOUR, count: 3, burst: 3 },
          // Keeps its cells longer than the other part does, so that these are not the first to go.
          perAddress: { periodSeconds: 86_400, isFleet: false, count: 1, burst: 1 },
        }),
      )
      let passed = 0
      for (let index = 0; index < FLOOD; index += 1) {
        const request = new LimitedRequest(limits, limiter, addressOf(index))
        if (request.enter() === null && request.validate() === null) passed += 1
      }
      assert.equal(passed, 3)
    })
  }
})

describe('failures', () => {
  it('count once a request, however often it is told that it failed', () => {
    const lockouts: string[] = []
    const limiter = createLimiter(new ManualClock(), ({ rule }) => lockouts.push(rule))
    const lock = { threshold: 2, lockoutMs: 10_000, windowMs: 10_000, isFleet: false }
    const limits = limiter.compile(limitOf({ failuresPerAddress: lock }))
    const failing = new LimitedRequest(limits, limiter, addressOf(1))
    // In shadow: first by the refusal of the gateway, then by the status of the upstream.
    failing.fail()
    failing.fail()
    assert.deepEqual(lockouts, [])
    new LimitedRequest(limits, limiter, addressOf(1)).fail()
    assert.deepEqual(lockouts, ['x/address lock'])
  })
})

describe('the rate in a record of a tenant or an API key', () => {
  it('counts apart from every limit, whatever that is called', () => {
    const limiter = createLimiter(new ManualClock())
    const rate = { ...ONE_HOUR, count: 1, burst: 1 }
    for (const name of ['own', 'key', 'tenant', 'x']) {
      const limits = limiter.compile(limitOf({ name, perKey: rate, perTenant: rate }))
      const request = new LimitedRequest(limits, limiter, addressOf(1))
      assert.equal(request.countKey('k'), null)
      assert.equal(request.countTenant('k'), null)
    }
    for (const [part, reason] of [
      ['key', 'rate_of_key'],
      ['tenant', 'rate_of_tenant'],
    ] as const) {
      const own = { count: 1, periodSeconds: 3_600, burst: 1 }
      assert.equal(limiter.takeOwn(part, own, 'k'), null)
      assert.equal(limiter.takeOwn(part, own, 'k')?.reason, reason)
    }
  })
})
