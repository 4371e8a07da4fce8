/** Three segments, each with one spelling. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { hasJoseForm, parseCompactJws } from '../../src/protocol/compact-jws.ts'

describe('compact serialization (RFC 7515 §7.1, §2)', () => {
  it('is three segments of unpadded base64url', () => {
    assert.deepEqual(parseCompactJws('e30.e30.AAAA'), {
      protectedHeader: 'e30',
      payload: 'e30',
      signatureBytes: 3,
    })
  })

  it('measures the decoded signature', () => {
    for (const bytes of [1, 2, 3, 32, 64, 96, 132, 256, 257]) {
      const signature = Buffer.alloc(bytes, 0xff).toString('base64url')
      assert.equal(parseCompactJws(`e30.e30.${signature}`)?.signatureBytes, bytes)
    }
  })

  it('has no other number of segments, and no empty one', () => {
    for (const token of ['', 'e30', 'e30.e30', 'e30.e30.', '.e30.AA', 'e30..AA', '...']) {
      assert.equal(parseCompactJws(token), null, token)
    }
    assert.equal(parseCompactJws('e30.e30.AAAA.AAAA'), null)
    assert.equal(parseCompactJws('e30.e30.AAAA.AAAA.AAAA'), null)
  })

  it('has no length that base64url cannot have', () => {
    assert.equal(parseCompactJws('e30.e30.AAAAA'), null)
    assert.equal(parseCompactJws('A.e30.AAAA'), null)
  })

  it('has zeros where the last character encodes nothing (RFC 4648 §3.5)', () => {
    assert.notEqual(parseCompactJws('e30.e30.AQ'), null)
    assert.equal(parseCompactJws('e30.e30.AR'), null)
    assert.notEqual(parseCompactJws('e30.e30.AAE'), null)
    assert.equal(parseCompactJws('e30.e30.AAF'), null)
    assert.equal(parseCompactJws('e31.e30.AAAA'), null)
  })
})

describe('the form of a JWT', () => {
  const encoded = (text: string) => Buffer.from(text).toString('base64url')

  it('is that of every JOSE header, with white space too, however bad the rest is', () => {
    for (const header of ['{"alg":"none"}', '{ "a":1}', '{\n"a":1}', '{\t}', '{\r\n}', '{}']) {
      assert.equal(hasJoseForm(`${encoded(header)}.x`), true, header)
    }
    assert.equal(hasJoseForm('eyJhbGciOiJSU0EtT0FFUCJ9.a.b.c.d'), true, 'a JWE')
  })

  it('is not that of API keys: GitHub, OpenAI, SendGrid, AWS, Stripe', () => {
    const keys = ['ghp_16C7e42F292c6912E7710c838347Ae178B4a', 'sk-proj-abc', 'SG.abc.def', 'AKIA1']
    for (const key of [...keys, 'sk_live_abc', 'x.y.z', 'eyebrow', 'ey', '.ey.a', ' eyJ.a', '']) {
      assert.equal(hasJoseForm(key), false, key)
    }
  })
})
