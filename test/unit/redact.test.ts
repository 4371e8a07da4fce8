import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  describeError,
  LOGGED_TEXT_LENGTH_MAX,
  redactText,
} from '../../src/observability/redact.ts'
import { watchStarvation } from '../support/starvation.ts'

describe('Redaction of text from outside', () => {
  it('removes tokens, credentials, passwords in URLs and values of queries', () => {
    const token = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl'
    assert.equal(redactText(`token ${token}!`), 'token [redacted]!')
    assert.equal(redactText('Bearer abc.def'), 'Bearer [redacted]')
    assert.equal(redactText('authorization: BASIC dXNlcjpwYXNz'), 'authorization: BASIC [redacted]')
    assert.equal(redactText('https://user:pass@idp/x'), 'https://[redacted]@idp/x')
    assert.equal(redactText('/x?code=s3cret&b=2'), '/x?code=[redacted]&b=[redacted]')
  })

  it('leaves harmless text alone', () => {
    const text = 'connect ECONNREFUSED 127.0.0.1:443 (https://idp.example.com/keys)'
    assert.equal(redactText(text), text)
  })

  it('always gives one bounded line of visible ASCII', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 2_000 }), (text) => {
        const redacted = redactText(text)
        assert.match(redacted, /^[\x20-\x7e]*$/)
        // A marker may be longer than what it stands for.
        assert.ok(redacted.length <= LOGGED_TEXT_LENGTH_MAX * 4)
      }),
    )
  })

  it('is not slow on text made to make it slow', () => {
    const hostile = ['bearer '.repeat(100_000), 'a://'.repeat(100_000), '?='.repeat(100_000)]
    const startMs = performance.now()
    const starvedMs = watchStarvation()
    for (const text of hostile) redactText(text)
    assert.ok(performance.now() - startMs < 200 + starvedMs())
  })
})

describe('Description of an unexpected error', () => {
  it('names class, code and place, and never the message', () => {
    const error = Object.assign(new TypeError('secret at here'), { code: 'ECONNRESET' })
    const described = describeError(error)
    assert.equal(described.errorName, 'TypeError')
    assert.equal(described.errorCode, 'ECONNRESET')
    assert.match(described.thrownAt ?? '', /redact\.test/)
    assert.ok(!JSON.stringify(described).includes('secret'))
  })

  it('takes anything that can be thrown', () => {
    for (const thrown of ['secret', null, undefined, 3, { message: 'secret' }]) {
      assert.ok(!JSON.stringify(describeError(thrown)).includes('secret'))
    }
    const odd = Object.assign(new Error('x'), { name: 'se cret\n', stack: undefined, code: 'a b' })
    assert.deepEqual(describeError(odd), { errorName: 'Error', errorCode: null, thrownAt: null })
  })
})
