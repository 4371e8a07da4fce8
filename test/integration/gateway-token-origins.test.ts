/** Whose tokens are good for what: audiences of routes, clients, tenants of a provider, proofs. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { FaultyServer } from '../support/faulty-server.ts'
import { type Answer, statusAndCode, upstreamField } from '../support/gateway-answer.ts'
import { IntrospectionServer, json } from '../support/introspection-server.ts'
import { bearer, liveToken, publishedJwk } from '../support/live-token.ts'
import { mintKey } from '../support/mint-token.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'

const MAIN = 'https://main.example.com/'
const COGNITO = 'https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_AbCdEfGhI'
const LENIENT = 'https://lenient.example.com/'
const KEYCLOAK = 'https://kc.example.com/realms/shop'

const key = mintKey('ES256', 'k1')
const forger = mintKey('ES256', 'k1')

let provider: FaultyServer
let endpoint: IntrospectionServer
let gateway: TestGateway
/** The template, for the provider of the test. */
let entra: (tenant: string) => string

before(async () => {
  provider = await FaultyServer.start()
  provider.publish(publishedJwk(key))
  endpoint = await IntrospectionServer.start()
  entra = (tenant) => `${provider.origin}/${tenant}/v2.0`
  provider.documents.set(
    '/contoso/v2.0/.well-known/openid-configuration',
    Buffer.from(JSON.stringify({ issuer: entra('{tenantid}'), jwks_uri: provider.jwksUri })),
  )
  const jwks = { uri: provider.jwksUri }
  const common = { algorithms: ['ES256'], jwks }
  const taking = (issuer: string) => ({ authenticate: ['jwt'], issuers: [issuer] })
  gateway = await openGateway({
    accessLog: 1,
    issuers: {
      main: { ...common, issuer: MAIN, audiences: ['orders', 'billing'] },
      cognito: { ...common, issuer: COGNITO, clientIds: ['app'] },
      entra: {
        ...common,
        issuer: entra('{tenantid}'),
        issuerValues: { claim: 'tid', values: ['contoso', 'fabrikam'] },
        audiences: ['orders'],
        jwks: { discovery: true },
      },
      lenient: { ...common, issuer: LENIENT, audiences: ['orders'], boundTokens: 'accept' },
      keycloak: {
        ...common,
        ...endpoint.issuer('keycloak'),
        issuer: KEYCLOAK,
        audiences: ['orders'],
      },
    },
    routes: {
      '/orders/*': { ...taking('main'), audiences: ['orders'] },
      '/billing/*': { ...taking('main'), audiences: ['billing', 'invoices'] },
      '/main/*': taking('main'),
      '/optional/*': { authenticate: 'optional', issuers: ['main'] },
      '/cognito/*': taking('cognito'),
      '/entra/*': taking('entra'),
      '/lenient/*': {
        ...taking('lenient'),
        credentials: [
          { from: 'header' },
          { from: 'header', name: 'Authorization', prefix: 'DPoP' },
        ],
      },
      '/light/*': {
        authenticate: ['jwt', 'introspection'],
        issuers: ['keycloak'],
        introspectJwts: true,
      },
      '/full/*': { authenticate: ['jwt', 'introspection'], issuers: ['keycloak'] },
    },
  })
  await eventually('keys', async () => (await gateway.ask('/health/ready')).status === 200)
})

after(async () => {
  await gateway.stop()
  await provider.down()
  await endpoint.down()
})

function mainToken(claims: Record<string, unknown> = {}): string {
  return liveToken(key, MAIN, { aud: 'orders', ...claims })
}

async function outcome(path: string, token: string, scheme = 'Bearer'): Promise<string> {
  return codeOf(await gateway.ask(path, [['Authorization', `${scheme} ${token}`]]))
}

function codeOf(answer: Answer): string {
  return answer.status === 200 ? 'passed' : statusAndCode(answer)
}

/** The reason of the last refusal in the access log. */
async function reasonAt(path: string): Promise<unknown> {
  const last = () => gateway.log.filter((line) => line['path'] === path).at(-1)?.['reason'] ?? null
  await eventually(`a line about ${path}`, () => last() !== null)
  return last()
}

