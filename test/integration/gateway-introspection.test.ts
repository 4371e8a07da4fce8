/** Opaque tokens of a real provider, through a whole gateway. */
import assert from 'node:assert/strict'
import { createPublicKey } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type IdentityProvider, startIdentityProvider } from '../../src/demo/identity-provider.ts'
import { promptly } from '../support/eventually.ts'
import { type Answer, outcomeOf, upstreamField } from '../support/gateway-answer.ts'
import { generatedKey } from '../support/generated-key.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'

const AUDIENCE = 'https://api.example.com'
const clientKey = generatedKey({ type: 'ec', namedCurve: 'P-256' })

let provider: IdentityProvider
let parts: TestGateway
let folder: string

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-introspection-'))
  const privateKeyFile = join(folder, 'client.pem')
  writeFileSync(privateKeyFile, clientKey.export({ format: 'pem', type: 'pkcs8' }))
  provider = await startIdentityProvider({
    algorithms: ['ES256'],
    audience: AUDIENCE,
    scopes: ['read', 'write'],
    claims: { email: 'alice@example.com', roles: ['user'], tenant_id: 'acme' },
    keyClientJwk: {
      ...createPublicKey(clientKey).export({ format: 'jwk' }),
      kid: 'client',
      alg: 'ES256',
      use: 'sig',
    },
  })
  const issuer = (introspection: object) => ({
    issuer: provider.issuer,
    audiences: [AUDIENCE],
    algorithms: ['ES256'],
    jwks: { discovery: true },
    introspection: {
      endpoint: provider.introspectionEndpoint,
      cacheTtl: '1s',
      timeout: '2s',
      ...introspection,
    },
  })
  const { clientId, clientSecret, postClientId, keyClientId } = provider
  const issuers = {
    basic: issuer({ clientId, clientSecret }),
    post: {
      ...issuer({
        clientId: postClientId,
        clientSecret,
        clientAuthentication: 'client_secret_post',
      }),
      issuer: `${provider.issuer}#post`,
      jwks: { uri: provider.jwksUri },
    },
    key: {
      ...issuer({
        clientId: keyClientId,
        clientAuthentication: 'private_key_jwt',
        privateKeyFile,
        privateKeyId: 'client',
      }),
      issuer: `${provider.issuer}#key`,
      jwks: { uri: provider.jwksUri },
    },
  }
  parts = await openGateway({
    issuers,
    routes: {
      '/both/*': { authenticate: ['jwt', 'introspection'], issuers: ['basic'] },
      '/opaque/*': {
        authenticate: ['introspection'],
        issuers: ['basic'],
        require: { scopes: { all: ['write'] } },
      },
      '/minted/*': {
        authenticate: ['introspection'],
        issuers: ['basic'],
        identity: 'internal-token',
      },
      '/post/*': { authenticate: ['introspection'], issuers: ['post'] },
      '/key/*': { authenticate: ['introspection'], issuers: ['key'] },
      '/jwt/*': { authenticate: ['jwt'], issuers: ['basic'] },
    },
    environment: { SALLYPORT_LISTENER_THREADS: '2' },
  })
})

after(async () => {
  await parts.stop()
  await provider.stop()
  rmSync(folder, { recursive: true })
})

const ask = (path: string, token: string): Promise<Answer> =>
  parts.ask(path, { authorization: `Bearer ${token}` })

/** Three segments, whatever they are worth. */
function jwtOf(header: object, claims: object, signature: string): string {
  const [first, second] = [header, claims].map((part) =>
    Buffer.from(JSON.stringify(part)).toString('base64url'),
  )
  return `${first}.${second}.${signature}`
}

