import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  type ActiveToken,
  type IntrospectionAnswerPolicy,
  type ProcessedIntrospection,
  processIntrospectionResponse,
} from '../../src/protocol/introspection-response.ts'
import { createIssuerTemplate } from '../../src/protocol/issuer-template.ts'
import { EMPTY_IDENTITY } from '../../src/protocol/verification.ts'
import { CLAIM_POLICY, CLAIM_SOURCES, sourceOf } from '../support/jwt-policy.ts'
import { AUDIENCE, encode, goodClaims, ISSUER, NOW_SECONDS } from '../support/mint-token.ts'

const TOKEN = 'opaque-token'
const POLICY: IntrospectionAnswerPolicy = { ...CLAIM_POLICY, requireAudience: false }

function judge(
  body: string | Uint8Array,
  policy: Partial<IntrospectionAnswerPolicy> = {},
  token = TOKEN,
): ProcessedIntrospection {
  const whole = { ...POLICY, ...policy }
  return processIntrospectionResponse(Buffer.from(body), token, whole, NOW_SECONDS)
}

/** A good answer; members replace those of it, or as `undefined` leave them out. */
function answer(members: Record<string, unknown> = {}): string {
  return JSON.stringify({ active: true, token_type: 'Bearer', ...goodClaims(), ...members })
}

function active(judgement: ProcessedIntrospection): ActiveToken {
  assert.ok(judgement.kind === 'active', JSON.stringify(judgement))
  return judgement
}

/** The code of a refusal, the reason of no verdict, or `active`. */
function outcome(judgement: ProcessedIntrospection): string {
  if (judgement.kind === 'refused') return judgement.refused.code
  return judgement.kind === 'undecided' ? judgement.reason : 'active'
}

function codeOf(
  members: Record<string, unknown>,
  policy: Partial<IntrospectionAnswerPolicy> = {},
): string {
  return outcome(judge(answer(members), policy))
}

describe('active (RFC 7662 §2.2)', () => {
  it('is true, and the identity is the one of the answer', () => {
    const { identity, deadAtSeconds } = active(judge(answer()))
    assert.deepEqual(identity, {
      ...EMPTY_IDENTITY,
      issuer: ISSUER,
      subject: 'user-123',
      email: 'someone@example.com',
      roles: ['admin', 'reader'],
      scopes: ['read', 'write'],
      tenant: 'acme',
      organisation: 'org-1',
      clientId: null,
      tokenId: '0b6c6c2e-8f5b-4c1f-9d7c-1f2a3b4c5d6e',
      sessionId: 'session-1',
      issuedAtSeconds: NOW_SECONDS - 60,
      expiresAtSeconds: NOW_SECONDS + 3_600,
    })
    assert.equal(deadAtSeconds, NOW_SECONDS + 3_605)
  })

  it('is false, and nothing else of the answer counts', () => {
    assert.equal(outcome(judge('{"active":false}')), 'inactive_token')
    assert.equal(codeOf({ active: false }), 'inactive_token')
    assert.equal(codeOf({ active: false, exp: 'soon' }), 'inactive_token')
  })

  it('is nothing when it is anything else', () => {
    for (const value of ['true', 'false', 1, 0, null, [], [true], {}, undefined]) {
      assert.equal(codeOf({ active: value }), 'no_verdict', JSON.stringify(value))
    }
    assert.equal(outcome(judge('{}')), 'no_verdict')
    assert.equal(outcome(judge('{"Active":true,"sub":"x"}')), 'no_verdict')
    assert.equal(outcome(judge('{"__proto__":{"active":true},"sub":"x"}')), 'no_verdict')
  })

  it('is nothing in what is not one strict JSON object', () => {
    for (const body of [
      '',
      ' ',
      'null',
      'true',
      '"active"',
      '[{"active":true}]',
      '<html>Sign in</html>',
      '{"active":true',
      '{"active":true}{}',
      '{"active":true,"active":false}',
      '{"active":false,"active":true}',
      '{"active":true,"sub":"a","\\u0073ub":"b"}',
      'eyJhbGciOiJSUzI1NiJ9.e30.AA',
      `{"active":true,"x":${'['.repeat(40)}${']'.repeat(40)}}`,
    ]) {
      assert.equal(outcome(judge(body)), 'not_json', body)
    }
    const invalid = Buffer.concat([
      Buffer.from('{"active":true,"sub":"'),
      Buffer.from([0xff, 0x22]),
    ])
    assert.equal(outcome(judge(Buffer.concat([invalid, Buffer.from('}')]))), 'not_json')
  })
})

