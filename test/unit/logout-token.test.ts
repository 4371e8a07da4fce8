import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  BACKCHANNEL_LOGOUT_EVENT,
  checkLogoutToken,
  LOGOUT_TOKEN_AGE_MAX_SECONDS,
  type LogoutTokenRefusal,
} from '../../src/protocol/logout-token.ts'
import type { JsonObject } from '../../src/protocol/strict-json.ts'
import { LogoutReplayMemory } from '../../src/revocation/logout-replay-memory.ts'
import { logoutRevocation } from '../../src/revocation/logout-revocation.ts'
import { createRevocationBuffer, RevocationIndex } from '../../src/revocation/revocation-index.ts'
import { revocationKeysOf } from '../../src/revocation/revocation-key.ts'
import { RevocationReader } from '../../src/revocation/revocation-reader.ts'
import { ISSUER, identityOf } from '../support/revocations.ts'

const NOW = 1_700_000_000
const TOLERANCE = 5
const POLICY = {
  issuer: ISSUER,
  template: null,
  audiences: ['shop', 'desk'],
  clockToleranceSeconds: TOLERANCE,
}

const GOOD: JsonObject = {
  iss: ISSUER,
  aud: 'shop',
  iat: NOW,
  exp: NOW + 120,
  jti: 'logout-1',
  sub: 'subject-1',
  sid: 'session-1',
  events: { [BACKCHANNEL_LOGOUT_EVENT]: {} },
}

function check(changes: JsonObject, nowSeconds = NOW) {
  return checkLogoutToken({ ...GOOD, ...changes }, POLICY, nowSeconds)
}

function without(name: string) {
  const { [name]: _, ...rest } = GOOD
  return checkLogoutToken(rest, POLICY, NOW)
}

describe('logout token (OpenID Connect Back-Channel Logout 1.0 §2.6)', () => {
  it('is taken when it says all that it must', () => {
    assert.deepEqual(check({}), {
      ok: true,
      sub: 'subject-1',
      sid: 'session-1',
      jti: 'logout-1',
      issuedAtSeconds: NOW,
      expiresAtSeconds: NOW + 120,
    })
  })

  it('needs only one of subject and session', () => {
    assert.equal(without('sub').ok, true)
    assert.equal(without('sid').ok, true)
  })

  it('may be meant for several clients, and have more events than one', () => {
    assert.equal(check({ aud: ['other', 'desk'] }).ok, true)
    const events = { [BACKCHANNEL_LOGOUT_EVENT]: { a: 1 }, 'https://example.com/event': {} }
    assert.equal(check({ events }).ok, true)
  })

  const refusals: readonly (readonly [LogoutTokenRefusal, JsonObject])[] = [
    ['wrong_issuer', { iss: `${ISSUER}/` }],
    ['wrong_issuer', { iss: [ISSUER] }],
    ['wrong_audience', { aud: 'other' }],
    ['wrong_audience', { aud: [] }],
    ['wrong_audience', { aud: ['shop', 7] }],
    ['wrong_audience', { aud: { shop: true } }],
    ['malformed_issued_at', { iat: `${NOW}` }],
    ['malformed_issued_at', { iat: -1 }],
    ['issued_in_future', { iat: NOW + TOLERANCE + 1 }],
    ['too_old', { iat: NOW - LOGOUT_TOKEN_AGE_MAX_SECONDS - TOLERANCE }],
    ['malformed_expiry', { exp: null }],
    ['malformed_expiry', { exp: Number.POSITIVE_INFINITY }],
    ['expired', { exp: NOW - TOLERANCE }],
    ['malformed_token_id', { jti: '' }],
    ['malformed_token_id', { jti: 1 }],
    ['malformed_token_id', { jti: 'x'.repeat(513) }],
    ['malformed_subject_or_session', { sub: '' }],
    ['malformed_subject_or_session', { sid: 5 }],
    ['malformed_subject_or_session', { sid: 'x'.repeat(513) }],
    ['no_subject_or_session', { sub: null, sid: null }],
    ['no_logout_event', { events: BACKCHANNEL_LOGOUT_EVENT }],
    ['no_logout_event', { events: [BACKCHANNEL_LOGOUT_EVENT] }],
    ['no_logout_event', { events: {} }],
    ['no_logout_event', { events: { [BACKCHANNEL_LOGOUT_EVENT]: true } }],
    ['no_logout_event', { events: { [BACKCHANNEL_LOGOUT_EVENT]: [] } }],
    ['no_logout_event', { events: Object.create({ [BACKCHANNEL_LOGOUT_EVENT]: {} }) }],
    ['nonce_present', { nonce: 'n' }],
    ['nonce_present', { nonce: null }],
  ]
  for (const [reason, changes] of refusals) {
    it(`is refused as ${reason} for ${JSON.stringify(changes).slice(0, 60)}`, () => {
      assert.deepEqual(check(changes), { ok: false, reason })
    })
  }

  const missing: readonly (readonly [string, LogoutTokenRefusal])[] = [
    ['iss', 'wrong_issuer'],
    ['aud', 'wrong_audience'],
    ['iat', 'malformed_issued_at'],
    ['exp', 'malformed_expiry'],
    ['jti', 'malformed_token_id'],
    ['events', 'no_logout_event'],
  ]
  for (const [claim, reason] of missing) {
    it(`is refused without ${claim}`, () => assert.deepEqual(without(claim), { ok: false, reason }))
  }

  it('is alive up to its end and its age, each with the clock tolerance, and no longer', () => {
    assert.equal(check({}, NOW + 120 + TOLERANCE - 1).ok, true)
    assert.deepEqual(check({}, NOW + 120 + TOLERANCE), { ok: false, reason: 'expired' })
    const exp = NOW + 86_400
    const oldAt = NOW + LOGOUT_TOKEN_AGE_MAX_SECONDS + TOLERANCE
    assert.equal(check({ exp }, oldAt - 1).ok, true)
    assert.deepEqual(check({ exp }, oldAt), { ok: false, reason: 'too_old' })
    assert.equal(check({ iat: NOW + TOLERANCE }).ok, true)
  })

  it('need not be remembered for longer than its age allows', () => {
    const checked = check({ exp: NOW + 86_400, iat: NOW + 0.5 })
    assert.ok(checked.ok)
    assert.equal(checked.expiresAtSeconds, NOW + LOGOUT_TOKEN_AGE_MAX_SECONDS)
  })
})