describe('an opaque token (RFC 7662)', () => {
  it('makes its subject known to the upstream', async () => {
    const token = await provider.issueOpaqueToken({ scopes: ['read'], claims: { sub: 'alice' } })
    const reply = await ask('/both/x', token)
    assert.equal(reply.status, 200)
    assert.equal(upstreamField(reply, 'x-user-id'), 'alice')
    assert.equal(upstreamField(reply, 'x-user-email'), 'alice@example.com')
    assert.equal(upstreamField(reply, 'x-token-scopes'), 'read')
    assert.equal(upstreamField(reply, 'x-token-issuer'), provider.issuer)
    assert.equal(upstreamField(reply, 'authorization'), null)
  })

  it('of a client for itself is told as a client, and never as a user', async () => {
    const headers = { 'x-client-id': 'mallory', 'x-user-id': 'mallory' }
    const authorization = `Bearer ${await provider.issueOpaqueToken()}`
    const reply = await parts.ask('/both/x', { authorization, ...headers })
    assert.equal(upstreamField(reply, 'x-user-id'), null)
    assert.equal(upstreamField(reply, 'x-client-id'), provider.clientId)
    const minted = await parts.ask('/minted/x', { authorization })
    const token = upstreamField(minted, 'authorization')?.split('.')[1] ?? ''
    const claims = JSON.parse(Buffer.from(token, 'base64url').toString()) as object
    assert.ok(!('sub' in claims))
    assert.ok('client_id' in claims && claims.client_id === provider.clientId)
  })

  it('is not good where only JWTs are, and a JWT of a known issuer is not introspected', async () => {
    const opaque = await provider.issueOpaqueToken()
    assert.equal(outcomeOf(await ask('/jwt/x', opaque)), '401 invalid_token')
    const attempts = await parts.metric('sallyport_introspection_attempts_total')
    const jwt = await provider.issueAccessToken({ claims: { sub: 'bob' } })
    assert.equal(upstreamField(await ask('/both/x', jwt), 'x-user-id'), 'bob')
    const after = await parts.metric('sallyport_introspection_attempts_total')
    assert.equal(after, attempts)
  })

  it('is no JWT of another issuer: that is refused, and the endpoint is not shown it', async () => {
    const attempts = await parts.metric('sallyport_introspection_attempts_total')
    const foreign = { iss: 'https://unheard-of.example.com/', sub: 'bob' }
    for (const path of ['/both/x', '/opaque/x', '/key/x']) {
      for (const token of [
        jwtOf({ alg: 'ES256' }, foreign, 'A'.repeat(86)),
        jwtOf({ alg: 'ES256' }, foreign, `${'A'.repeat(85)}B`),
        jwtOf({ alg: 'unheard-of' }, foreign, 'A'),
      ]) {
        assert.equal(outcomeOf(await ask(path, token)), '401 invalid_token')
      }
    }
    const after = await parts.metric('sallyport_introspection_attempts_total')
    assert.equal(after, attempts)
  })

  it('is no unsecured JWT: that is refused, whosever it says it is', async () => {
    const attempts = await parts.metric('sallyport_introspection_attempts_total')
    for (const path of ['/both/x', '/opaque/x']) {
      for (const [alg, signature] of [
        ['none', ''],
        ['NoNe', ''],
        ['none', 'AAAA'],
        ['ES256', ''],
      ] as const) {
        for (const claims of [{ iss: provider.issuer, sub: 'bob' }, { sub: 'bob' }]) {
          const token = jwtOf({ alg }, claims, signature)
          assert.equal(outcomeOf(await ask(path, token)), '401 invalid_token')
        }
      }
    }
    const after = await parts.metric('sallyport_introspection_attempts_total')
    assert.equal(after, attempts)
  })

  it('may be a JWT of the issuer that is asked, where JWTs are not verified here', async () => {
    const attempts = await parts.metric('sallyport_introspection_attempts_total')
    const jwt = jwtOf({ alg: 'ES256' }, { iss: provider.issuer, sub: 'bob' }, 'A'.repeat(86))
    assert.equal(outcomeOf(await ask('/opaque/x', jwt)), '401 inactive_token')
    const after = await parts.metric('sallyport_introspection_attempts_total')
    assert.equal(after - attempts, 1)
  })

  it('that its issuer does not know is inactive', async () => {
    const reply = await ask('/both/x', 'no-such-token')
    assert.equal(outcomeOf(reply), '401 inactive_token')
    assert.match(reply.field('www-authenticate') ?? '', /error="invalid_token"/)
  })

  it('needs the scopes of the route, cached or not', async () => {
    const token = await provider.issueOpaqueToken({ scopes: ['read'] })
    for (let time = 0; time < 2; time += 1) {
      assert.equal(outcomeOf(await ask('/opaque/x', token)), '403 insufficient_scope')
    }
  })

  it('that was revoked is refused when its time in the cache is over', async () => {
    const token = await provider.issueOpaqueToken()
    assert.equal(outcomeOf(await ask('/both/x', token)), 'passed')
    await provider.revoke(token)
    const isRefused = async () => outcomeOf(await ask('/both/x', token)) === '401 inactive_token'
    await promptly('the revoked token is refused', 3_000, [parts.processId], isRefused)
  })

  it('is asked about once for five hundred requests at the same time', async () => {
    const token = await provider.issueOpaqueToken()
    const before = await parts.metric('sallyport_introspection_attempts_total')
    const replies = await Promise.all(Array.from({ length: 500 }, () => ask('/opaque/x', token)))
    assert.ok(replies.every(({ status }) => status === 200))
    const attempts = await parts.metric('sallyport_introspection_attempts_total')
    assert.equal(attempts - before, 1)
  })
})

describe('the gateway at the endpoint (RFC 6749 §2.3, RFC 7523 §2.2)', () => {
  it('authenticates with client_secret_post and with private_key_jwt', async () => {
    // These issuers have another name, so that a good answer is refused for that alone: the
    // provider has accepted who asks.
    const token = await provider.issueOpaqueToken()
    assert.equal(outcomeOf(await ask('/post/x', token)), '401 invalid_claims')
    assert.equal(outcomeOf(await ask('/key/x', token)), '401 invalid_claims')
  })
})
