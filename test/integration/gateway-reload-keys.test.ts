/** What a reload makes of the keys of issuers, while their providers are well and while they are not. */
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { FaultyServer } from '../support/faulty-server.ts'
import { errorOf } from '../support/gateway-answer.ts'
import { gatewayText } from '../support/gateway-text.ts'
import { bearer, liveToken, publishedJwk } from '../support/live-token.ts'
import { AUDIENCE, mintKey } from '../support/mint-token.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'

const ISSUER = 'https://idp.example.com/'

const key = mintKey('ES256', 'key')

async function startProvider(context: TestContext): Promise<FaultyServer> {
  const provider = await FaultyServer.start()
  provider.publish(publishedJwk(key))
  context.after(() => provider.down())
  return provider
}

function planOf(jwks: object) {
  const keys = { allowInsecureHttp: true, ...jwks }
  const issuer = { issuer: ISSUER, audiences: [AUDIENCE], algorithms: ['ES256'], jwks: keys }
  return { issuers: { main: issuer }, routes: { '/*': { authenticate: ['jwt'] } } }
}

async function reload(gateway: TestGateway, jwks: object): Promise<unknown> {
  const upstream = gateway.upstream.origin
  await gateway.write(gatewayText({ ...planOf(jwks), upstream }))
  const { body } = await gateway.admin('/reload', { method: 'POST' })
  return body['outcome']
}

let tokens = 0

/** Never one that was verified before. */
async function verified(gateway: TestGateway): Promise<string> {
  tokens += 1
  return errorOf(await gateway.ask('/x', bearer(liveToken(key, ISSUER, { jti: `${tokens}` }))))
}

describe('keys of an issuer whose provider is down', () => {
  it('survive a reload that changes how long they are good, or when they are fetched', async (context) => {
    const provider = await startProvider(context)
    const uri = provider.jwksUri
    const gateway = await openGateway({ ...planOf({ uri }), waitsUntilReady: true })
    assert.equal(await verified(gateway), '200')
    await provider.down()
    const changes = [
      { staleMaxAge: '12h' },
      { cacheTtl: '20s', refreshInterval: '10s', timeout: '500ms' },
      { unknownKidCooldown: '5s', alertOnStale: false },
    ]
    for (const change of changes) {
      assert.equal(await reload(gateway, { uri, ...change }), 'reloaded')
      assert.equal(await verified(gateway), '200')
    }
  })

  it('are not those of the place that a reload names instead', async (context) => {
    const provider = await startProvider(context)
    const gateway = await openGateway({
      ...planOf({ uri: provider.jwksUri, timeout: '200ms' }),
      waitsUntilReady: true,
    })
    assert.equal(await verified(gateway), '200')
    await provider.down()
    const uri = `${provider.origin}/elsewhere`
    assert.equal(await reload(gateway, { uri, timeout: '200ms' }), 'reloaded')
    assert.equal(await verified(gateway), 'verifier_unavailable')
  })
})
