/** Decisions from plain facts: no server, no thread, no exchange. */
import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { decide } from '../../src/decision/decide.ts'
import type { Decision, RequestFacts, RequestOrigin } from '../../src/decision/decision.ts'
import type { RouteRules } from '../../src/decision/revision.ts'
import { AUTH_ERROR_CODES, type AuthErrorCode } from '../../src/protocol/auth-error.ts'
import type { RefusalReason } from '../../src/protocol/refusal-reason.ts'
import { mintKey, mintToken, NOW_SECONDS } from '../support/mint-token.ts'
import {
  API_KEY,
  createPlainRevision,
  DENIED_ADDRESS,
  EXPIRED_API_KEY,
  LISTED_API_KEY,
  LIVE_SESSION,
  OLD_SESSION,
  ORIGIN,
  SESSION_COOKIE,
  VISITOR_SESSION,
} from '../support/plain-revision.ts'
import { originAt } from '../support/request-origin.ts'
import { entryOf } from '../support/revocations.ts'
import { changeOf, tenant } from '../support/tenants.ts'

let plain: Awaited<ReturnType<typeof createPlainRevision>>

before(async () => {
  plain = await createPlainRevision()
  plain.learntRevocations.markLearnt()
})

function factsOf(path: string, headers: readonly string[] = [], method = 'GET'): RequestFacts {
  return { method, path, query: '', host: 'api.example.com', headers }
}

/** A client that every list admits. */
const ADMITTED = originAt('203.0.113.7')
const DENIED = originAt(DENIED_ADDRESS)
/** Of the peer nothing is known any more. */
const GONE = originAt('')
/** For what must not depend on the address, or pay for it. */
const UNASKED: RequestOrigin = {
  ...originAt(''),
  get clientAddress(): string {
    throw new Error('the address was asked for')
  },
}

const bearer = (token: string) => ['authorization', `Bearer ${token}`]
const cookie = (value: string) => ['cookie', `${SESSION_COOKIE}=${value}`]
const answer = (members: object) => Buffer.from(JSON.stringify(members)).toString('base64url')

async function minted(claims: Record<string, unknown> = {}, header: Record<string, unknown> = {}) {
  return bearer(await mintToken(plain.key, claims, header))
}

async function refusalOf(
  facts: RequestFacts,
  origin: RequestOrigin = UNASKED,
): Promise<RefusalReason | 'passed'> {
  const decision = await decide(plain.revision, facts, origin)
  return decision.kind === 'passed' ? 'passed' : decision.refusal.reason
}

/** Codes that are not about the caller: the form of the message, our load, the upstream. */
const OF_OTHERS: ReadonlySet<AuthErrorCode> = new Set<AuthErrorCode>([
  ...(['request_timeout', 'payload_too_large', 'uri_too_long', 'headers_too_large'] as const),
  ...(['method_not_implemented', 'websocket_not_supported', 'method_not_allowed'] as const),
  ...(['upstream_unreachable', 'upstream_connection_lost'] as const),
  ...(['upstream_protocol_error', 'upstream_timeout'] as const),
  ...(['verifier_unavailable', 'overloaded'] as const),
])

type Case = readonly [
  RefusalReason,
  AuthErrorCode,
  string,
  () => readonly string[] | Promise<readonly string[]>,
]

