/** The body of a refusal. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { AUTH_ERROR_CODES, AUTH_ERRORS } from '../../src/protocol/auth-error.ts'
import { problemDetails } from '../../src/protocol/problem-details.ts'

describe('problem details (RFC 9457 §3)', () => {
  it('say what the table says about every code, and nothing else but the request id', () => {
    for (const code of AUTH_ERROR_CODES) {
      const { status, title, message } = AUTH_ERRORS[code]
      assert.deepEqual(JSON.parse(problemDetails(code, 'id-1')), {
        type: `urn:sallyport:error:${code}`,
        title,
        status,
        error: code,
        message,
        request_id: 'id-1',
      })
    }
  })

  it('cannot be broken out of by a request id', () => {
    for (const id of ['"', '\\', '"}', '\n', '\u2028', '']) {
      assert.equal(JSON.parse(problemDetails('invalid_token', id)).request_id, id)
    }
  })
})
