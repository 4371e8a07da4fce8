/**
 * Attacks on the claims of a JWT, and other tokens in the place of an access token, against the
 * whole verifier: see jwt-attacks.test.ts. The signatures are good.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  EC,
  HMAC_POLICY,
  type Row,
  RSA,
  refuses,
  usePool,
  verify,
  withClaims,
  withHeader,
} from '../support/jwt-attack-rig.ts'
import {
  claimsText,
  goodClaims,
  headerText,
  ISSUER,
  NOW_SECONDS,
  signRaw,
} from '../support/mint-token.ts'

usePool()

describe('attacks on the claims (RFC 7519 §4, §7.2)', () => {
  const duplicate = (text: string): string => `${claimsText().slice(0, -1)},${text}}`
  const raw = (payload: string | Uint8Array): string => signRaw(RSA, headerText(RSA), payload)
  const expRows = [undefined, null, '1760003600', -1, 1e18, [NOW_SECONDS + 60], {}, true].map(
    (exp): Row => [`refuses exp ${JSON.stringify(exp)}`, 'invalid_claims', withClaims({ exp })],
  )
  const issRows = [
    undefined,
    null,
    '',
    [ISSUER],
    ISSUER.slice(0, -1),
    `${ISSUER}/`,
    ISSUER.toUpperCase(),
    `${ISSUER} `,
    'https://evil.example/',
    '__proto__',
    1,
  ].map((iss): Row => [`refuses iss ${JSON.stringify(iss)}`, 'invalid_claims', withClaims({ iss })])
  const audRows = [
    undefined,
    null,
    '',
    'evil.example.com',
    [],
    ['evil.example.com'],
    [null],
    ['api.example.com', 1],
    { 0: 'api.example.com' },
    'api.example.com.evil.tld',
    ['API.example.com'],
  ].map((aud): Row => [`refuses aud ${JSON.stringify(aud)}`, 'invalid_claims', withClaims({ aud })])
  const subRows = [undefined, null, '', 1, ['user-123'], { id: 1 }].map(
    (sub): Row => [`refuses sub ${JSON.stringify(sub)}`, 'invalid_claims', withClaims({ sub })],
  )
  refuses([
    ...expRows,
    ...issRows,
    ...audRows,
    ...subRows,
    ['refuses exp 1e308', 'invalid_claims', raw(claimsText().replace(/"exp":\d+/, '"exp":1e308'))],
    [
      'refuses exp 1e400, which no number holds',
      'invalid_claims',
      raw(claimsText().replace(/"exp":\d+/, '"exp":1e400')),
    ],
    [
      'refuses exp 2^53 + 1',
      'invalid_claims',
      raw(claimsText().replace(/"exp":\d+/, '"exp":9007199254740993')),
    ],
    [
      'refuses a token in the very second of exp plus tolerance',
      'token_expired',
      withClaims({ exp: NOW_SECONDS - 5 }),
    ],
    ['refuses exp 0', 'token_expired', withClaims({ exp: 0 })],
    ['refuses nbf as text', 'invalid_claims', withClaims({ nbf: '1' })],
    ['refuses nbf as an empty text', 'invalid_claims', withClaims({ nbf: '' })],
    ['refuses nbf in the future', 'token_not_yet_valid', withClaims({ nbf: NOW_SECONDS + 6 })],
    ['refuses iat tomorrow', 'invalid_claims', withClaims({ iat: NOW_SECONDS + 86_400 })],
    ['refuses iat as text', 'invalid_claims', withClaims({ iat: 'now' })],
    ['refuses jti as a number', 'invalid_claims', withClaims({ jti: 1 })],
    ['refuses sid as an object', 'invalid_claims', withClaims({ sid: {} })],
    ['refuses a tenant that is a number', 'invalid_claims', withClaims({ tenant_id: 2 ** 53 + 2 })],
    ['refuses a tenant that is an array', 'invalid_claims', withClaims({ tenant_id: ['acme'] })],
    ['refuses an email that is an object', 'invalid_claims', withClaims({ email: {} })],
    ['refuses roles that are no text', 'invalid_claims', withClaims({ roles: ['admin', 1] })],
    ['refuses roles that are an object', 'invalid_claims', withClaims({ roles: { admin: true } })],
    ['refuses scopes with a quote', 'invalid_claims', withClaims({ scope: 'read "write"' })],
    ['refuses scopes that are a number', 'invalid_claims', withClaims({ scope: 1 })],
    ['refuses a duplicate sub', 'invalid_token', raw(duplicate('"sub":"root"'))],
    ['refuses a duplicate tenant', 'invalid_token', raw(duplicate('"tenant_id":"globex"'))],
    [
      'refuses a duplicate tenant in an escaped spelling',
      'invalid_token',
      raw(duplicate('"tenant\\u005fid":"globex"')),
    ],
    [
      'refuses a duplicate name deep inside',
      'invalid_token',
      raw(duplicate('"x":[{"a":1,"a":2}]')),
    ],
    [
      'refuses claims inherited through __proto__',
      'invalid_claims',
      raw(`{"__proto__":${claimsText()}}`),
    ],
    [
      'refuses a duplicate __proto__',
      'invalid_token',
      raw(duplicate('"__proto__":1,"__proto__":2')),
    ],
    [
      'refuses invalid UTF-8',
      'invalid_token',
      raw(Buffer.from(claimsText({ name: 'Zoë' }), 'latin1')),
    ],
    [
      'refuses overlong UTF-8',
      'invalid_token',
      raw(Buffer.concat([Buffer.from('{"sub":"'), Buffer.from([0xc0, 0xaf]), Buffer.from('"}')])),
    ],
    ['refuses a lone surrogate', 'invalid_token', raw(claimsText().replace('user-123', '\\ud800'))],
    ['refuses claims that are an array', 'invalid_token', raw(JSON.stringify([goodClaims()]))],
    ['refuses claims that are null', 'invalid_token', raw('null')],
    ['refuses claims that are not JSON', 'invalid_token', raw('exp=1')],
    ['refuses claims with a comment', 'invalid_token', raw(`${claimsText()}//`)],
    ['refuses claims in UTF-16', 'invalid_token', raw(Buffer.from(claimsText(), 'utf16le'))],
  ])

  it('takes a __proto__ claim for a claim like any other', async () => {
    const verdict = await verify(raw(duplicate('"__proto__":{"sub":"root","admin":true}')))
    assert.equal(verdict.kind === 'verified' && verdict.identity.subject, 'user-123')
    assert.equal(({} as Record<string, unknown>)['admin'], undefined)
  })
})

describe('another token used as an access token (RFC 8725 §2.8, §3.11, §3.12)', () => {
  const events = { 'http://schemas.openid.net/event/backchannel-logout': {} }
  const typRows = [
    'dpop+jwt',
    'logout+jwt',
    'secevent+jwt',
    'JOSE',
    'id_token+jwt',
    'application/x+jwt',
    'text/jwt',
    '',
    'jwt ',
  ].map((typ): Row => [`refuses typ ${JSON.stringify(typ)}`, 'invalid_token', withHeader({ typ })])
  refuses([
    ...typRows,
    ['refuses typ that is no text', 'invalid_token', withHeader({ typ: ['JWT'] })],
    [
      'refuses an ID token for a client',
      'invalid_claims',
      withClaims({ aud: 'client-1', nonce: 'n' }),
    ],
    [
      'refuses an ID token that names this audience',
      'invalid_claims',
      withClaims({ at_hash: 'x', nonce: 'n' }),
    ],
    ['refuses an ID token of the hybrid flow', 'invalid_claims', withClaims({ c_hash: 'x' })],
    ['refuses a logout token', 'invalid_claims', withClaims({ events })],
    [
      'refuses a DPoP proof, which has no issuer',
      'invalid_claims',
      signRaw(
        EC,
        headerText(EC),
        JSON.stringify({ htm: 'GET', htu: 'https://api.example.com/', jti: 'a', iat: NOW_SECONDS }),
      ),
    ],
    ['refuses a refresh token that says so', 'invalid_claims', withClaims({ typ: 'Refresh' })],
    ['refuses an offline token that says so', 'invalid_claims', withClaims({ typ: 'Offline' })],
    ['refuses an ID token that says so', 'invalid_claims', withClaims({ token_use: 'id' })],
    [
      'refuses an internal token of the gateway from outside',
      'invalid_claims',
      withClaims({ iss: 'gateway.internal', aud: 'internal-services' }),
    ],
    [
      'refuses the token of one issuer under the name of another',
      'invalid_token',
      signRaw(RSA, headerText(RSA), claimsText({ iss: HMAC_POLICY.issuer })),
    ],
  ])

  for (const typ of [
    'at+jwt',
    'AT+JWT',
    'application/at+jwt',
    'jwt',
    'application/JWT',
    undefined,
  ]) {
    it(`takes typ ${JSON.stringify(typ)}`, async () => {
      assert.equal((await verify(withHeader({ typ }))).kind, 'verified')
    })
  }
})
