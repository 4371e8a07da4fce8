/** Which schemes a refusal names, by what the route accepts. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { AUTH_ERROR_CODES, AUTH_ERRORS } from '../../src/protocol/auth-error.ts'
import { bearerChallenge } from '../../src/protocol/bearer-challenge.ts'
import {
  type AcceptedSchemes,
  compileChallenges,
} from '../../src/protocol/credential-challenges.ts'

const BEARER: AcceptedSchemes = {
  realm: 'api',
  scopes: ['read'],
  resourceMetadata: null,
  bearer: true,
  cookie: null,
  apiKeyPlaces: [],
}
const COOKIE = { ...BEARER, bearer: false, cookie: '__Host-sid' }
const ALL = {
  ...BEARER,
  cookie: '__Host-sid',
  apiKeyPlaces: [{ kind: 'header', name: 'x-api-key' }],
} as const

describe('the challenges of a route (RFC 9110 §11.6.1)', () => {
  it('are those of RFC 6750 where only bearer tokens are accepted', () => {
    const compiled = compileChallenges(BEARER)
    for (const code of AUTH_ERROR_CODES) {
      const isOfOthers = AUTH_ERRORS[code].challengeError === null && code !== 'missing_token'
      const expected = isOfOthers ? null : bearerChallenge(code, BEARER)
      if (code !== 'no_session') assert.equal(compiled.get(code) ?? null, expected, code)
    }
  })

  it('name every scheme that would do when there was no credential', () => {
    const expected =
      'Bearer realm="api", Cookie realm="api", cookie-name="__Host-sid", ' +
      'ApiKey realm="api", header="x-api-key"'
    assert.equal(compileChallenges(ALL).get('missing_token'), expected)
    assert.equal(compileChallenges(ALL).get('no_session'), expected)
  })

  it('name only the scheme whose credential was bad', () => {
    const compiled = compileChallenges(ALL)
    const cookie = 'Cookie realm="api", cookie-name="__Host-sid"'
    assert.equal(compiled.get('session_not_found'), cookie)
    assert.equal(compiled.get('session_expired'), cookie)
    assert.equal(compiled.get('invalid_session_format'), cookie)
    assert.equal(compiled.get('invalid_api_key'), 'ApiKey realm="api", header="x-api-key"')
    assert.match(compiled.get('inactive_token') ?? '', /^Bearer realm="api", error="invalid_token"/)
  })

  it('name where an API key may be, and Bearer once', () => {
    const places = [
      { kind: 'header', name: 'authorization', scheme: 'Bearer' },
      { kind: 'header', name: 'authorization', scheme: 'Token' },
      { kind: 'query', name: 'api_key' },
      { kind: 'cookie', name: 'key' },
    ] as const
    const others =
      'Token realm="api", ApiKey realm="api", query="api_key", ApiKey realm="api", cookie-name="key"'
    const both = compileChallenges({ ...BEARER, apiKeyPlaces: places })
    assert.equal(both.get('missing_token'), `Bearer realm="api", ${others}`)
    const keys = compileChallenges({ ...BEARER, bearer: false, apiKeyPlaces: places })
    assert.equal(keys.get('invalid_api_key'), `Bearer realm="api", ${others}`)
  })

  it('never name a scheme that is not accepted', () => {
    for (const challenge of compileChallenges(COOKIE).values()) {
      assert.equal(challenge, 'Cookie realm="api", cookie-name="__Host-sid"')
    }
  })

  it('are there for every 401 that such a route can give', () => {
    const compiled = compileChallenges(ALL)
    for (const code of AUTH_ERROR_CODES) {
      assert.equal(compiled.has(code) || AUTH_ERRORS[code].status !== 401, true, code)
    }
    assert.equal(compiled.has('csrf_rejected'), false)
    assert.equal(compiled.has('verifier_unavailable'), false)
  })
})
