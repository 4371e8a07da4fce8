/** Keys over their whole life, against a real OpenID provider: discovery, rotation, withdrawal. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createPublicKey, verify } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type IdentityProvider, startIdentityProvider } from '../../src/demo/identity-provider.ts'
import { discoverySource, fileSource, uriSource } from '../../src/keys/jwks-source.ts'
import type { VerificationKey } from '../../src/keys/key-set.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { eventually } from '../support/eventually.ts'
import { FaultyServer } from '../support/faulty-server.ts'
import { aliveKeys } from '../support/generations.ts'
import { JwksClients } from '../support/jwks-clients.ts'
import { es256Jwk, keySetDocument } from '../support/key-documents.ts'

/** Digest and options with which node:crypto checks a signature of this algorithm. */
const CHECKS = {
  RS256: ['sha256', {}],
  PS256: ['sha256', { padding: 6, saltLength: 32 }],
  ES256: ['sha256', { dsaEncoding: 'ieee-p1363' }],
  ES384: ['sha384', { dsaEncoding: 'ieee-p1363' }],
  ES512: ['sha512', { dsaEncoding: 'ieee-p1363' }],
  EdDSA: [null, {}],
} as const

function verifies(token: string, algorithm: keyof typeof CHECKS, key: VerificationKey): boolean {
  assert.ok(key.material.kind === 'public')
  const [digest, options] = CHECKS[algorithm]
  const end = token.lastIndexOf('.')
  const signature = Buffer.from(token.slice(end + 1), 'base64url')
  const publicKey = { key: createPublicKey(key.material.spkiPem), ...options }
  return verify(digest, Buffer.from(token.slice(0, end)), publicKey, signature)
}

describe('keys of a real OpenID provider', () => {
  let provider: IdentityProvider
  let clients: JwksClients

  before(async () => {
    clients = new JwksClients()
    provider = await startIdentityProvider({ audience: 'api.example.com', scopes: ['read'] })
  })
  after(async () => {
    await clients.stopAll()
    await provider.stop()
  })

  function discovery(issuer: string) {
    return discoverySource(
      { issuer, template: null, allowInsecureHttp: false },
      clients.access,
      systemClock,
    )
  }

  for (const algorithm of Object.keys(CHECKS) as (keyof typeof CHECKS)[]) {
    it(`verify what it signs with ${algorithm}`, async () => {
      const { client } = clients.create(discovery(provider.issuer))
      await client.start()
      const token = await provider.issueAccessToken({ algorithm, claims: { sub: 'alice' } })
      const key = client.keySet().keys.find((candidate) => candidate.algorithms.includes(algorithm))
      assert.ok(key !== undefined)
      assert.equal(key.keyId, provider.signingKeyId(algorithm))
      assert.ok(verifies(token, algorithm, key))
    })
  }

  it('rotate without a token that cannot be verified', async () => {
    const { client, table } = clients.create(discovery(provider.issuer))
    await client.start()
    const before = client.keySet()
    await provider.rotateKeys({ keepOld: true })
    const { outcome } = await client.resolveUnknownKey(provider.signingKeyId('RS256'))
    assert.equal(outcome, 'refreshed')
    assert.deepEqual([...new Set(aliveKeys(before, table))], [true])
  })

  it('die at once when they are withdrawn', async () => {
    const source = uriSource({ uri: provider.jwksUri, allowInsecureHttp: false }, clients.access)
    const { client, table, keyIds } = clients.create(source, { refreshIntervalMs: 20 })
    await client.start()
    const before = client.keySet()
    await provider.rotateKeys({ keepOld: false })
    const next = provider.signingKeyId('EdDSA')
    await eventually('the new set is in use', () => keyIds().includes(next))
    assert.deepEqual([...new Set(aliveKeys(before, table))], [false])
  })

  it('are not taken from metadata that speak for another issuer', async () => {
    const other = provider.issuer.replace('127.0.0.1', 'localhost')
    const { client } = clients.create(discovery(other))
    await client.start()
    assert.equal(client.status().lastFailure, 'issuer_mismatch')
  })
})