const CASES: readonly Case[] = [
  ['route_not_found', 'route_not_found', '/nowhere', () => []],
  ['path_ambiguous', 'invalid_request', '/Admin/x', () => minted()],
  ['address_denied_by_route', 'address_denied', '/listed/x', () => []],
  ['address_denied_by_route', 'address_denied', '/listed-token/x', () => []],
  ['address_denied_by_tenant', 'address_denied', '/tenants/listed/x', () => []],
  ['address_denied_by_tenant', 'address_denied', '/claim/x', () => minted({ tenant_id: 'listed' })],
  ['address_denied_by_key', 'address_denied', '/key/x', () => ['x-api-key', LISTED_API_KEY]],
  ['credential_absent', 'missing_token', '/token/x', () => []],
  ['credential_repeated', 'invalid_request', '/token/x', () => [...bearer('a'), ...bearer('b')]],
  ['credential_empty', 'invalid_request', '/token/x', () => ['authorization', 'Bearer ']],
  ['proof_scheme', 'invalid_token', '/token/x', () => ['authorization', 'DPoP a.b.c']],
  ['token_syntax', 'invalid_request', '/token/x', () => bearer('a"b')],
  ['token_too_long', 'invalid_token', '/token/x', () => bearer('a'.repeat(5_000))],
  ['token_malformed', 'invalid_token', '/token/x', () => bearer('opaque')],
  ['token_header_malformed', 'invalid_token', '/token/x', () => bearer('W10.e30.AAAA')],
  [
    'algorithm_not_allowed',
    'invalid_token',
    '/token/x',
    async () => bearer(await mintToken(mintKey('ES384'))),
  ],
  ['type_not_allowed', 'invalid_token', '/token/x', () => minted({}, { typ: 'logout+jwt' })],
  [
    'signature_invalid',
    'invalid_token',
    '/token/x',
    async () => bearer(await mintToken(mintKey('ES256', 'ec'))),
  ],
  ['key_unknown', 'unknown_signing_key', '/token/x', () => minted({}, { kid: 'other' })],
  ['issuer_not_accepted', 'invalid_claims', '/token/x', () => minted({ iss: 'https://x.test/' })],
  ['audience_mismatch', 'invalid_claims', '/token/x', () => minted({ aud: 'else' })],
  ['foreign_kind_of_token', 'invalid_claims', '/token/x', () => minted({ events: {} })],
  ['header_alg_unknown', 'invalid_token', '/token/x', () => bearer('e30.e30.AAAA')],
  ['header_kid_malformed', 'invalid_token', '/token/x', () => minted({}, { kid: 7 })],
  ['exp_missing', 'invalid_claims', '/token/x', () => minted({ exp: null })],
  ['nbf_mistyped', 'invalid_claims', '/token/x', () => minted({ nbf: '1' })],
  ['token_bound', 'invalid_token', '/token/x', () => minted({ cnf: { jkt: 'x' } })],
  ['roles_mistyped', 'invalid_claims', '/token/x', () => minted({ roles: { admin: true } })],
  ['issued_in_future', 'invalid_claims', '/token/x', () => minted({ iat: NOW_SECONDS + 60 })],
  ['token_expired', 'token_expired', '/token/x', () => minted({ exp: NOW_SECONDS - 60 })],
  [
    'token_not_yet_valid',
    'token_not_yet_valid',
    '/token/x',
    () => minted({ nbf: NOW_SECONDS + 60 }),
  ],
  ['token_revoked', 'token_revoked', '/token/x', () => minted({ sub: 'revoked', jti: 'gone' })],
  ['token_inactive', 'inactive_token', '/opaque/x', () => bearer(answer({ active: false }))],
  ['scope_missing', 'insufficient_scope', '/admin/x', () => minted()],
  ['role_missing', 'insufficient_scope', '/owner/x', () => minted()],
  ['session_absent', 'no_session', '/session/x', () => []],
  ['session_absent', 'no_session', '/session/x', () => cookie(VISITOR_SESSION)],
  ['session_cookie_malformed', 'invalid_session_format', '/session/x', () => cookie('%%%')],
  [
    'session_cookie_too_long',
    'invalid_session_format',
    '/session/x',
    () => cookie('a'.repeat(600)),
  ],
  [
    'session_not_found',
    'session_not_found',
    '/session/x',
    () => cookie('no-such-session-0123456789'),
  ],
  ['session_expired', 'session_expired', '/session/x', () => cookie(OLD_SESSION)],
  ['api_key_unknown', 'invalid_api_key', '/key/x', () => ['x-api-key', 'guessed']],
  ['api_key_expired', 'invalid_api_key', '/key/x', () => ['x-api-key', EXPIRED_API_KEY]],
  ['tenant_absent', 'tenant_not_identified', '/tenants', () => minted()],
  ['tenant_name_malformed', 'tenant_not_found', '/tenants/-/x', () => minted()],
  ['tenant_unknown', 'tenant_not_found', '/tenants/initech/x', () => minted()],
  ['tenant_suspended', 'tenant_suspended', '/tenants/closed/x', () => minted()],
  ['tenant_of_another', 'tenant_mismatch', '/tenants/globex/x', () => minted()],
  [
    'tenant_claim_absent',
    'tenant_mismatch',
    '/tenants/acme/x',
    () => minted({ tenant_id: undefined }),
  ],
]