describe('a token of an issuer that two services share', () => {
  it('is good for the service that it names, and not for the other', async () => {
    assert.equal(await outcome('/orders/1', mainToken()), 'passed')
    assert.equal(await outcome('/billing/1', mainToken()), '401 invalid_claims')
    assert.equal(await reasonAt('/billing/1'), 'audience_not_of_route')
    assert.equal(await outcome('/orders/2', mainToken({ aud: 'billing' })), '401 invalid_claims')
    assert.equal(await outcome('/billing/2', mainToken({ aud: ['x', 'billing'] })), 'passed')
  })

  it('is looked at again on every hit of the cache, wherever it was verified first', async () => {
    const orders = mainToken()
    for (let turn = 0; turn < 3; turn += 1) {
      assert.equal(await outcome('/main/x', orders), 'passed')
      assert.equal(await outcome('/billing/x', orders), '401 invalid_claims')
      assert.equal(await outcome('/orders/x', orders), 'passed')
    }
    const hits = await gateway.metric('sallyport_token_cache_lookups_total', { result: 'hit' })
    assert.ok(hits >= 8, `${hits} hits: one verification for all three routes`)
  })

  it('may name both', async () => {
    const both = mainToken({ aud: ['billing', 'orders'] })
    for (const path of ['/orders/b', '/billing/b', '/main/b']) {
      assert.equal(await outcome(path, both), 'passed', path)
    }
  })

  it('needs an audience of the issuer as well, whatever the route takes', async () => {
    assert.equal(await outcome('/billing/i', mainToken({ aud: 'invoices' })), '401 invalid_claims')
    assert.equal(await reasonAt('/billing/i'), 'audience_mismatch')
    const aud = ['invoices', 'orders']
    assert.equal(await outcome('/billing/i', mainToken({ aud })), 'passed')
  })
})

describe('an access token of Amazon Cognito', () => {
  const token = (claims: Record<string, unknown>) =>
    liveToken(key, COGNITO, { aud: undefined, token_use: 'access', client_id: 'app', ...claims })

  it('is good for the clients that are listed, and for no other', async () => {
    assert.equal(await outcome('/cognito/1', token({})), 'passed')
    assert.equal(await outcome('/cognito/2', token({ client_id: 'x' })), '401 invalid_claims')
    assert.equal(await reasonAt('/cognito/2'), 'client_not_accepted')
    assert.equal(await outcome('/cognito/3', token({ aud: 'app' })), '401 invalid_claims')
    assert.equal(await reasonAt('/cognito/3'), 'audience_mismatch')
  })
})

describe('tokens of a provider with an issuer for each tenant', () => {
  const token = (tenant: string, tid: unknown = tenant) =>
    liveToken(key, entra(tenant), { aud: 'orders', tid, sub: 'same-subject' })

  it('are good for the tenants that are listed, with keys of templated metadata', async () => {
    for (const tenant of ['contoso', 'fabrikam']) {
      const answer = await gateway.ask('/entra/1', bearer(token(tenant)))
      assert.equal(codeOf(answer), 'passed', tenant)
      assert.equal(upstreamField(answer, 'x-token-issuer'), entra(tenant))
    }
  })

  it('bounce for other tenants, and when tid says another than the issuer', async () => {
    assert.equal(await outcome('/entra/2', token('northwind')), '401 invalid_claims')
    assert.equal(await reasonAt('/entra/2'), 'issuer_not_accepted')
    assert.equal(await outcome('/entra/3', token('contoso', 'fabrikam')), '401 invalid_claims')
    assert.equal(await reasonAt('/entra/3'), 'issuer_value_mismatch')
    for (const tenant of ['{tenantid}', '*', '', '..', 'contoso/..', 'contoso%2f']) {
      assert.equal(await outcome('/entra/4', token(tenant)), '401 invalid_claims', tenant)
    }
  })

  it('are revoked by their own issuer, and those of another tenant stay good', async () => {
    const tokens = ['contoso', 'fabrikam'].map((tenant) => token(tenant))
    for (const it of tokens) assert.equal(await outcome('/entra/r', it), 'passed')
    const revoke = (issuer: string) =>
      gateway.admin('/revocations', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ issuer, sub: 'same-subject' }),
      })
    assert.equal((await revoke(entra('{tenantid}'))).status, 422)
    assert.equal((await revoke(entra('northwind'))).status, 422)
    assert.equal((await revoke(entra('contoso'))).status, 201)
    const [first = '', second = ''] = tokens
    assert.equal(await outcome('/entra/r', first), '401 token_revoked')
    assert.equal(await outcome('/entra/r', second), 'passed')
  })
})

