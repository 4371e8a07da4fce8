/** When, and how, a session cookie is taken away from a browser. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ClearedCookie, type SessionCookieSettings } from '../../src/gateway/cleared-cookie.ts'
import { REFUSAL_REASON_NAMES } from '../../src/protocol/refusal-reason.ts'

const OWN: SessionCookieSettings = {
  name: '__Host-sid',
  path: '/',
  domain: null,
  sameSite: 'Lax',
  isOwnName: true,
}
const SHARED = { ...OWN, name: 'sid', domain: '.example.com' }
const EXPRESS = { ...OWN, name: 'connect.sid', path: '/app', isOwnName: false }

function clearing(settings: SessionCookieSettings): readonly string[] {
  const cookie = new ClearedCookie(settings)
  return REFUSAL_REASON_NAMES.filter((reason) => cookie.fieldFor(reason, 'https') !== null)
}

describe('a session cookie', () => {
  it('is taken away when its session has ended, and for no other reason', () => {
    assert.deepEqual(clearing(SHARED), ['session_not_found', 'session_expired'])
    assert.deepEqual(clearing(EXPRESS), ['session_not_found', 'session_expired'])
  })

  it('is taken away when it is malformed only if no other application can have set it', () => {
    const malformed = ['session_cookie_too_long', 'session_cookie_malformed']
    assert.deepEqual(clearing(OWN), [...malformed, 'session_not_found', 'session_expired'])
    assert.deepEqual(clearing({ ...EXPRESS, name: '__Host-connect.sid' }).length, 2)
  })

  it('is taken away with the attributes with which it was set', () => {
    const field = (settings: SessionCookieSettings, scheme: 'http' | 'https') =>
      new ClearedCookie(settings).fieldFor('session_expired', scheme)
    const shared = 'sid=; Path=/; Domain=.example.com; Max-Age=0; HttpOnly; SameSite=Lax'
    assert.equal(field(SHARED, 'http'), shared)
    assert.equal(field(SHARED, 'https'), `${shared}; Secure`)
    assert.match(field(EXPRESS, 'http') ?? '', /^connect\.sid=; Path=\/app; Max-Age=0; /)
    const crossSite = field({ ...SHARED, sameSite: 'None' }, 'http')
    assert.match(crossSite ?? '', /; SameSite=None; Secure$/)
    assert.match(field(OWN, 'http') ?? '', /; SameSite=Lax; Secure$/)
    assert.match(field({ ...SHARED, name: '__Secure-sid' }, 'http') ?? '', /; Secure$/)
  })
})