describe('a decision from plain facts', () => {
  for (const [reason, code, path, headersOf] of CASES) {
    it(`refuses with ${code} because of ${reason}`, async () => {
      plain.revoked.add(
        entryOf(
          { kind: 'jti', issuer: 'https://idp.example.com/', value: 'gone' },
          NOW_SECONDS + 60,
        ),
        NOW_SECONDS,
      )
      const decision = await decide(plain.revision, factsOf(path, await headersOf()), DENIED)
      assert.ok(decision.kind === 'refused', 'it was refused')
      assert.deepEqual([decision.refusal.reason, decision.refusal.code], [reason, code])
    })
  }

  it('refuses what changes something and comes by cookie from a foreign page', async () => {
    const foreign = [
      ...cookie(LIVE_SESSION),
      'origin',
      'https://evil.example',
      'sec-fetch-site',
      'cross-site',
    ]
    assert.equal(await refusalOf(factsOf('/session/x', foreign, 'POST')), 'cross_site')
    const known = [...cookie(LIVE_SESSION), 'origin', ORIGIN]
    assert.equal(await refusalOf(factsOf('/session/x', known, 'POST')), 'passed')
  })

  it('has produced every code that is about the caller', () => {
    // The others are below.
    const produced = new Set<AuthErrorCode>([
      ...CASES.map(([, code]) => code),
      ...(['csrf_rejected', 'rate_limited', 'locked_out'] as const),
    ])
    const missing = AUTH_ERROR_CODES.filter((code) => !OF_OTHERS.has(code) && !produced.has(code))
    assert.deepEqual(missing, [])
  })

  it('passes no caller that may be revoked before the instance has learnt the revocations', async () => {
    const unlearnt = await createPlainRevision()
    const token = await mintToken(unlearnt.key)
    const decision = await decide(unlearnt.revision, factsOf('/token/x', bearer(token)), UNASKED)
    assert.equal(decision.kind === 'refused' && decision.refusal.reason, 'revocations_not_learnt')
  })
})

describe('a route with limits', () => {
  const facts = factsOf('/counted/x', ['content-type', 'application/json'], 'POST')
  const named = (address: string, name: string) =>
    originAt(address, plain.limiter, JSON.stringify({ username: name }))
  const codeOf = async (origin: RequestOrigin) => {
    const decision = await decide(plain.revision, facts, origin)
    return decision.kind === 'passed' ? 'passed' : decision.refusal.code
  }

  it('refuses an address and a user that come too often', async () => {
    assert.equal(await codeOf(named('192.0.2.1', 'ann')), 'passed')
    assert.equal(await codeOf(named('192.0.2.2', 'ann')), 'rate_limited')
    assert.equal(await codeOf(named('192.0.2.1', 'bob')), 'passed')
    assert.equal(await codeOf(named('192.0.2.1', 'eve')), 'rate_limited')
    assert.equal(await refusalOf(facts, named('192.0.2.1', 'zoe')), 'rate_of_address')
  })

  it('says when to come back', async () => {
    const decision = await decide(plain.revision, facts, named('192.0.2.1', 'dan'))
    assert.ok(decision.kind === 'refused' && 'retryAfterSeconds' in decision.refusal)
    assert.equal(decision.refusal.retryAfterSeconds, 1_800)
  })

  it('refuses an address that is locked, until the lock ends', async () => {
    const guess = named('192.0.2.3', 'joe')
    const decision = await decide(plain.revision, facts, guess)
    assert.ok(decision.kind === 'passed' && decision.route.limits !== null)
    guess.limitedBy(decision.route.limits).fail()
    assert.equal(await codeOf(named('192.0.2.3', 'jim')), 'locked_out')
    plain.clock.advanceMs(60_000)
    assert.equal(await codeOf(named('192.0.2.3', 'jim')), 'passed')
  })

  it('refuses a request that must name a user and does not', async () => {
    const anonymous = originAt('192.0.2.4', plain.limiter, '{}')
    assert.equal(await refusalOf(facts, anonymous), 'limit_field_absent')
    assert.equal(await refusalOf(facts, originAt('192.0.2.5', plain.limiter)), 'limit_field_absent')
    const reading = factsOf('/counted/x')
    assert.equal(await refusalOf(reading, originAt('192.0.2.6', plain.limiter)), 'passed')
  })
})