describe('issuer and audience of an answer (RFC 7662 §2.2)', () => {
  it('may be absent, and are then those that were asked for', () => {
    const { identity } = active(judge(answer({ iss: undefined, aud: undefined })))
    assert.equal(identity.issuer, ISSUER)
  })

  it('must be right when they are there', () => {
    for (const iss of ['https://idp.example.com', `${ISSUER}/`, '', 1, [ISSUER]]) {
      assert.equal(codeOf({ iss }), 'invalid_claims', JSON.stringify(iss))
    }
    for (const aud of ['x', ['x'], [''], '', 1, {}, [AUDIENCE, 1]]) {
      assert.equal(codeOf({ aud }), 'invalid_claims', JSON.stringify(aud))
    }
    for (const aud of [AUDIENCE, ['x', AUDIENCE]]) assert.equal(codeOf({ aud }), 'active')
  })

  it('may be required', () => {
    const requireAudience = true
    assert.equal(codeOf({}, { requireAudience }), 'active')
    assert.equal(codeOf({ aud: undefined }, { requireAudience }), 'invalid_claims')
    const requiredClaims = ['iss', 'exp']
    assert.equal(codeOf({}, { requiredClaims }), 'active')
    assert.equal(codeOf({ iss: undefined }, { requiredClaims }), 'invalid_claims')
    assert.equal(codeOf({ exp: undefined }, { requiredClaims }), 'invalid_claims')
  })
})

describe('the life of an introspected token', () => {
  it('has no end when the answer names none', () => {
    const { identity, deadAtSeconds } = active(judge(answer({ exp: undefined })))
    assert.equal(identity.expiresAtSeconds, null)
    assert.equal(deadAtSeconds, null)
  })

  it('ends in the very second of exp, whatever active says', () => {
    assert.equal(codeOf({ exp: NOW_SECONDS - 4 }), 'active', 'within the tolerance')
    assert.equal(codeOf({ exp: NOW_SECONDS - 5 }), 'token_expired')
    assert.equal(codeOf({ exp: 0 }), 'token_expired')
    assert.equal(active(judge(answer({ exp: NOW_SECONDS + 9.7 }))).deadAtSeconds, NOW_SECONDS + 14)
  })

  it('has not begun before nbf, nor with iat in the future', () => {
    assert.equal(codeOf({ nbf: NOW_SECONDS + 5 }), 'active')
    assert.equal(codeOf({ nbf: NOW_SECONDS + 6 }), 'token_not_yet_valid')
    assert.equal(codeOf({ iat: NOW_SECONDS + 5 }), 'active')
    assert.equal(codeOf({ iat: NOW_SECONDS + 6 }), 'invalid_claims')
    assert.equal(codeOf({ nbf: undefined, iat: undefined }), 'active')
  })

  it('is refused until it begins, and for good in all other cases', () => {
    const until = (members: Record<string, unknown>) => {
      const judgement = judge(answer(members))
      return judgement.kind === 'refused' ? judgement.untilSeconds : judgement.kind
    }
    assert.equal(until({ nbf: NOW_SECONDS + 7 }), NOW_SECONDS + 2)
    assert.equal(until({ iat: NOW_SECONDS + 7 }), NOW_SECONDS + 2)
    assert.equal(until({ exp: NOW_SECONDS - 9 }), null)
    assert.equal(until({ aud: 'other', iat: NOW_SECONDS + 7 }), null)
    assert.equal(until({ active: false, iat: NOW_SECONDS + 7 }), null)
  })

  it('is told in numbers', () => {
    for (const name of ['exp', 'nbf', 'iat']) {
      for (const wrong of [`${NOW_SECONDS}`, '', true, -1, 1e18, {}, [NOW_SECONDS]]) {
        assert.equal(
          codeOf({ [name]: wrong }),
          'invalid_claims',
          `${name} ${JSON.stringify(wrong)}`,
        )
      }
    }
  })
})

