import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { INTROSPECTION_RESULTS } from '../../src/observability/metrics/metric-words.ts'
import type { OutboundFailure } from '../../src/resilience/outbound-failure.ts'
import type { OutboundResult } from '../../src/resilience/outbound-http.ts'
import { EndpointStanding } from '../../src/verifiers/introspection/endpoint-standing.ts'
import { ManualClock } from '../support/manual-clock.ts'

const OK: OutboundResult = { ok: true, status: 200, mediaType: null, body: new Uint8Array() }

function failed(reason: OutboundFailure, status: number | null = null): OutboundResult {
  return { ok: false, reason, status, cause: null, retryAfter: null }
}

function openStanding() {
  const clock = new ManualClock()
  const told: string[] = []
  const standing = new EndpointStanding({
    clock,
    onFailed: (reason, status) => told.push(`${reason} ${status}`),
    onRecovered: () => told.push('recovered'),
  })
  return { clock, told, standing }
}

describe('How an introspection endpoint fares', () => {
  it('is told once when it begins to fail, not for each request', () => {
    const { told, standing } = openStanding()
    for (let count = 0; count < 1_000; count += 1) standing.note(failed('status', 401), false)
    assert.deepEqual(told, ['client_rejected 401'])
    assert.equal(standing.counts.get('client_rejected'), 1_000)
  })

  it('is told again after a minute, while it lasts', () => {
    const { told, standing, clock } = openStanding()
    standing.note(failed('timeout'), false)
    clock.advanceMs(59_999)
    standing.note(failed('timeout'), false)
    assert.equal(told.length, 1)
    clock.advanceMs(1)
    standing.note(failed('timeout'), false)
    assert.deepEqual(told, ['timeout null', 'timeout null'])
  })

  it('is told at once when it fails for another reason', () => {
    const { told, standing } = openStanding()
    standing.note(failed('unreachable'), false)
    standing.note(failed('status', 503), false)
    standing.note(OK, false)
    assert.deepEqual(told, ['unreachable null', 'server_error 503', 'malformed 200'])
  })

  it('counts as recovered when it decides, and has not failed for ten seconds', () => {
    const { told, standing, clock } = openStanding()
    standing.note(OK, true)
    standing.note(failed('timeout'), false)
    clock.advanceMs(9_999)
    standing.note(OK, true)
    assert.equal(told.length, 1)
    standing.note(failed('timeout'), false)
    clock.advanceMs(10_000)
    standing.note(OK, true)
    standing.note(OK, true)
    assert.deepEqual(told, ['timeout null', 'recovered'])
  })

  it('is not said to fail, and then to recover, for what a token can bring about', () => {
    const { told, standing, clock } = openStanding()
    standing.note(failed('status', 400), false)
    clock.advanceMs(20_000)
    standing.note(OK, true)
    assert.deepEqual(told, ['request_refused 400'])
  })

  it('has a word for every way in which a call can end', () => {
    const { standing } = openStanding()
    const ways: OutboundFailure[] = [
      ...(['bad_url', 'timeout', 'unreachable', 'proxy', 'tls'] as const),
      ...(['connection_lost', 'protocol', 'too_large', 'redirect'] as const),
    ]
    for (const way of ways) standing.note(failed(way), false)
    for (const status of [400, 401, 404, 429, 500]) standing.note(failed('status', status), false)
    standing.note(OK, false)
    standing.note(OK, true)
    for (const result of INTROSPECTION_RESULTS) assert.equal(standing.counts.get(result), 1, result)
  })
})