describe('replay memory for logout tokens', () => {
  const token = (jti: string, issuer = ISSUER) => ({ issuer, jti })

  it('takes a token once, and one of the same name of another issuer once too', () => {
    const memory = new LogoutReplayMemory()
    assert.equal(memory.remember(token('a'), NOW + 10, NOW), 'new')
    assert.equal(memory.remember(token('a'), NOW + 10, NOW + 9), 'replayed')
    assert.equal(memory.remember(token('a', 'https://other/'), NOW + 10, NOW), 'new')
  })

  it('forgets a token in the second in which it is refused anyway', () => {
    const memory = new LogoutReplayMemory()
    memory.remember(token('a'), NOW + 10, NOW)
    assert.equal(memory.remember(token('a'), NOW + 20, NOW + 10), 'new')
    assert.equal(memory.remember(token('a'), NOW + 20, NOW + 19), 'replayed')
  })

  it('keeps a share for each issuer, which no other can fill', () => {
    const memory = new LogoutReplayMemory(1)
    assert.equal(memory.remember(token('a'), NOW + 10, NOW), 'new')
    assert.equal(memory.remember(token('b'), NOW + 10, NOW), 'full')
    assert.equal(memory.remember(token('b', 'https://other/'), NOW + 10, NOW), 'new')
    memory.forget(token('a'))
    assert.equal(memory.remember(token('b'), NOW + 10, NOW), 'new')
    assert.equal(memory.remember(token('b', 'https://other/'), NOW + 10, NOW), 'replayed')
    assert.equal(memory.size, 2)
  })

  it('says when it is full, forgets nothing then, and has room when tokens have expired', () => {
    const memory = new LogoutReplayMemory(2)
    memory.remember(token('a'), NOW + 10, NOW)
    memory.remember(token('b'), NOW + 20, NOW)
    assert.equal(memory.remember(token('c'), NOW + 20, NOW), 'full')
    assert.equal(memory.remember(token('a'), NOW + 10, NOW), 'replayed')
    assert.equal(memory.remember(token('c'), NOW + 20, NOW + 10), 'new')
    assert.equal(memory.remember(token('b'), NOW + 20, NOW + 10), 'replayed')
    assert.equal(memory.size, 2)
  })
})

describe('what a logout revokes (OpenID Connect Back-Channel Logout 1.0 §2.7)', () => {
  const policy = { credentialLifeMaxSeconds: 3_600, clockToleranceSeconds: TOLERANCE }

  function isRevokedAfter(sub: string | null, sid: string | null) {
    const buffer = createRevocationBuffer(10)
    const index = new RevocationIndex(buffer)
    const reader = new RevocationReader(buffer)
    const entry = logoutRevocation({ sub, sid, issuedAtSeconds: NOW - 3 }, ISSUER, policy, NOW)
    assert.ok(entry)
    assert.equal(entry.untilSeconds, NOW + 3_600 + TOLERANCE)
    index.add(entry, NOW)
    return (issuedAtSeconds: number, sessionId: string) => {
      const identity = { ...identityOf(1, issuedAtSeconds), sessionId }
      return reader.isRevoked(revocationKeysOf(identity), NOW)
    }
  }

  it('is the session that is named, and no other of the subject', () => {
    const isRevoked = isRevokedAfter('subject-1', 'session-1')
    assert.equal(isRevoked(NOW, 'session-1'), true)
    assert.equal(isRevoked(NOW - 100, 'session-2'), false)
  })

  it('is all that the subject was issued before, when no session is named', () => {
    const isRevoked = isRevokedAfter('subject-1', null)
    assert.equal(isRevoked(NOW - 3, 'session-1'), true)
    assert.equal(isRevoked(NOW - 2, 'session-2'), false, 'the next login is left alone')
  })

  it('is nothing when neither is named', () => {
    const token = { sub: null, sid: null, issuedAtSeconds: NOW }
    assert.equal(logoutRevocation(token, ISSUER, policy, NOW), null)
  })
})
