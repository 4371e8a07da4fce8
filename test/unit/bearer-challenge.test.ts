/** What `WWW-Authenticate` says for which reason. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { AUTH_ERROR_CODES, AUTH_ERRORS } from '../../src/protocol/auth-error.ts'
import { bearerChallenge } from '../../src/protocol/bearer-challenge.ts'

const PARAMETERS = { realm: 'api', scopes: ['read', 'write'], resourceMetadata: null }

describe('WWW-Authenticate challenge (RFC 6750 §3)', () => {
  it('names the realm and no error when the request carried no credential', () => {
    assert.equal(bearerChallenge('missing_token', PARAMETERS), 'Bearer realm="api"')
  })

  it('says invalid_token for an expired token', () => {
    assert.equal(
      bearerChallenge('token_expired', PARAMETERS),
      'Bearer realm="api", error="invalid_token", ' +
        'error_description="The token has expired. Obtain a new one."',
    )
  })

  it('says invalid_token for a revoked token, and nothing about tenants', () => {
    assert.match(bearerChallenge('token_revoked', PARAMETERS) ?? '', /error="invalid_token"/)
    for (const code of AUTH_ERROR_CODES) {
      if (code.startsWith('tenant_')) assert.equal(bearerChallenge(code, PARAMETERS), null, code)
    }
  })

  it('names the scopes that are needed, and only when scope is what is missing', () => {
    assert.match(bearerChallenge('insufficient_scope', PARAMETERS) ?? '', /, scope="read write"$/)
    assert.doesNotMatch(bearerChallenge('invalid_token', PARAMETERS) ?? '', /scope=/)
    const none = bearerChallenge('insufficient_scope', { ...PARAMETERS, scopes: [] })
    assert.doesNotMatch(none ?? '', /scope=/)
  })

  it('says invalid_request for a malformed or doubled credential', () => {
    assert.match(bearerChallenge('invalid_request', PARAMETERS) ?? '', /error="invalid_request"/)
  })

  it('goes with every 401', () => {
    for (const code of AUTH_ERROR_CODES) {
      if (AUTH_ERRORS[code].status === 401) assert.ok(bearerChallenge(code, PARAMETERS), code)
    }
  })

  it('is not sent when the gateway, not the caller, is at fault', () => {
    for (const code of AUTH_ERROR_CODES) {
      if (AUTH_ERRORS[code].status < 404) continue
      assert.equal(bearerChallenge(code, PARAMETERS), null, code)
    }
  })

  it('points to the metadata of the resource where there is some (RFC 9728 §5.1)', () => {
    const resourceMetadata = 'https://api.example.com/.well-known/oauth-protected-resource'
    for (const code of ['missing_token', 'invalid_token'] as const) {
      const challenge = bearerChallenge(code, { ...PARAMETERS, resourceMetadata }) ?? ''
      assert.ok(challenge.endsWith(`, resource_metadata="${resourceMetadata}"`), challenge)
    }
  })

  it('cannot be broken out of by a realm', () => {
    const realm = 'a"b\\c\r\nX: é'
    assert.equal(
      bearerChallenge('missing_token', { ...PARAMETERS, realm }),
      'Bearer realm="a\\"b\\\\c??X: ?"',
    )
  })

  it('describes errors in the characters that §3 allows', () => {
    for (const code of AUTH_ERROR_CODES) {
      assert.match(AUTH_ERRORS[code].message, /^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/)
    }
  })
})
