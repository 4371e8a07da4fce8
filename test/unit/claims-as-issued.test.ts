/**
 * Claims of tokens and answers of introspection endpoints as known software writes them, each row
 * named after it: null or an empty list is a member that was never set (docs/values.md). Behind
 * each table stand those that look like it and are refused.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { checkClaims, parseClaims } from '../../src/protocol/claims.ts'
import { processIntrospectionResponse } from '../../src/protocol/introspection-response.ts'
import type { RefusalReason } from '../../src/protocol/refusal-reason.ts'
import { CLAIM_POLICY } from '../support/jwt-policy.ts'
import { AUDIENCE, claimsText, encode, ISSUER, NOW_SECONDS } from '../support/mint-token.ts'

type Members = Record<string, unknown>

function checked(members: Members, policy: Partial<typeof CLAIM_POLICY> = {}) {
  const claims = parseClaims(encode(claimsText(members)))
  assert.ok(claims !== null)
  return checkClaims(claims, { ...CLAIM_POLICY, ...policy }, NOW_SECONDS)
}

const GOOD_CLAIMS: readonly (readonly [software: string, members: Members])[] = [
  ['jwt-dotnet, with an object whose nbf was never set', { nbf: null, jti: null }],
  ['a Java class written by Jackson, nulls included', { nbf: null, iat: null, sid: null }],
  ['a Rust structure written by serde, each Option included', { iat: null, email: null }],
  ['an array of PHP, whose empty members are lists', { nbf: [], iat: [], jti: [], email: [] }],
  ['Keycloak up to version 8, whose nbf is 0', { nbf: 0 }],
  ['Auth0, which sends no nbf', { nbf: undefined }],
  ['an issuer with fractions of seconds', { iat: NOW_SECONDS - 1.5, nbf: NOW_SECONDS - 1.5 }],
  ['an issuer with one class for all tokens', { at_hash: null, c_hash: null, events: null }],
  ['an issuer whose proof of possession is off', { cnf: null }],
  ['an issuer that lists no roles', { roles: [], scope: null, tenant_id: null, org_id: '' }],
]

const BAD_CLAIMS: readonly (readonly [what: string, members: Members, RefusalReason])[] = [
  ['no exp', { exp: undefined }, 'exp_missing'],
  ['an exp of null', { exp: null }, 'exp_missing'],
  ['an exp that is an empty list', { exp: [] }, 'exp_missing'],
  ['an exp that is an empty text', { exp: '' }, 'exp_mistyped'],
  ['an exp that is text', { exp: `${NOW_SECONDS + 60}` }, 'exp_mistyped'],
  ['an exp in a list', { exp: [NOW_SECONDS + 60] }, 'exp_mistyped'],
  ['an exp beyond all time', { exp: 1e18 }, 'exp_mistyped'],
  ['an nbf that is an empty text', { nbf: '' }, 'nbf_mistyped'],
  ['an nbf that is text', { nbf: '1' }, 'nbf_mistyped'],
  ['an nbf in a list with null', { nbf: [null] }, 'nbf_mistyped'],
  ['an nbf that is an object', { nbf: {} }, 'nbf_mistyped'],
  ['an nbf that is to come', { nbf: NOW_SECONDS + 60 }, 'token_not_yet_valid'],
  ['an iat that is text', { iat: 'now' }, 'iat_mistyped'],
  ['an iat that is false', { iat: false }, 'iat_mistyped'],
  ['an iat that is to come', { iat: NOW_SECONDS + 60 }, 'issued_in_future'],
  ['an aud of null, which must be there', { aud: null }, 'audience_mismatch'],
  ['an aud that is empty', { aud: [] }, 'audience_mismatch'],
  ['an iss of null, which must be there', { iss: null }, 'issuer_mismatch'],
  ['events that are there', { events: {} }, 'foreign_kind_of_token'],
  ['an at_hash that is an empty text', { at_hash: '' }, 'foreign_kind_of_token'],
  ['a cnf that is empty', { cnf: {} }, 'token_bound'],
]

describe('the claims of a JWT (RFC 7519 §4.1)', () => {
  for (const [software, members] of GOOD_CLAIMS) {
    it(`are taken as they are sent by ${software}`, () => {
      const claims = checked(members)
      assert.equal(claims.kind, 'checked', JSON.stringify(claims))
    })
  }

  for (const [what, members, reason] of BAD_CLAIMS) {
    it(`are refused with a reason that names the claim because of ${what}`, () => {
      const claims = checked(members)
      assert.equal(claims.kind === 'refused' && claims.reason, reason)
    })
  }

  it('are refused where a required one is null or an empty list', () => {
    for (const department of [undefined, null, []]) {
      const claims = checked({ department }, { requiredClaims: ['department'] })
      assert.equal(claims.kind === 'refused' && claims.reason, 'required_claim_missing')
    }
  })
})

const HONEST = { active: true, iss: ISSUER, aud: AUDIENCE, sub: 'alice', client_id: 'web' }
const GENEROUS = { ...CLAIM_POLICY, requireAudience: false }

function answered(members: Members, policy: Partial<typeof GENEROUS> = {}) {
  const body = Buffer.from(JSON.stringify({ ...HONEST, ...members }))
  const answer = processIntrospectionResponse(
    body,
    'opaque',
    { ...GENEROUS, ...policy },
    NOW_SECONDS,
  )
  return answer.kind === 'refused' ? answer.refused.reason : answer.kind
}

const GOOD_ANSWERS: readonly (readonly [software: string, members: Members])[] = [
  [
    'Ory Hydra, about a token without audiences',
    { aud: [], nbf: NOW_SECONDS - 9, token_use: 'access_token' },
  ],
  ['Ory Hydra up to version 1, whose audiences are null', { aud: null }],
  ['a Java class written by Jackson', { aud: null, nbf: null, iat: null, jti: null, iss: null }],
  [
    'WSO2, with an nbf and without iss',
    { nbf: NOW_SECONDS - 9, iss: undefined, aut: 'APPLICATION' },
  ],
  [
    'Spring Authorization Server, with lists',
    { aud: [AUDIENCE], scope: 'read write', nbf: NOW_SECONDS },
  ],
  ['Doorkeeper, about a token without end', { exp: undefined, iss: undefined, aud: undefined }],
  [
    'django-oauth-toolkit, without iss, aud and nbf',
    { iss: undefined, aud: undefined, username: 'alice' },
  ],
  ['Authlib, about a token without end', { exp: null, iss: undefined }],
  ['MITREid Connect, about a client’s own token', { sub: null, user_id: null }],
  [
    'a Rust structure written by serde',
    { exp: null, token_type: null, username: null, scope: null },
  ],
  [
    'an array of PHP, whose empty members are lists',
    { iss: [], aud: [], exp: [], nbf: [], jti: [] },
  ],
  ['Keycloak, about a lightweight token', { aud: undefined, typ: 'Bearer', token_type: 'Bearer' }],
]

const BAD_ANSWERS: readonly (readonly [what: string, members: Members, string])[] = [
  ['active of null', { active: null }, 'undecided'],
  ['active that is an empty list', { active: [] }, 'undecided'],
  ['an audience of null that is required', { aud: null }, 'audience_mismatch'],
  ['an empty list of audiences where one is required', { aud: [] }, 'audience_mismatch'],
  ['an exp of null that is required', { exp: null }, 'required_claim_missing'],
]

const ALWAYS_BAD: readonly (readonly [what: string, members: Members, RefusalReason])[] = [
  ['another audience', { aud: ['billing'] }, 'audience_mismatch'],
  ['an audience that is an empty text', { aud: '' }, 'audience_mismatch'],
  ['an audience in a list with null', { aud: [null] }, 'audience_mismatch'],
  ['an iss that is an empty text', { iss: '' }, 'issuer_mismatch'],
  ['an iss in a list', { iss: [ISSUER] }, 'issuer_mismatch'],
  ['an exp of 0, as Doorkeeper sent for no end', { exp: 0 }, 'token_expired'],
  ['an exp that is text', { exp: '9999999999' }, 'exp_mistyped'],
  ['an nbf that is an empty text', { nbf: '' }, 'nbf_mistyped'],
  ['an iat that is an object', { iat: {} }, 'iat_mistyped'],
  ['a token_type of another kind', { token_type: 'refresh_token' }, 'foreign_kind_of_token'],
  ['a token_type in a list', { token_type: ['Bearer'] }, 'foreign_kind_of_token'],
]

describe('the answer of an introspection endpoint (RFC 7662 §2.2)', () => {
  for (const [software, members] of GOOD_ANSWERS) {
    it(`is taken as it is given by ${software}`, () => {
      assert.equal(answered(members), 'active')
    })
  }

  for (const [what, members, reason] of BAD_ANSWERS) {
    it(`is not taken where the issuer is asked for more, with ${what}`, () => {
      assert.equal(answered(members, { requireAudience: true, requiredClaims: ['exp'] }), reason)
    })
  }

  for (const [what, members, reason] of ALWAYS_BAD) {
    it(`is refused with a reason that names the member because of ${what}`, () => {
      assert.equal(answered(members), reason)
    })
  }
})