describe('a client whose address is in lists', () => {
  const tenantToken = (sub: string) => minted({ sub, tenant_id: 'listed' })
  const cases: readonly (readonly [
    string,
    () => readonly string[] | Promise<readonly string[]>,
  ])[] = [
    ['/listed/x', () => []],
    ['/listed-token/x', () => minted({ sub: 'on-route' })],
    ['/tenants/listed/x', () => tenantToken('in-path')],
    ['/claim/x', () => tenantToken('in-claim')],
    ['/key/x', () => ['x-api-key', LISTED_API_KEY]],
  ]

  for (const [path, headersOf] of cases) {
    it(`passes ${path} from an address that is allowed, and from no other, cached or not`, async () => {
      const facts = factsOf(path, await headersOf())
      const elsewhere = originAt('198.51.100.7')
      for (let round = 0; round < 2; round += 1) {
        assert.equal(await refusalOf(facts, ADMITTED), 'passed')
        for (const origin of [DENIED, elsewhere, GONE]) {
          assert.match(await refusalOf(facts, origin), /^address_denied_by_/)
        }
      }
    })
  }

  it('is refused by the route before its credential is looked at, or its tenant', async () => {
    const repeated = factsOf('/listed-token/x', [...bearer('a'), ...bearer('b')])
    assert.equal(await refusalOf(repeated, DENIED), 'address_denied_by_route')
    assert.equal(await refusalOf(repeated, ADMITTED), 'credential_repeated')
  })

  it('is refused by the tenant before its credential is looked at', async () => {
    const repeated = factsOf('/tenants/listed/x', [...bearer('a'), ...bearer('b')])
    assert.equal(await refusalOf(repeated, DENIED), 'address_denied_by_tenant')
    assert.equal(await refusalOf(repeated, ADMITTED), 'credential_repeated')
  })

  it('is not told that a key would be good which is not', async () => {
    const guessed = factsOf('/key/x', ['x-api-key', 'guessed'])
    assert.equal(await refusalOf(guessed, DENIED), 'api_key_unknown')
    const ended = factsOf('/key/x', ['x-api-key', EXPIRED_API_KEY])
    assert.equal(await refusalOf(ended, DENIED), 'api_key_expired')
  })

  it('is compared with lists that its tenant got while the credential was verified', async () => {
    const fresh = await createPlainRevision()
    fresh.learntRevocations.markLearnt()
    const token = bearer(await mintToken(fresh.key, { tenant_id: 'acme' }))
    const pending = decide(fresh.revision, factsOf('/tenants/acme/x', token), ADMITTED)
    assert.ok(pending instanceof Promise)
    fresh.registry.apply(changeOf({ tenants: [tenant('acme', { denyFrom: ['203.0.113.7'] })] }))
    const decision = await pending
    const reason = decision.kind === 'refused' && decision.refusal.reason
    assert.equal(reason, 'address_denied_by_tenant')
  })

  it('is not even asked for its address where there are no lists', async () => {
    const tenantToken = await minted({ sub: 'unlisted', tenant_id: 'acme' })
    const unlisted = [
      ['/open/x', []],
      ['/token/x', await minted({ sub: 'unlisted' })],
      ['/tenants/acme/x', tenantToken],
      ['/claim/x', tenantToken],
      ['/key/x', ['x-api-key', API_KEY]],
    ] as const
    for (const [path, headers] of unlisted) {
      assert.equal(await refusalOf(factsOf(path, headers), UNASKED), 'passed', path)
    }
  })
})

describe('a request that may pass', () => {
  it('is decided about in the same tick once its verdict is known', async () => {
    const facts = factsOf('/token/x', await minted({ sub: 'known' }))
    const first = decide(plain.revision, facts, UNASKED)
    assert.ok(first instanceof Promise)
    await first
    assert.ok(!(decide(plain.revision, facts, UNASKED) instanceof Promise))
  })

  it('names route, tenant, caller and the end of its lease', async () => {
    const exp = NOW_SECONDS + 600
    const token = await minted({ sub: 'tenant-user', exp })
    const decision = (await decide(
      plain.revision,
      factsOf('/tenants/acme/x', token),
      UNASKED,
    )) as Decision<RouteRules>
    assert.ok(decision.kind === 'passed')
    assert.equal(decision.tenant?.id, 'acme')
    assert.equal(decision.caller, 'established')
    assert.equal(decision.established?.verified.identity.subject, 'tenant-user')
    assert.equal(decision.leaseEndsAtSeconds, exp + 5)
  })

  it('may be without a credential where none is needed, and then nothing ends its lease', async () => {
    for (const [path, headers] of [
      ['/open/x', []],
      ['/optional/x', []],
      ['/optional/x', cookie(VISITOR_SESSION)],
    ] as const) {
      const decision = await decide(plain.revision, factsOf(path, headers), UNASKED)
      assert.ok(decision.kind === 'passed', path)
      assert.deepEqual([decision.caller, decision.established], ['anonymous', null])
      assert.equal(decision.leaseEndsAtSeconds, Number.POSITIVE_INFINITY)
    }
  })

  it('is one of each kind of credential', async () => {
    const opaque = answer({ active: true, sub: 'alice', exp: NOW_SECONDS + 60 })
    assert.equal(await refusalOf(factsOf('/opaque/x', bearer(opaque))), 'passed')
    assert.equal(await refusalOf(factsOf('/session/x', cookie(LIVE_SESSION))), 'passed')
    assert.equal(await refusalOf(factsOf('/key/x', ['x-api-key', API_KEY])), 'passed')
  })
})
