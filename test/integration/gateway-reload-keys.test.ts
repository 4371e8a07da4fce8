/** What a reload makes of the keys of issuers, whether their providers are well or not. */
import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { describe, it, type TestContext } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { FaultyServer } from '../support/faulty-server.ts'
import { errorOf } from '../support/gateway-answer.ts'
import { bearer, liveToken, publishedJwk } from '../support/live-token.ts'
import { AUDIENCE, mintKey } from '../support/mint-token.ts'
import { RestartableServer } from '../support/restartable-server.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'

const ISSUER = 'https://idp.example.com/'

const FIRST = '/first'
const SECOND = '/second'

const key = mintKey('ES256', 'key')
const nextKey = mintKey('ES256', 'next')
const secondKey = mintKey('ES256', 'second')

async function startProvider(context: TestContext): Promise<FaultyServer> {
  const provider = await FaultyServer.start()
  provider.publish(publishedJwk(key))
  context.after(() => provider.down())
  return provider
}

function planOf(jwks: object, name = 'main') {
  const keys = { allowInsecureHttp: true, ...jwks }
  const issuer = { issuer: ISSUER, audiences: [AUDIENCE], algorithms: ['ES256'], jwks: keys }
  return { issuers: { [name]: issuer }, routes: { '/*': { authenticate: ['jwt'] } } }
}

async function reload(gateway: TestGateway, jwks: object, name?: string): Promise<unknown> {
  const { body } = await gateway.reload(planOf(jwks, name))
  return body['outcome']
}

let tokens = 0

/** Never one that was verified before. */
async function verified(gateway: TestGateway): Promise<string> {
  tokens += 1
  return errorOf(await gateway.ask('/x', bearer(liveToken(key, ISSUER, { jti: `${tokens}` }))))
}

/** Publishes at two places; what is asked of the first one waits for the test. */
class HeldProvider extends RestartableServer {
  readonly held: (() => void)[] = []
  isHolding = false
  documents: Readonly<Record<string, readonly object[]>> = {}

  protected answer({ url = '' }: IncomingMessage, response: ServerResponse): void {
    const send = () => void response.end(JSON.stringify({ keys: this.documents[url] ?? [] }))
    if (this.isHolding && url === FIRST) this.held.push(send)
    else send()
  }

  release(): void {
    this.isHolding = false
    for (const send of this.held.splice(0)) send()
  }
}

async function startHeldProvider(context: TestContext): Promise<HeldProvider> {
  const provider = new HeldProvider()
  await provider.up()
  context.after(() => provider.down())
  provider.documents = { [FIRST]: [publishedJwk(key)], [SECOND]: [publishedJwk(secondKey)] }
  return provider
}

/** A request that waits for a fetch from the first place. */
async function askHeld(provider: HeldProvider, gateway: TestGateway, token: string) {
  provider.isHolding = true
  const answer = gateway.ask('/x', bearer(token))
  await eventually('a fetch is under way', () => provider.held.length > 0)
  return { answer }
}

describe('a request that is under way while a reload replaces the keys of its issuer', () => {
  const jwksAt = (provider: HeldProvider, path: string) => {
    return { uri: `${provider.origin}${path}`, timeout: '10s' }
  }
  const token = (by: typeof key) => liveToken(by, ISSUER)

  it('is verified with those that it began with', async (context) => {
    const provider = await startHeldProvider(context)
    const plan = planOf(jwksAt(provider, FIRST))
    const gateway = await openGateway({ ...plan, waitsUntilReady: true })
    const rotated = token(nextKey)
    const { answer } = await askHeld(provider, gateway, rotated)
    provider.documents = { ...provider.documents, [FIRST]: [key, nextKey].map(publishedJwk) }
    assert.equal(await reload(gateway, jwksAt(provider, SECOND)), 'reloaded')
    provider.release()
    assert.equal((await answer).status, 200)
    // Nor is that verdict one of the new configuration.
    assert.equal(errorOf(await gateway.ask('/x', bearer(rotated))), 'unknown_signing_key')
  })

  it('is not verified with the new ones, which its configuration does not trust', async (context) => {
    const provider = await startHeldProvider(context)
    const plan = planOf(jwksAt(provider, FIRST))
    const gateway = await openGateway({ ...plan, waitsUntilReady: true })
    const { answer } = await askHeld(provider, gateway, token(secondKey))
    assert.equal(await reload(gateway, jwksAt(provider, SECOND)), 'reloaded')
    provider.release()
    assert.equal(errorOf(await answer), 'unknown_signing_key')
    assert.equal((await gateway.ask('/x', bearer(token(secondKey)))).status, 200)
  })

  it('keeps them when the issuer gets another name', async (context) => {
    const provider = await startHeldProvider(context)
    const jwks = jwksAt(provider, FIRST)
    const gateway = await openGateway({ ...planOf(jwks), waitsUntilReady: true })
    const { answer } = await askHeld(provider, gateway, token(nextKey))
    provider.documents = { [FIRST]: [key, nextKey].map(publishedJwk) }
    const reloaded = reload(gateway, jwks, 'renamed')
    await eventually('the new one fetches too', () => provider.held.length > 1)
    provider.held.pop()?.()
    assert.equal(await reloaded, 'reloaded')
    provider.release()
    assert.equal((await answer).status, 200)
  })
})

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
