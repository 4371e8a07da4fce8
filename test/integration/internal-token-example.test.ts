/** The example of internal tokens as its readers run it: a gateway and an upstream of their own. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { after, before, describe, it } from 'node:test'
import { type IdentityProvider, startIdentityProvider } from '../../src/demo/identity-provider.ts'
import { ask } from '../support/gateway-answer.ts'
import { bearer } from '../support/live-token.ts'
import { AUDIENCE } from '../support/mint-token.ts'
import { reservePort } from '../support/reserved-port.ts'
import { SpawnedCommand } from '../support/spawned-command.ts'
import { startGateway, type TestGateway } from '../support/test-gateway.ts'

let provider: IdentityProvider
let gateway: TestGateway
let upstream: SpawnedCommand
let upstreamPort = 0

before(async () => {
  provider = await startIdentityProvider({ audience: AUDIENCE, scopes: ['read'] })
  upstreamPort = await reservePort()
  gateway = await startGateway(await readFile('examples/internal-token.yaml', 'utf8'), {
    GATEWAY_PORT: '0',
    GATEWAY_ADMIN_PORT: '0',
    UPSTREAM_PORT: String(upstreamPort),
    ISSUER: provider.issuer,
    INTERNAL_TOKEN_SECRET: randomBytes(48).toString('base64'),
  })
  const environment = {
    PORT: String(upstreamPort),
    JWKS_URL: `${gateway.origin}/.well-known/jwks.json`,
  }
  upstream = new SpawnedCommand([], environment, 'examples/internal-token-upstream.mjs')
  await upstream.until('the upstream listens', () => upstream.output.length > 0)
})

after(async () => {
  upstream.signal('SIGTERM')
  await upstream.ended()
  await gateway.stop()
  await provider.stop()
})

describe('the example of internal tokens', () => {
  it('tells the upstream who is calling', async () => {
    const token = await provider.issueAccessToken({ scopes: ['read'], claims: { sub: 'alice' } })
    const answer = await ask(gateway.port, '/orders/1', bearer(token))
    assert.equal(answer.status, 200, answer.body.toString())
    const told = JSON.parse(answer.body.toString()) as Record<string, unknown>
    assert.equal(told['caller'], 'alice')
    assert.deepEqual(told['scopes'], ['read'])
    assert.match(String(told['requestId']), /^[0-9a-f-]{36}$/)
  })

  it('has an upstream that believes only the gateway', async () => {
    const token = await provider.issueAccessToken()
    assert.equal((await ask(upstreamPort, '/orders/1', bearer(token))).status, 401)
    assert.equal((await ask(upstreamPort, '/orders/1')).status, 401)
    assert.equal((await ask(gateway.port, '/login', bearer(token))).status, 401)
  })
})