describe('the subject of an answer', () => {
  it('is empty when the token is a client’s own: the client has a place of its own', () => {
    const members = { sub: undefined, client_id: 'batch' }
    for (const of of [members, { ...members, sub: null }]) {
      const { subject, clientId } = active(judge(answer(of))).identity
      assert.deepEqual([subject, clientId], ['', 'batch'])
    }
    assert.equal(codeOf(members, { requiredClaims: ['sub'] }), 'active')
    assert.equal(codeOf(members, { requiredClaims: ['sub', 'email'] }), 'active')
    assert.equal(
      codeOf({ ...members, email: undefined }, { requiredClaims: ['email'] }),
      'invalid_claims',
    )
  })

  it('is never the client of a token that has one, however wrong', () => {
    const of = (sub: unknown) => judge(answer({ sub, client_id: 'batch' }))
    const { subject, clientId } = active(of('alice')).identity
    assert.deepEqual([subject, clientId], ['alice', 'batch'])
    for (const sub of ['', 1, {}, ['alice'], false]) {
      assert.equal(outcome(of(sub)), 'invalid_claims', JSON.stringify(sub))
    }
  })

  it('must be somebody', () => {
    for (const client_id of [undefined, null, '', 1.5, ['batch']]) {
      assert.equal(codeOf({ sub: undefined, client_id }), 'invalid_claims')
    }
  })

  it('comes from where the issuer has it', () => {
    const sources = { ...CLAIM_SOURCES, subject: sourceOf('subject', 'username') }
    const found = active(judge(answer({ username: 'alice' }), { sources }))
    assert.equal(found.identity.subject, 'alice')
    const byClient = { sub: undefined, client_id: 'batch' }
    assert.equal(active(judge(answer(byClient), { sources })).identity.subject, '')
    const nameless = { sub: undefined, username: 'alice' }
    assert.equal(codeOf(nameless, { sources }), 'invalid_claims', 'sub is required here')
    assert.equal(codeOf(nameless, { sources, requiredClaims: [] }), 'active')
    // Only where the configuration says so, a client is a user of its name.
    const ofClients = { ...CLAIM_SOURCES, subject: sourceOf('subject', 'client_id') }
    const named = active(judge(answer(byClient), { sources: ofClients, requiredClaims: ['sub'] }))
    assert.equal(named.identity.subject, 'batch')
  })
})

describe('what an answer says of the identity', () => {
  it('may be absent', () => {
    const members = { scope: undefined, roles: undefined, email: undefined, jti: undefined }
    const { identity } = active(judge(answer(members)))
    assert.deepEqual([identity.scopes, identity.roles], [[], []])
    assert.deepEqual([identity.email, identity.tokenId], [null, null])
  })

  it('is not dropped when it has the wrong type: the token is refused', () => {
    for (const wrong of [1.5, true, {}, [1], [''], [null]]) {
      for (const name of ['email', 'roles', 'scope', 'tenant_id', 'org_id', 'jti', 'sid']) {
        assert.equal(
          codeOf({ [name]: wrong }),
          'invalid_claims',
          `${name} ${JSON.stringify(wrong)}`,
        )
      }
    }
  })
})

