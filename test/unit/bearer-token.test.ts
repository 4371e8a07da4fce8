/** The token in `Authorization`, case by case. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { hasScheme, isB64Token, textAfterScheme } from '../../src/credentials/bearer-token.ts'

function read(value: string): string | null {
  const text = hasScheme(value, 'bearer') ? textAfterScheme(value, 'bearer'.length) : null
  return text !== null && isB64Token(text) ? text : null
}

describe('bearer token in a header (RFC 6750 §2.1)', () => {
  it('takes the scheme in any case', () => {
    for (const scheme of ['Bearer', 'bearer', 'BEARER', 'bEaReR']) {
      assert.equal(read(`${scheme} abc.def-_~+/==`), 'abc.def-_~+/==')
    }
  })

  it('takes one or more spaces between scheme and token, and nothing else', () => {
    assert.equal(read('Bearer   abc'), 'abc')
    assert.equal(read('Bearer\tabc'), null)
    assert.equal(hasScheme('Bearer\tabc', 'bearer'), true, 'malformed is not absent')
    assert.equal(read('Bearerabc'), null)
  })

  it('refuses a second token, a comma, a quote, and anything behind the token', () => {
    for (const rest of ['a b', 'a,b', 'a, Bearer b', '"a"', 'a ', 'a=b', 'a;b', 'ä', 'a\u0100']) {
      assert.equal(read(`Bearer ${rest}`), null, rest)
    }
  })

  it('refuses a scheme without a token', () => {
    for (const value of ['Bearer', 'Bearer ', 'Bearer    ', 'Bearer =', 'Bearer ==']) {
      assert.equal(read(value), null)
    }
  })

  it('does not confuse a scheme with characters that only differ in bit 0x20', () => {
    assert.equal(hasScheme('a\rb x', 'a-b'), false)
    assert.equal(hasScheme('\x02earer x', 'bearer'), false)
    assert.equal(hasScheme('A-B x', 'a-b'), true)
  })

  it('knows that a longer or shorter scheme is another one', () => {
    assert.equal(hasScheme('Bearers x', 'bearer'), false)
    assert.equal(hasScheme('Beare x', 'bearer'), false)
    assert.equal(hasScheme('', 'bearer'), false)
  })

  it('does not take an empty b64token', () => {
    assert.equal(isB64Token(''), false)
    assert.equal(isB64Token('a'), true)
    assert.equal(isB64Token('='), false)
  })
})
