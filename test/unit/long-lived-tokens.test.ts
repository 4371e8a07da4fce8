import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { SecurityEvent } from '../../src/observability/security-event.ts'
import { LongLivedTokens } from '../../src/verifiers/bearer-token/long-lived-tokens.ts'
import { identityOf } from '../support/revocations.ts'

const NOW = 1_700_000_000
const LAST = 3_600
const lifeOf = (issuer: string) => ({ issuer, lastsSeconds: LAST })

function setUp() {
  const events: SecurityEvent[] = []
  const tokens = new LongLivedTokens(lifeOf, { security: (event) => events.push(event) })
  const notice = (issuer: string, expiresAtSeconds: number | null) => {
    const identity = { ...identityOf(1, NOW), issuer, expiresAtSeconds }
    const place = { keySlot: 0, keyGeneration: 0 }
    tokens.notice({ kind: 'verified', identity, deadAtSeconds: NOW + 10, ...place }, NOW)
  }
  return { events, notice }
}

describe('tokens that live longer than revocations are kept', () => {
  it('are reported, once for each issuer', () => {
    const { events, notice } = setUp()
    notice('https://a/', NOW + LAST + 1)
    notice('https://a/', NOW + LAST + 500)
    notice('https://b/', NOW + LAST + 2.5)
    const event = 'token_outlives_revocations'
    assert.deepEqual(events, [
      { event, issuer: 'https://a/', livesForSeconds: LAST + 1, revocationsLastSeconds: LAST },
      { event, issuer: 'https://b/', livesForSeconds: LAST + 2, revocationsLastSeconds: LAST },
    ])
  })

  it('are not those that end with them or before, or that name no end', () => {
    const { events, notice } = setUp()
    for (const end of [NOW - 1, NOW, NOW + LAST, null]) notice('https://a/', end)
    assert.deepEqual(events, [])
  })
})
