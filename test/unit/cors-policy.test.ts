/** Which pages may read answers, and the fields that say so. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { withCorsFields } from '../../src/http/cors-fields.ts'
import { CorsPolicy, type CorsRules, corsOrigin } from '../../src/http/cors-policy.ts'

const RULES: CorsRules = {
  origins: ['https://app.example.com', 'https://*.example.org', 'capacitor://localhost'],
  methods: ['GET', 'PUT'],
  headers: ['Authorization', 'X-Token'],
  exposedHeaders: ['X-Request-Id', 'ETag'],
  credentials: true,
  maxAgeSeconds: 600,
  replacesUpstream: true,
  takesTenantOrigins: false,
}
const policy = new CorsPolicy(RULES)
const everybody = new CorsPolicy({ ...RULES, origins: ['*'], credentials: false })

describe('an origin of a page in a configuration', () => {
  it('is one of the web, one of an app, every one, or none of any site', () => {
    assert.equal(corsOrigin('HTTPS://App.Example.com:443/'), 'https://app.example.com')
    for (const origin of [
      ...['*', 'null', 'https://*.example.com', 'http://localhost:3000', 'capacitor://localhost'],
      ...['ionic://localhost', 'tauri://localhost', 'app://-', 'moz-extension://0a1b-2c'],
    ]) {
      assert.equal(corsOrigin(origin), origin)
    }
    for (const text of [
      ...['https://*', 'https://app.example.com/x', 'Null', '**', 'capacitor://*', 'app://a/b'],
      ...['app://a,https://b', 'javascript:alert(1)', 'http:app', 'https://a b', 'app://u@a', ''],
    ]) {
      assert.equal(corsOrigin(text), null, text)
    }
  })
})

describe('the fields for a page that may read', () => {
  it('name it, and what it may see', () => {
    assert.deepEqual(policy.answerFields('https://app.example.com'), [
      ...['access-control-allow-origin', 'https://app.example.com'],
      ...['access-control-allow-credentials', 'true'],
      ...['access-control-expose-headers', 'X-Request-Id, ETag'],
      ...['vary', 'Origin'],
    ])
  })

  it('are the same ones each time, and for a while as many as there are pages', () => {
    const origin = 'https://a.example.org'
    assert.equal(policy.answerFields(origin), policy.answerFields(origin))
    for (let index = 0; index < 2_000; index += 1)
      policy.answerFields(`https://p${index}.example.org`)
    const last = 'https://p1999.example.org'
    assert.equal(policy.answerFields(last)[1], last)
  })

  it('name none where all may read, so that a cache may keep one answer for all', () => {
    for (const origin of ['', 'https://a.test', 'null']) {
      assert.ok(everybody.allows(origin))
      assert.deepEqual(everybody.answerFields(origin), [
        ...['access-control-allow-origin', '*'],
        ...['access-control-expose-headers', 'X-Request-Id, ETag'],
      ])
    }
  })

  it('tell a preflight everything, so that the browser can say what was missing', () => {
    assert.deepEqual(policy.preflightFields('https://b.example.org'), [
      ...['access-control-allow-origin', 'https://b.example.org'],
      ...['access-control-allow-credentials', 'true'],
      ...['access-control-allow-methods', 'GET, PUT'],
      ...['access-control-allow-headers', 'Authorization, X-Token'],
      ...['access-control-max-age', '600'],
      'vary',
      'Origin, Access-Control-Request-Method, Access-Control-Request-Headers',
    ])
    assert.deepEqual(policy.preflightFields(null).slice(0, 1), ['vary'])
  })
})

describe('a page that only resembles an allowed one', () => {
  for (const origin of [
    ...['https://app.example.com.evil.tld', 'https://good.example.org.evil.tld', 'null', ''],
    ...['https://app.example.com:8443', 'http://app.example.com', 'https://APP.example.com'],
    ...['https://example.org', 'https://evilexample.org', 'https://a.example.org:443'],
    ...['capacitor://localhost.evil', 'capacitor://evil', 'https://*.example.org', '*'],
    ...['https://app.example.com/', 'https://app.example.com, https://evil.tld'],
  ]) {
    it(`may not read: ${JSON.stringify(origin)}`, () => assert.equal(policy.allows(origin), false))
  }
})

describe('the fields of CORS in an answer', () => {
  const own = ['access-control-allow-origin', 'https://a.test', 'vary', 'Origin']

  it('take the place of those of the upstream, in whatever spelling they come', () => {
    const answer = [
      ...['content-type', 'text/plain', 'Access-Control-Allow-Origin', '*'],
      ...['ACCESS-CONTROL-ALLOW-ORIGIN', 'null', 'access-control-allow-credentials', 'true'],
      ...[
        'Access-Control-Expose-Headers',
        'Set-Cookie',
        'Access-Control',
        'kept',
        'Set-Cookie',
        'a',
      ],
    ]
    const kept = ['content-type', 'text/plain', 'Access-Control', 'kept', 'Set-Cookie', 'a']
    assert.deepEqual(withCorsFields(answer, own), [...kept, ...own])
    assert.deepEqual(withCorsFields(answer, ['vary', 'Origin']), [...kept, 'vary', 'Origin'])
  })

  it('keep what the upstream varies by, and say Origin once', () => {
    const accept = ['Vary', 'Accept-Encoding']
    assert.deepEqual(withCorsFields(accept, own), [...accept, ...own])
    for (const value of ['Origin', 'accept, ORIGIN', '*', 'Accept,origin ,Cookie']) {
      assert.deepEqual(withCorsFields(['vary', value], own), ['vary', value, ...own.slice(0, 2)])
    }
    const resembling = ['vary', 'X-Origin']
    assert.deepEqual(withCorsFields(resembling, own), [...resembling, ...own])
  })
})
