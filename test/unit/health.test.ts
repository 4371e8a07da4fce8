import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type HealthFacts, readinessOf } from '../../src/gateway/health.ts'

const HEALTHY: HealthFacts = {
  hasTenants: true,
  hasRevocations: true,
  isListening: true,
  isDraining: false,
  issuers: [{ issuer: 'main', state: 'fresh', hasHadKeys: true }],
}

describe('Readiness', () => {
  it('holds when it listens and every issuer has had keys', () => {
    assert.deepEqual(readinessOf(HEALTHY), {
      ready: true,
      status: 'ready',
      issuers: [{ issuer: 'main', condition: 'ok', keys: 'fresh' }],
    })
  })

  it('is missing while one issuer never had keys', () => {
    const waiting = { issuer: 'other', state: 'empty', hasHadKeys: false } as const
    const judged = readinessOf({ ...HEALTHY, issuers: [...HEALTHY.issuers, waiting] })
    assert.equal(judged.ready, false)
    assert.equal(judged.status, 'waiting_for_keys')
    assert.equal(judged.issuers[1]?.condition, 'waiting')
  })

  it('is missing until it is known which tenants there are', () => {
    const judged = readinessOf({ ...HEALTHY, hasTenants: false })
    assert.equal(judged.ready, false)
    assert.equal(judged.status, 'waiting_for_tenants')
  })

  it('is missing until the revocations of other instances are known', () => {
    const judged = readinessOf({ ...HEALTHY, hasRevocations: false })
    assert.equal(judged.ready, false)
    assert.equal(judged.status, 'waiting_for_revocations')
  })

  it('survives a later outage of an issuer, which is told', () => {
    for (const state of ['stale', 'dead', 'empty'] as const) {
      const issuers = [{ issuer: 'main', state, hasHadKeys: true }]
      const judged = readinessOf({ ...HEALTHY, issuers })
      assert.equal(judged.ready, true)
      assert.equal(judged.issuers[0]?.condition, 'degraded')
    }
  })

  it('ends when draining begins, and is missing before listening', () => {
    assert.equal(readinessOf({ ...HEALTHY, isDraining: true }).status, 'draining')
    assert.equal(readinessOf({ ...HEALTHY, isListening: false }).status, 'not_listening')
    assert.equal(readinessOf({ ...HEALTHY, isListening: false }).ready, false)
  })
})
