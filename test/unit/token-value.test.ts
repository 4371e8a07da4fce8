/** Tokens in cookies and query parameters, as frameworks write them. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isB64Token } from '../../src/credentials/bearer-token.ts'
import { tokenOfCookie, tokenOfParameter } from '../../src/credentials/token-value.ts'

const JWT = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln-_'
const OPAQUE = '3q2+7w/aB=='

/** Who writes such a cookie, what it is, and the token in it. */
const COOKIES: readonly (readonly [string, string, string])[] = [
  ['a login service of any kind', JWT, JWT],
  ['FastAPI, whose tutorials store the scheme as well', `"Bearer ${JWT}"`, JWT],
  ['Litestar', `Bearer ${JWT}`, JWT],
  ['js-cookie, with the scheme', `Bearer%20${JWT}`, JWT],
  ['Express, whose res.cookie encodes', encodeURIComponent(OPAQUE), OPAQUE],
  ['Express, with the scheme', encodeURIComponent(`Bearer ${OPAQUE}`), OPAQUE],
  ['Django, which quotes what has a sign of equality', `"${OPAQUE}"`, OPAQUE],
  ['Rails, which escapes', '3q2%2B7w%2FaB%3D%3D', OPAQUE],
  ['a client with another case of the scheme', `bearer ${JWT}`, JWT],
  ['a client with lower-case escapes', '3q2%2b7w%2faB%3d%3d', OPAQUE],
]

/** None of these may come to be a token. */
const HOSTILE: Readonly<Record<string, string>> = {
  'double encoding': '3q2%252B7w',
  'an encoded percent sign alone': '%25',
  'an encoded comma': `${JWT}%2C${JWT}`,
  'an encoded NUL': `${JWT}%00`,
  'an encoded line end': `${JWT}%0D%0AX-User-Id:%20root`,
  'an encoded semicolon': `${JWT}%3B%20a=b`,
  'an encoded space within': `${JWT.slice(0, 9)}%20${JWT.slice(9)}`,
  'a byte beyond ASCII': `${JWT}%C3%A9`,
  'an overlong encoding': `${JWT}%C0%AE`,
  'half an escape': `${JWT}%2`,
  'no escape': `${JWT}%zz`,
  'an escape of Microsoft': `${JWT}%u002E`,
  'the scheme twice': `Bearer%20Bearer%20${JWT}`,
  'an encoded quote': `%22${JWT}%22`,
  'a quote that is not closed': `"${JWT}`,
  'the scheme alone': 'Bearer',
  'the scheme and a space': 'Bearer%20',
  'another scheme': `Basic%20${JWT}`,
}

describe('a token in a cookie', () => {
  for (const [who, value, token] of COOKIES) {
    it(`is found as it is written by ${who}`, () => {
      assert.equal(tokenOfCookie(value), token)
      assert.ok(isB64Token(token))
    })
  }

  for (const [what, value] of Object.entries(HOSTILE)) {
    it(`is none, with ${what}`, () => {
      assert.ok(!isB64Token(tokenOfCookie(value)), tokenOfCookie(value))
    })
  }

  it('has no control character and nothing beyond ASCII, not even for a log to show', () => {
    for (const odd of ['%00', '%0A', '%1f', '%7F', '%80', '%C3%A9', '%', '%4', '%4g']) {
      assert.equal(tokenOfCookie(`a${odd}%41`), `a${odd}A`)
    }
  })

  it('keeps a plus sign, and what only begins like the scheme', () => {
    for (const value of ['a+b', 'Bearer+a', 'BearerToken', 'bearer.a']) {
      assert.equal(tokenOfCookie(value), value)
    }
  })
})

describe('a token in a query parameter', () => {
  it('is decoded once, as URLSearchParams and axios write it', () => {
    assert.equal(tokenOfParameter(JWT), JWT)
    assert.equal(tokenOfParameter('3q2%2B7w%2FaB%3D%3D'), OPAQUE)
  })

  for (const [what, value] of Object.entries(HOSTILE)) {
    // The very word is a token like any other.
    if (value === 'Bearer') continue
    it(`is none, with ${what}`, () => {
      assert.ok(!isB64Token(tokenOfParameter(value)), tokenOfParameter(value))
    })
  }

  it('keeps a plus sign, and has no scheme', () => {
    assert.equal(tokenOfParameter('a+b'), 'a+b')
    assert.ok(!isB64Token(tokenOfParameter(`Bearer%20${JWT}`)))
  })
})
