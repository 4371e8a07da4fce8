/** Scopes in both spellings. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseScope } from '../../src/protocol/scope.ts'

describe('scope (RFC 6749 §3.3)', () => {
  it('is text with spaces between, or an array', () => {
    assert.deepEqual(parseScope('read write'), ['read', 'write'])
    assert.deepEqual(parseScope(['read', 'write']), ['read', 'write'])
    assert.deepEqual(parseScope('read'), ['read'])
  })

  it('may be empty, and surplus spaces mean nothing', () => {
    assert.deepEqual(parseScope(''), [])
    assert.deepEqual(parseScope('  '), [])
    assert.deepEqual(parseScope([]), [])
    assert.deepEqual(parseScope(' a  b '), ['a', 'b'])
  })

  it('has no quote, backslash, control or character beyond ASCII', () => {
    for (const bad of ['a"b', 'a\\b', 'a\tb', 'a\nb', 'é', '\x7f']) {
      assert.equal(parseScope(`ok ${bad}`), null, bad)
      assert.equal(parseScope(['ok', bad]), null, bad)
    }
  })

  it('has no empty member and none with a space, which would read as two', () => {
    assert.equal(parseScope(['']), null)
    assert.equal(parseScope(['read write']), null)
  })

  it('is nothing else', () => {
    for (const bad of [1, true, {}, [1], [['a']], [null], undefined, null]) {
      assert.equal(parseScope(bad), null)
    }
  })
})