describe('other tokens that are active, too', () => {
  it('are refused by what the answer calls them', () => {
    for (const members of [
      { token_type: 'N_A' },
      { token_type: 'refresh_token' },
      { token_type: 1 },
      { token_use: 'id' },
      { token_use: 'refresh' },
      { token_use: 'refresh_token' },
      { typ: 'ID' },
      { typ: 'Refresh' },
      { typ: 'Offline' },
      { events: {} },
      { at_hash: 'x' },
    ]) {
      assert.equal(codeOf(members), 'invalid_claims', JSON.stringify(members))
      const accepting = codeOf(members, { acceptsBound: true })
      assert.equal(accepting, 'invalid_claims', JSON.stringify(members))
    }
  })

  it('are no bearer tokens when they are bound to a key, unless that is accepted', () => {
    for (const members of [
      { token_type: 'DPoP' },
      { token_type: 'dpop' },
      { token_type: 'pop' },
      { cnf: { jkt: 'x' } },
      { cnf: {} },
      { cnf: { 'x5t#S256': 'x' }, token_type: 'Bearer' },
    ]) {
      assert.equal(codeOf(members), 'invalid_token', JSON.stringify(members))
      const accepting = codeOf(members, { acceptsBound: true })
      assert.equal(accepting, 'active', JSON.stringify(members))
    }
  })

  it('are bound when the JWT itself says so, whatever the answer leaves out', () => {
    const token = `${encode('{"alg":"RS256"}')}.${encode('{"cnf":{"jkt":"x"}}')}.AA`
    assert.equal(outcome(judge(answer({}), {}, token)), 'invalid_token')
  })

  it('are those of listed clients alone where clients are listed', () => {
    const clientIds = ['web']
    const of = (members: Record<string, unknown>) =>
      codeOf({ aud: undefined, ...members }, { clientIds })
    assert.equal(of({ client_id: 'web' }), 'active')
    for (const members of [{ client_id: 'x' }, { client_id: undefined }, { aud: 'x' }]) {
      assert.equal(of(members), 'invalid_claims', JSON.stringify(members))
    }
  })

  it('are of the issuer that a placeholder stands for only if the answer says which', () => {
    const issuer = 'https://login.example.com/{t}'
    const policy = {
      issuer,
      template: createIssuerTemplate(issuer, { claim: 'tid', values: null }),
    }
    const of = (members: Record<string, unknown>) => codeOf(members, policy)
    assert.equal(of({ iss: 'https://login.example.com/a', tid: 'a' }), 'active')
    assert.equal(of({ iss: 'https://login.example.com/a', tid: 'b' }), 'invalid_claims')
    assert.equal(of({ iss: undefined, tid: 'a' }), 'invalid_claims')
  })

  it('are not suspected in an ordinary answer', () => {
    for (const members of [
      { token_type: 'bearer' },
      { token_type: undefined },
      { token_type: 'access_token' },
      { token_use: 'access_token' },
      { typ: 'Bearer' },
      { nonce: 'n', username: 'x', acr: '1' },
    ]) {
      assert.equal(codeOf(members), 'active', JSON.stringify(members))
    }
  })
})

describe('an answer about a JWT', () => {
  const jwt = (claims: unknown) =>
    `${encode('{"alg":"RS256"}')}.${encode(JSON.stringify(claims))}.AA`
  const about = (claims: unknown, members: Record<string, unknown> = {}) =>
    outcome(judge(answer(members), {}, jwt(claims)))

  it('must not say another thing than the token does', () => {
    assert.equal(about(goodClaims()), 'active')
    for (const name of ['iss', 'sub', 'jti']) {
      assert.equal(about({ ...goodClaims(), [name]: 'other' }), 'another_token', name)
    }
    const client = { ...goodClaims(), client_id: 'one' }
    assert.equal(about(client, { client_id: 'one' }), 'active')
    assert.equal(about(client, { client_id: 'two' }), 'another_token')
    assert.equal(about(goodClaims(), { iss: 'https://other.example/' }), 'another_token')
  })

  it('may leave out what the token says, and the token what the answer says', () => {
    assert.equal(about({}), 'active')
    assert.equal(about(goodClaims(), { jti: undefined, iss: undefined }), 'active')
  })

  it('is believed when it is that the token is not active', () => {
    const token = jwt({ ...goodClaims(), sub: 'other' })
    assert.equal(outcome(judge('{"active":false}', {}, token)), 'inactive_token')
  })

  it('is like any other when the token only looks like one', () => {
    for (const token of ['a.b.c', `${encode('{}')}.${encode('[]')}.AA`, `${encode('{}')}.x.AA`]) {
      assert.equal(outcome(judge(answer(), {}, token)), 'active', token)
    }
  })
})

describe('the first reason', () => {
  it('is that of the claims before that of the clock', () => {
    assert.equal(codeOf({ exp: 1 }), 'token_expired')
    assert.equal(codeOf({ exp: 1, aud: 'x' }), 'invalid_claims')
    assert.equal(codeOf({ exp: 1, email: {} }), 'invalid_claims')
  })
})
