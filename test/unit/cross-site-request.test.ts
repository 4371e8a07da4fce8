/** Which requests with a cookie a page of another site may have sent. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isFromKnownSite, isFromOwnOrigin } from '../../src/http/cross-site-request.ts'
import { isUnsafeMethod } from '../../src/http/methods.ts'
import { OriginList } from '../../src/http/origin-list.ts'

const ALLOWED = new OriginList(['https://app.example.com', 'https://admin.example.com:8443'])

function passes(fields: readonly (readonly [string, string])[]): boolean {
  return isFromKnownSite(fields.flat(), ALLOWED)
}

describe('a request with a cookie that changes something', () => {
  const table: readonly (readonly [string, readonly (readonly [string, string])[], boolean])[] = [
    ['of the same origin', [['sec-fetch-site', 'same-origin']], true],
    ['of a sibling sub-domain', [['sec-fetch-site', 'same-site']], false],
    ['of another site', [['sec-fetch-site', 'cross-site']], false],
    ['typed by a user', [['sec-fetch-site', 'none']], false],
    ['with a word that is none', [['sec-fetch-site', 'Same-Origin']], false],
    ['of a page that is allowed', [['origin', 'https://app.example.com']], true],
    ['of one with a port', [['origin', 'https://admin.example.com:8443']], true],
    [
      'of an allowed page on another site',
      [
        ['sec-fetch-site', 'cross-site'],
        ['origin', 'https://app.example.com'],
      ],
      true,
    ],
    ['of an unknown origin', [], false],
    ['of an opaque origin', [['origin', 'null']], false],
    ['of an empty origin', [['origin', '']], false],
    ['of a host that begins alike', [['origin', 'https://app.example.com.evil.tld']], false],
    ['of a host that ends alike', [['origin', 'https://evilapp.example.com']], false],
    ['of another port', [['origin', 'https://app.example.com:8443']], false],
    ['of another scheme', [['origin', 'http://app.example.com']], false],
    ['with a path behind the origin', [['origin', 'https://app.example.com/']], false],
    ['in another case', [['origin', 'https://APP.example.com']], false],
    [
      'with two origins',
      [
        ['origin', 'https://app.example.com'],
        ['origin', 'https://app.example.com'],
      ],
      false,
    ],
    [
      'with a repeated Sec-Fetch-Site',
      [
        ['sec-fetch-site', 'same-origin'],
        ['sec-fetch-site', 'same-origin'],
      ],
      false,
    ],
    [
      'of the same origin with two origins',
      [
        ['sec-fetch-site', 'same-origin'],
        ['origin', 'https://app.example.com'],
        ['origin', 'https://evil.tld'],
      ],
      false,
    ],
  ]
  for (const [what, fields, isGood] of table) {
    it(`${isGood ? 'passes' : 'is rejected'}: ${what}`, () => {
      assert.equal(passes(fields), isGood)
    })
  }

  it('is one whose method is not safe (RFC 9110 §9.2.1)', () => {
    for (const method of ['GET', 'HEAD', 'OPTIONS', 'PROPFIND', 'QUERY']) {
      assert.equal(isUnsafeMethod(method), false)
    }
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'MOVE', 'PURGE', 'anything']) {
      assert.equal(isUnsafeMethod(method), true)
    }
  })
})

describe('a request of a page of the gateway’s own origin', () => {
  const OWN = 'http://app.internal:8080'
  const isOwn = (...fields: readonly string[]) => isFromOwnOrigin(fields, OWN)

  it('is told by its Origin, where Safari 15 and every browser on plain http say no site', () => {
    assert.equal(isOwn('origin', OWN), true)
    assert.equal(isOwn('referer', `${OWN}/x`, 'origin', OWN), true)
  })

  it('is told by Sec-Fetch-Site alone where there is one', () => {
    for (const site of ['cross-site', 'same-site', 'none', 'same-origin', '']) {
      assert.equal(isOwn('origin', OWN, 'sec-fetch-site', site), false, site)
    }
  })

  it('is not told by anything that resembles it', () => {
    assert.equal(isOwn('referer', `${OWN}/x`), false)
    assert.equal(isOwn('origin', OWN, 'origin', OWN), false)
    for (const origin of [
      ...['', 'null', `${OWN}/`, `${OWN}.evil.tld`, 'http://app.internal', 'app.internal:8080'],
      ...['https://app.internal:8080', 'http://app.internal:8081', 'http://APP.internal:8080'],
    ]) {
      assert.equal(isOwn('origin', origin), false, origin)
    }
  })
})