describe('a token that is bound to a key', () => {
  const DPOP = { cnf: { jkt: '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I' } }
  const MTLS = { cnf: { 'x5t#S256': 'bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2' } }

  it('is no bearer token', async () => {
    for (const [place, claims] of [DPOP, MTLS].entries()) {
      const answer = await gateway.ask(`/main/bound${place}`, bearer(mainToken(claims)))
      assert.equal(codeOf(answer), '401 invalid_token')
      assert.match(answer.field('www-authenticate') ?? '', /^Bearer .*error="invalid_token"/)
      assert.equal(await reasonAt(`/main/bound${place}`), 'token_bound')
    }
  })

  it('is told from no token at all when it comes with its own scheme', async () => {
    for (const path of ['/main/dpop', '/optional/dpop']) {
      const fields = { Authorization: `DPoP ${mainToken(DPOP)}`, DPoP: 'a.b.c' }
      const answer = await gateway.ask(path, fields)
      assert.equal(codeOf(answer), '401 invalid_token', path)
      const challenge = answer.field('www-authenticate') ?? ''
      assert.match(challenge, /^Bearer .*error="invalid_token"/)
      assert.ok(!/dpop/i.test(challenge), 'no scheme is offered that would not do')
      assert.equal(await reasonAt(path), 'proof_scheme')
    }
    assert.equal(
      codeOf(await gateway.ask('/main/basic', { Authorization: 'Basic eA==' })),
      '401 missing_token',
    )
  })

  it('is taken where the issuer says so, and still no other kind of token', async () => {
    const token = (claims: object) => liveToken(key, LENIENT, { aud: 'orders', ...claims })
    assert.equal(await outcome('/lenient/1', token(DPOP)), 'passed')
    assert.equal(await outcome('/lenient/1', token(DPOP), 'DPoP'), 'passed')
    const foreign = [{ at_hash: 'x' }, { aud: 'else' }, { exp: 1 }]
    for (const claims of foreign) {
      assert.match(await outcome('/lenient/2', token({ ...DPOP, ...claims })), /^401 /)
    }
    assert.equal(await outcome('/lenient/3', mainToken(DPOP)), '401 invalid_claims')
  })
})

describe('a lightweight access token of Keycloak', () => {
  const light = (claims: Record<string, unknown> = {}, signedBy = key) =>
    liveToken(signedBy, KEYCLOAK, {
      ...{ aud: undefined, sub: undefined, typ: 'Bearer', azp: 'web', scope: 'openid' },
      ...claims,
    })
  const whole = { active: true, iss: KEYCLOAK, sub: 'alice', aud: ['orders'], azp: 'web' }

  it('is verified, and its issuer is asked for the rest', async () => {
    endpoint.reply = json({ ...whole, roles: ['admin'] })
    const answer = await gateway.ask('/light/1', bearer(light()))
    assert.equal(codeOf(answer), 'passed')
    assert.equal(upstreamField(answer, 'x-user-id'), 'alice')
    assert.equal(upstreamField(answer, 'x-user-roles'), 'admin')
  })

  it('can be revoked by what it says of itself, though the answer does not', async () => {
    endpoint.reply = json(whole)
    const token = light({ jti: 'light-jti' })
    assert.equal(await outcome('/light/1', token), 'passed')
    const revoked = await gateway.admin('/revocations', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ jti: 'light-jti', issuer: KEYCLOAK }),
    })
    assert.equal(revoked.status, 201)
    await eventually('it is refused', async () => {
      return (await outcome('/light/1', token)) === '401 token_revoked'
    })
  })

  it('is refused where the route does not say so', async () => {
    const asked = endpoint.requests.length
    assert.equal(await outcome('/full/1', light()), '401 invalid_claims')
    assert.equal(endpoint.requests.length, asked, 'no silent fall-through')
  })

  it('never gets to the endpoint when it is forged, has ended or is for others', async () => {
    endpoint.reply = json(whole)
    const asked = endpoint.requests.length
    const forged = Array.from({ length: 20 }, () => light({}, forger))
    for (const token of forged) assert.equal(await outcome('/light/2', token), '401 invalid_token')
    const refused: readonly (readonly [string, Record<string, unknown>])[] = [
      ['401 token_expired', { exp: 1_700_000_000 }],
      ['401 invalid_claims', { aud: 'billing' }],
      ['401 invalid_claims', { typ: 'Refresh' }],
      ['401 invalid_claims', { iss: `${KEYCLOAK}/` }],
      ['401 invalid_token', { cnf: { jkt: 'x' } }],
      ['401 invalid_claims', { exp: undefined }],
    ]
    for (const [code, claims] of refused) {
      const found = await outcome('/light/3', light(claims))
      if ('iss' in claims) assert.match(found, /^401 /)
      else assert.equal(found, code, JSON.stringify(claims))
    }
    assert.equal(endpoint.requests.length, asked)
  })

  it('is what the endpoint says, whatever its signature is worth', async () => {
    const answers: readonly (readonly [string, object])[] = [
      ['401 inactive_token', { active: false }],
      ['401 invalid_claims', { ...whole, aud: 'billing' }],
      ['503 verifier_unavailable', { ...whole, iss: MAIN }],
      ['401 invalid_token', { ...whole, cnf: { jkt: 'x' } }],
      ['401 invalid_token', { ...whole, token_type: 'DPoP' }],
      ['503 verifier_unavailable', { ...whole, jti: 'that of another token' }],
    ]
    for (const [code, answer] of answers) {
      endpoint.reply = json(answer)
      assert.equal(await outcome('/light/4', light()), code, JSON.stringify(answer))
    }
    endpoint.reply = json(whole)
  })
})
