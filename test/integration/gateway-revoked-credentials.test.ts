/** Revocation of what is no JWT: sessions, API keys, and opaque tokens that are in the cache. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type IdentityProvider, startIdentityProvider } from '../../src/demo/identity-provider.ts'
import { eventually } from '../support/eventually.ts'
import { outcomeOf, upstreamField } from '../support/gateway-answer.ts'
import { wallSeconds } from '../support/live-token.ts'
import { revoke } from '../support/revocation-gateways.ts'
import { sha256 } from '../support/stored-credentials.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'

const AUDIENCE = 'https://api.example.com'
const KEY = 'an-api-key-of-a-machine'
const REVOKED = '401 token_revoked'

let provider: IdentityProvider
let parts: TestGateway

before(async () => {
  provider = await startIdentityProvider({ algorithms: ['ES256'], audience: AUDIENCE })
  const { issuer, clientId, clientSecret, introspectionEndpoint: endpoint } = provider
  const introspection = { endpoint, clientId, clientSecret, timeout: '2s', cacheTtl: '60s' }
  parts = await openGateway({
    sessions: { store: 'memory' },
    apiKeys: { keys: [{ sha256: sha256(KEY), userId: 'machine' }] },
    issuers: {
      main: {
        issuer,
        audiences: [AUDIENCE],
        algorithms: ['ES256'],
        jwks: { discovery: true },
        introspection,
      },
    },
    routes: { '/*': { authenticate: ['introspection', 'session', 'apiKey'] } },
  })
})

after(async () => {
  await parts.stop()
  await provider.stop()
})

async function logIn(userId: string): Promise<Readonly<Record<string, string>>> {
  const response = await fetch(`${parts.adminOrigin}/sessions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ userId }),
  })
  const { id } = (await response.json()) as { readonly id: string }
  return { cookie: `__Host-sid=${id}` }
}

describe('a revocation', () => {
  it('of the digest that upstreams see as X-Session-Id ends that session alone', async () => {
    const [ended, kept] = [await logIn('alice'), await logIn('alice')]
    const before = await parts.ask('/', ended)
    assert.equal(outcomeOf(before), 'passed')
    const sid = `sha256:${upstreamField(before, 'x-session-id')}`
    assert.equal((await revoke(parts, { sid })).status, 201)
    assert.equal(outcomeOf(await parts.ask('/', ended)), REVOKED)
    assert.equal(outcomeOf(await parts.ask('/', kept)), 'passed')
  })

  it('of a user without an issuer ends every session so far, and none of later', async () => {
    const old = await logIn('bob')
    assert.equal(outcomeOf(await parts.ask('/', old)), 'passed')
    const body = { sub: 'bob', issuer: null }
    assert.equal((await revoke(parts, body)).status, 201)
    assert.equal(outcomeOf(await parts.ask('/', old)), REVOKED)
    const revokedAtSeconds = wallSeconds()
    await eventually('the second is over', () => Promise.resolve(wallSeconds() > revokedAtSeconds))
    assert.equal(outcomeOf(await parts.ask('/', await logIn('bob'))), 'passed')
  })

  it('of the user of an API key ends the key', async () => {
    const headers = { 'x-api-key': KEY }
    assert.equal(outcomeOf(await parts.ask('/', headers)), 'passed')
    const body = { sub: 'machine', issuer: null, until: wallSeconds() + 3_600 }
    assert.equal((await revoke(parts, body)).status, 201)
    assert.equal(outcomeOf(await parts.ask('/', headers)), REVOKED)
  })

  it('of a subject ends an opaque token whose answer is cached', async () => {
    const claims = { sub: 'carol' }
    const headers = { authorization: `Bearer ${await provider.issueOpaqueToken({ claims })}` }
    const before = await parts.ask('/', headers)
    assert.equal(outcomeOf(before), 'passed')
    const sub = upstreamField(before, 'x-user-id')
    assert.equal((await revoke(parts, { sub, issuer: provider.issuer })).status, 201)
    const answer = await parts.ask('/', headers)
    assert.equal(outcomeOf(answer), REVOKED)
    assert.match(String(answer.field('www-authenticate')), /error="invalid_token"/)
  })
})
