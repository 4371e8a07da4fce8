/** `explain` names the cause of every refusal that a decision can give. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { REFUSAL_REASON_NAMES } from '../../src/protocol/refusal-reason.ts'
import { LimitCells } from '../../src/rate-limit/limit-cells.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import {
  type Asked,
  apiKey,
  bearer,
  type Case,
  cookie,
  ExplainRig,
  form,
  linesOf,
  MISTYPED_CLAIMS,
  NOT_OF_A_DECISION,
  OPAQUE_ISSUER,
  SESSION_PREFIX,
  UNVERIFIED_SUBJECT,
} from '../support/explain-rig.ts'
import { tokenKindCases } from '../support/explain-token-cases.ts'
import { refusedSessionCases, refusedTokenCases } from '../support/explained-values.ts'
import { json, status } from '../support/introspection-server.ts'
import { wallSeconds } from '../support/live-token.ts'
import { encode, headerText, mintKey, signRaw } from '../support/mint-token.ts'
import { sha256 } from '../support/stored-credentials.ts'

let rig: ExplainRig

before(async () => {
  rig = await ExplainRig.open()
})
after(() => rig.close())

const claims = (members: Record<string, unknown>) => () => bearer(rig.token(members))

/** An opaque token, and what the endpoint says of it. */
const answered = (members: object) => (): Asked => {
  rig.endpoint.reply = json({ active: true, sub: 'alice', iss: OPAQUE_ISSUER, ...members })
  return bearer('opaque-token')
}