describe('the demonstration provider', () => {
  it('prints nothing, so that the output of the demonstration stays readable', () => {
    const module = new URL('../../src/demo/identity-provider.js', import.meta.url)
    const script = `
      const { startIdentityProvider } = await import(${JSON.stringify(module.href)})
      const provider = await startIdentityProvider({ audience: 'api', algorithms: ['ES256'] })
      const token = await provider.issueAccessToken({ claims: { tenant_id: 'acme' } })
      await provider.stop()
      process.exit(token.split('.').length === 3 ? 0 : 1)`
    const options = { encoding: 'utf8' } as const
    const run = spawnSync(process.execPath, ['--input-type=module', '-e', script], options)
    const { status, stdout, stderr } = run
    assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: '', stderr: '' })
  })

  it('puts the claims that were asked for into the token', async () => {
    const provider = await startIdentityProvider({
      audience: 'api',
      algorithms: ['ES256'],
      scopes: ['read', 'write'],
      claims: { roles: ['user'], tenant_id: 'acme' },
    })
    const token = await provider.issueAccessToken({
      scopes: ['read'],
      claims: { sub: 'alice', tenant_id: 'globex' },
      expiresInSeconds: 60,
    })
    await provider.stop()
    const payload = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()
    const { jti, iat, exp, ...claims } = JSON.parse(payload) as Record<string, unknown>
    assert.equal(typeof jti, 'string')
    assert.equal(exp, Number(iat) + 60)
    assert.deepEqual(claims, {
      sub: 'alice',
      scope: 'read',
      client_id: provider.clientId,
      iss: provider.issuer,
      aud: 'api',
      roles: ['user'],
      tenant_id: 'globex',
    })
  })
})

describe('other places for keys', () => {
  const one = es256Jwk('one')

  it('include the metadata of an authorization server (RFC 8414 §3)', async () => {
    const clients = new JwksClients()
    const server = await FaultyServer.start()
    const issuer = `${server.origin}/tenant`
    server.behaviour = 'missing'
    server.goodPaths.add('/.well-known/oauth-authorization-server/tenant').add('/moved')
    server.documents.set(
      '/.well-known/oauth-authorization-server/tenant',
      Buffer.from(JSON.stringify({ issuer, jwks_uri: `${server.origin}/moved` })),
    )
    server.publish(one)
    const source = discoverySource(
      { issuer, template: null, allowInsecureHttp: false },
      clients.access,
      systemClock,
    )
    const { client, keyIds } = clients.create(source)
    await client.start()
    assert.deepEqual(keyIds(), ['one'])
    assert.deepEqual(server.requests, [
      '/tenant/.well-known/openid-configuration',
      '/.well-known/oauth-authorization-server/tenant',
      '/moved',
    ])
    await clients.stopAll()
    await server.down()
  })

  it('include a file, which is read again when it is replaced', async () => {
    const clients = new JwksClients()
    const directory = await mkdtemp(join(tmpdir(), 'sallyport-keys-'))
    const path = join(directory, 'keys.json')
    await writeFile(path, keySetDocument(one))
    const { client, keyIds } = clients.create(fileSource(path), { refreshIntervalMs: 20 })
    await client.start()
    assert.deepEqual(keyIds(), ['one'])
    await writeFile(path, keySetDocument(es256Jwk('two')))
    await eventually('the new file is in use', () => keyIds().includes('two'))
    await writeFile(path, Buffer.alloc(300_000, 0x20))
    await eventually('it is refused', () => client.status().lastFailure === 'too_large')
    await rm(path)
    await eventually('it is missed', () => client.status().lastFailure === 'file_unreadable')
    assert.deepEqual(keyIds(), ['two'])
    await clients.stopAll()
    await rm(directory, { recursive: true })
  })
})
