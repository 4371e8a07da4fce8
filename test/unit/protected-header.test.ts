/** What a header may say, and what it costs to have seen it before. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  mediaType,
  ProtectedHeaderMemo,
  parseProtectedHeader,
} from '../../src/protocol/protected-header.ts'
import { encode } from '../support/mint-token.ts'

const parse = (members: object): unknown => parseProtectedHeader(encode(JSON.stringify(members)))

describe('protected header (RFC 7515 §4.1)', () => {
  it('says algorithm, key and type', () => {
    assert.deepEqual(parse({ alg: 'ES256', kid: 'k', typ: 'at+JWT' }), {
      algorithm: 'ES256',
      keyId: 'k',
      type: 'at+jwt',
    })
    assert.deepEqual(parse({ alg: 'ES256' }), { algorithm: 'ES256', keyId: null, type: null })
  })

  it('names an algorithm to the letter', () => {
    for (const alg of ['none', 'es256', 'ES256 ', '', 'toString', null, 1, ['ES256'], undefined]) {
      assert.equal(parse({ alg }), null, String(alg))
    }
  })

  it('has nothing in it that changes what is signed or how it is read', () => {
    for (const name of ['crit', 'b64', 'zip', 'enc']) {
      for (const value of [null, false, true, [], ['exp'], 'x']) {
        assert.equal(parse({ alg: 'ES256', [name]: value }), null, name)
      }
    }
  })

  it('takes a kid of 1 to 256 printable ASCII characters', () => {
    for (const kid of ['k'.repeat(257), '\n', '\x7f', 'é', 1, {}, ['k']]) {
      assert.equal(parse({ alg: 'ES256', kid }), null, JSON.stringify(kid))
    }
    for (const kid of ['k'.repeat(256), ' ~', '../x', '__proto__']) {
      assert.notEqual(parse({ alg: 'ES256', kid }), null, kid)
    }
  })

  it('spells a type in one way (§4.1.9)', () => {
    assert.equal(mediaType('application/at+jwt'), 'at+jwt')
    assert.equal(mediaType('APPLICATION/JWT'), 'jwt')
    assert.equal(mediaType('application/a/b'), 'application/a/b')
    assert.equal(mediaType('text/jwt'), 'text/jwt')
    assert.equal(parse({ alg: 'ES256', typ: ['JWT'] }), null)
  })
})

describe('memo of parsed headers', () => {
  const header = (kid: string): string => encode(JSON.stringify({ alg: 'ES256', kid }))

  it('parses a header once', () => {
    const memo = new ProtectedHeaderMemo()
    const first = memo.parse(header('a'))
    assert.equal(memo.parse(header('a')), first)
    assert.deepEqual(first, parseProtectedHeader(header('a')))
  })

  it('is bounded, whatever is thrown at it, and keeps what is in use', () => {
    const memo = new ProtectedHeaderMemo(4)
    for (let round = 0; round < 100; round += 1) {
      memo.parse(header(`flood-${round}`))
      assert.ok(memo.size <= 8)
    }
    const kept = memo.parse(header('kept'))
    memo.parse(header('another'))
    assert.equal(memo.parse(header('kept')), kept)
  })

  it('remembers neither refused headers nor long ones', () => {
    const memo = new ProtectedHeaderMemo()
    assert.equal(memo.parse(encode('{"alg":"none"}')), null)
    const long = encode(JSON.stringify({ alg: 'ES256', x5c: 'x'.repeat(1_000) }))
    assert.notEqual(memo.parse(long), null)
    assert.equal(memo.size, 0)
  })
})