const HANDSHAKE = ['connection', 'Upgrade', 'upgrade', 'websocket']
const CASES: readonly Case[] = [
  ['request_malformed', '/a/../b', () => ({}), /no request .*dot segments/],
  ['uri_too_long', `/${'a'.repeat(9_000)}`, () => ({}), /no request/],
  ['headers_too_large', '/token/x', () => ({ headers: ['x', 'a'.repeat(20_000)] }), /no request/],
  ['route_not_found', '/nowhere', () => ({}), /no route "\/nowhere": no route has this path/],
  ['method_unknown', '/token/x', () => ({ method: 'BREW' }), /no request method "BREW" is none of/],
  ['websocket_unsupported', '/token/x', () => ({ headers: HANDSHAKE }), /no request/],
  ['method_not_allowed', '/write/x', () => ({}), /note route not .* it takes POST, not GET/],
  ['path_form_not_kept', '/token/a%2Fb', () => ({}), /no route .* does not keep them/],
  ['path_ambiguous', '/TOKEN/x', () => ({}), /no route .* reads paths less strictly/],
  ['address_denied_by_route', '/denied/x', () => ({}), /no address client 127.0.0.1: .* route/],
  ['address_denied_by_tenant', '/tenants/denied/x', claims({}), /no address .* of the tenant/],
  ['address_denied_by_key', '/key/x', apiKey('denied key'), /no address .* of the API key/],
  [
    'rate_of_address',
    '/limit-address/x',
    () => ({ clientAddress: '192.0.2.1' }),
    /no limit address\/address .* used up for \d+ s/,
  ],
  ['rate_of_all', '/limit-global/x', () => ({}), /no limit global\/global .* used up/],
  ['rate_of_validation', '/limit-validation/x', claims({}), /no limit validation\/.* used up/],
  ['rate_of_username', '/limit-user/x', () => form('username=ann'), /no limit user\/username/],
  [
    'rate_of_tenant',
    '/tenants/slow/x',
    claims({ tenant_id: 'slow' }),
    /no limit own rate of the t/,
  ],
  ['rate_of_key', '/key/x', apiKey('slow key'), /no limit own rate of the key/],
  [
    'address_locked',
    '/limit-user/x',
    () => form('username=joe', '192.0.2.2'),
    /no limit user\/address lock .* locked for \d+ s/,
  ],
  ['username_locked', '/limit-user/x', () => form('username=eve'), /no limit user\/username lock/],
  ['limit_field_absent', '/limit-user/x', () => form('name=x'), /ok limit user\/address lock/],
  ['limit_field_repeated', '/limit-user/x', () => form('username=a&username=b'), /ok limit/],
  ['limit_field_unreadable', '/limit-user/x', () => ({ ...form('{'), headers: [] }), /ok limit/],
  ['limit_field_too_far', '/limit-user/x', () => form(`x=${'y'.repeat(70_000)}`), /ok limit/],
  ['tenant_absent', '/tenants', claims({}), /no tenant the request names none; looked at/],
  ['tenant_name_malformed', '/tenants/-/x', claims({}), /no tenant no single well-formed name/],
  ['tenant_unknown', '/tenants/initech/x', claims({}), /no tenant "initech": none of \d+ tenants/],
  [
    'tenant_contradictory',
    '/tenants/acme/x',
    () => ({ headers: ['x-tenant', 'globex'] }),
    /no tenant .* looked at: "path .*", "header x-tenant"/,
  ],
  ['tenant_suspended', '/tenants/closed/x', claims({}), /no tenant "closed": suspended/],
  ['tenant_undecided', '/tenants/unreadable/x', claims({}), /no tenant "unreadable": not all/],
  ['credential_absent', '/token/x', () => ({}), /note credential none in header authorization/],
  [
    'credential_absent',
    '/token/x',
    () => ({ headers: ['authorization', 'Basic eDp5'] }),
    /note credential none in .*has the scheme "Basic"/,
  ],
  ['session_absent', '/session/x', () => ({}), /note credential none in cookie sid/],
  [
    'credential_repeated',
    '/token/x',
    () => ({ headers: ['authorization', 'Bearer a', 'authorization', 'Bearer b'] }),
    /no credential .* two credentials/,
  ],
  ['credential_empty', '/token/x', () => bearer(''), /no credential .* nothing follows/],
  ['token_too_long', '/token/x', () => bearer('a'.repeat(9_000)), /no credential .*tokenBytes/],
  ['session_cookie_too_long', '/session/x', () => cookie('a'.repeat(600)), /no credential/],
  ['api_key_too_long', '/key/x', apiKey('a'.repeat(9_000)), /no credential/],
  [
    'cross_site',
    '/session/x',
    () => ({
      method: 'POST',
      headers: ['cookie', `sid=${rig.session}`, 'origin', 'https://evil.example'],
    }),
    /no origin POST by cookie .*Origin "https:\/\/evil.example"/,
  ],
  ['token_syntax', '/token/x', () => bearer('a"b'), /ok credential found/],
  ['token_malformed', '/token/x', () => bearer('opaque'), /no token .*an opaque token/],
  ['token_malformed', '/token/x', () => bearer('a.b.c.d.e'), /no token .*encrypted JWT/],
  ['token_header_malformed', '/token/x', () => bearer('W10.e30.AAAA'), /no header not one strict/],
  ...refusedTokenCases((header, members) =>
    bearer(signRaw(rig.key, headerText(rig.key, header), claimsOf(members))),
  ),
  [
    'token_claims_malformed',
    '/token/x',
    () => bearer(signRaw(rig.key, headerText(rig.key), '{"a":1,"a":2}')),
    /no claim the payload is not one strict JSON object/,
  ],
  [
    'token_unsecured',
    '/opaque/x',
    () => bearer(`${encode('{"alg":"none"}')}.${encode('{}')}.`),
    /ok credential found/,
  ],
  [
    'algorithm_not_allowed',
    '/token/x',
    () => {
      const other = mintKey('ES384', 'k1')
      return bearer(signRaw(other, headerText(other), claimsOf({})))
    },
    /no header alg "ES384"; issuer "main" signs with "ES256"/,
  ],
  [
    'type_not_allowed',
    '/token/x',
    () => bearer(rig.token({}, { typ: 'logout+jwt' })),
    /no header typ "logout\+jwt"; accepted: "jwt", "at\+jwt"/,
  ],
  [
    'issuer_not_accepted',
    '/token/x',
    claims({ iss: 'https://idp.example.com' }),
    /no claim iss: .*expected "https:\/\/idp.example.com\/"; they differ in a slash/,
  ],
  ['issuer_not_introspected', '/opaque/x', claims({}), /no claim iss: .*opaque.example.com/],
  [
    'key_unknown',
    '/token/x',
    () => bearer(rig.token({}, { kid: 'k2' })),
    /no key kid "k2" is none/,
  ],
  [
    'keys_unavailable',
    '/lost/x',
    () => bearer(rig.tokenOf('lost')),
    /no keys http.*cannot be reached/,
  ],
  [
    'key_unfit',
    '/strict/x',
    () => {
      const other = mintKey('EdDSA', 'k1')
      const members = { iss: 'https://strict.example.com/', department: 'sales' }
      return bearer(signRaw(other, headerText(other), claimsOf(members)))
    },
    /no key kid "k1": no key for EdDSA/,
  ],
  [
    'key_issuer_mismatch',
    '/token/x',
    () => bearer(signRaw(rig.foreignKey, headerText(rig.foreignKey), claimsOf({}))),
    /no key kid "of-another": "issuer" of the key is not that of the token/,
  ],
  [
    'signature_length',
    '/token/x',
    () => bearer(`${rig.token().split('.').slice(0, 2).join('.')}.AAAA`),
    /no signature of 3 bytes; one of ES256 has 64/,
  ],
  [
    'signature_invalid',
    '/token/x',
    () => {
      const forger = mintKey('ES256', 'k1')
      return bearer(signRaw(forger, headerText(forger), claimsOf({ iat: wallSeconds() - 600 })))
    },
    /no signature does not verify under key "k1"/,
  ],
  ['audience_mismatch', '/token/x', claims({ aud: 'else' }), /no claim aud: .*api\.example\.com/],
  ['issuer_mismatch', '/opaque/x', answered({ iss: 'https://x.test/' }), /no claim iss/],
  ...tokenKindCases(() => rig),
  ...MISTYPED_CLAIMS.map(([reason, of, step]): Case => [reason, '/token/x', claims(of), step]),
  ['email_unverified', '/opaque/x', answered(UNVERIFIED_SUBJECT), /no claim the subject is/],
  ['claim_untellable', '/token/x', claims({ department: {} }), /\/department: .*cannot be told/],
  ['issued_in_future', '/token/x', claims({ iat: 2e9 * 2 }), /no claim iat: in \d+ days/],
  ['token_expired', '/token/x', claims({ exp: wallSeconds() - 300 }), /exp: 5 min/],
  ['token_not_yet_valid', '/token/x', claims({ nbf: 4e9 }), /no claim nbf: in \d+ days/],
  ['token_too_old', '/opaque/x', answered({ iat: 1_000_000 }), /ok introspection .*is active/],
  [
    'token_inactive',
    '/opaque/x',
    () => {
      rig.endpoint.reply = json({ active: false })
      return bearer('opaque-token')
    },
    /no introspection .*says that the token is not active/,
  ],
  [
    'introspection_not_taken',
    '/opaque/x',
    () => {
      rig.endpoint.reply = status(400)
      return bearer('opaque-token')
    },
    /no introspection .*does not take this token \(status 400\)/,
  ],
  [
    'introspection_unavailable',
    '/opaque/x',
    () => {
      rig.endpoint.reply = status(401)
      return bearer('opaque-token')
    },
    /no introspection .*does not accept the client id and secret/,
  ],
  ['introspection_unavailable', '/down/x', () => bearer('t'), /no introspection .*cannot be reach/],
  [
    'unverified_not_permitted',
    '/open/x',
    () => bearer('t'),
    /no introspection .*cannot be reached/,
  ],
  ['session_cookie_malformed', '/session/x', () => cookie('%%'), /ok credential found/],
  ['session_not_found', '/session/x', () => cookie('x'.repeat(32)), /ok credential found/],
  ['session_expired', '/session/x', () => cookie(rig.oldSession), /no session .*has come/],
  ...refusedSessionCases(cookie),
  ['api_key_unknown', '/key/x', apiKey('guessed'), /note api key Redis is asked/],
  ['api_key_expired', '/key/x', apiKey('old key'), /ok api key it is a key of the configuration/],
  ['api_key_unreadable', '/key/x', apiKey('broken key'), /note api key Redis is asked/],
  ['token_revoked', '/token/x', claims({ jti: 'gone' }), /no revocation/],
  ['tenant_of_another', '/tenants/acme/x', claims({ tenant_id: 'slow' }), /ok tenant "acme"/],
  ['tenant_claim_absent', '/tenants/acme/x', claims({ tenant_id: undefined }), /ok tenant "acme"/],
  ['tenant_issuer_foreign', '/tenants/globex/x', claims({ tenant_id: 'globex' }), /ok tenant "gl/],
  ['scope_missing', '/scopes/x', claims({}), /no policy all scopes "admin"; held: 2 values/],
  ['role_missing', '/roles/x', claims({}), /no policy one of the roles "owner"; held: 2 values/],
  ['issuer_not_permitted', '/issuers/x', claims({}), /no policy one of the issuers .*strict/],
  ['claim_unsatisfied', '/claims/x', claims({}), /no policy email like "\*@corp"; found: present/],
]

function claimsOf(members: Record<string, unknown>): string {
  return Buffer.from(rig.token(members).split('.')[1] ?? '', 'base64url').toString()
}

describe('an explanation', () => {
  for (const [reason, url, ask, step] of CASES) {
    it(`says why a request is refused with ${reason}: ${url.slice(0, 20)} ${step.source}`, async () => {
      const explained = await rig.explain(url, ask())
      assert.equal(explained.refusal?.reason, reason, linesOf(explained))
      assert.equal(explained.outcome, 'refused')
      assert.match(linesOf(explained), step)
      assert.notEqual(explained.refusal.advice, '')
    })
  }

  it('says that nothing passes before revocations are learnt', async () => {
    const explained = await rig.unlearnt(() => rig.explain('/token/x', bearer(rig.token())))
    assert.equal(explained.refusal?.reason, 'revocations_not_learnt')
  })

  it('passes what a request would pass, by token, session, API key and without any', async () => {
    const good: readonly (readonly [string, Asked])[] = [
      ['/token/x', bearer(rig.token())],
      ['/session/x', cookie(rig.session)],
      ['/key/x', apiKey('good key')()],
      ['/key/x', apiKey('redis key')()],
      // The configuration knows it at once: there is nothing to verify, and no limit of that.
      ['/limit-key/x', apiKey('good key')()],
      ['/opaque/x', answered({ iat: wallSeconds() })()],
      ['/tenants/acme/x', bearer(rig.token())],
    ]
    for (const [url, asked] of good) {
      const explained = await rig.explain(url, asked)
      assert.equal(explained.outcome, 'passes', `${url}\n${linesOf(explained)}`)
      assert.equal(explained.caller, 'established')
    }
  })

  it('passes a refusal on a route in shadow, and tells it', async () => {
    const { outcome, shadow, refusal } = await rig.explain('/shadow/x')
    assert.deepEqual([outcome, shadow, refusal?.reason], ['passes', true, 'credential_absent'])
  })

  it('changes nothing: no count, no cache, no session, no first sight', async () => {
    const cells = new LimitCells(rig.gateway.buffers.limitCells)
    const key = `${SESSION_PREFIX}${sha256(rig.session)}`
    const ttl = await rig.redis.command('PTTL', key)
    const keysBefore = await rig.redis.command('DBSIZE')
    const fillBefore = cells.fill(systemClock.processMs() * 1_000)
    const asked = { ...bearer(rig.token({ iat: undefined, jti: 'undated' })) }
    for (let round = 0; round < 3; round += 1) {
      const again = await rig.explain('/token/x', asked)
      assert.match(linesOf(again), /note cache no verdict is cached/)
      await rig.explain('/session/x', cookie(rig.session))
      await rig.explain('/session/x', cookie(rig.oldSession))
      await rig.explain('/limit-address/x', { clientAddress: '192.0.2.77' })
      await rig.explain('/limit-user/x', form('username=zoe'))
    }
    assert.deepEqual(cells.fill(systemClock.processMs() * 1_000), fillBefore)
    assert.equal(await rig.redis.command('PTTL', key), ttl)
    assert.deepEqual(await rig.livesOfSessions(), [-1, -1], 'kept, and given no end')
    assert.equal(await rig.redis.command('DBSIZE'), keysBefore)
  })

  it('shows what a credential says only when it is asked to, and never the credential', async () => {
    const token = rig.token({ email: 'someone@private.example', roles: ['secret-role'] })
    const asked = bearer(token)
    for (const url of ['/claims/x?password=in-query', '/roles/x']) {
      const hidden = JSON.stringify(await rig.explain(url, asked))
      assert.doesNotMatch(hidden, /private\.example|secret-role|user-123|in-query/)
      const shown = JSON.stringify(await rig.explain(url, { ...asked, showValues: true }))
      assert.match(shown, /private\.example|secret-role/)
      for (const part of token.split('.')) assert.ok(!shown.includes(part), 'a part of the token')
    }
    const session = JSON.stringify(await rig.explain('/session/x', cookie(rig.session)))
    assert.ok(!session.includes(rig.session))
  })
})

describe('an explanation while the provider and Redis are down', () => {
  before(async () => {
    await Promise.all([rig.jwks.down(), rig.redis.kill()])
  })

  const down: readonly Case[] = [
    [
      'key_unsettled',
      '/token/x',
      () => bearer(rig.token({}, { kid: 'k9' })),
      /no key newer keys cannot be fetched now/,
    ],
    [
      'signature_unsettled',
      '/token/x',
      () => {
        const forger = mintKey('ES256', 'k1')
        return bearer(signRaw(forger, headerText(forger), claimsOf({ iat: wallSeconds() })))
      },
      /no key newer keys cannot be fetched now/,
    ],
    [
      'revocation_undated',
      '/token/x',
      claims({ iat: undefined, sub: 'revoked-user' }),
      /note claim without iat, it counts as issued when it was first seen/,
    ],
    [
      'introspection_crowded',
      '/opaque/x',
      () => {
        rig.endpoint.reply = (reply) => void reply.writeHead(429, { 'retry-after': '30' }).end()
        return bearer('opaque-token')
      },
      /no introspection .*asks to be asked less often \(status 429\)/,
    ],
    ['session_store_unavailable', '/session/x', () => cookie(rig.session), /ok credential found/],
    ['api_key_store_unavailable', '/key/x', apiKey('redis key'), /note api key Redis is asked/],
  ]
  for (const [reason, url, ask, step] of down) {
    it(`says why a request is refused with ${reason}`, async () => {
      const explained = await rig.explain(url, ask())
      assert.equal(explained.refusal?.reason, reason, linesOf(explained))
      assert.match(linesOf(explained), step)
    })
  }

  it('has been given for every reason that a decision can find by itself', () => {
    const given: string[] = [...[...CASES, ...down].map(([it]) => it), 'revocations_not_learnt']
    const missing = REFUSAL_REASON_NAMES.filter((reason) => !given.includes(reason))
    assert.deepEqual(missing, NOT_OF_A_DECISION)
  })
})
