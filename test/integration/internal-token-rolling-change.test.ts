/** Keys of internal tokens over two real instances, of which one is replaced after the other. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from 'jose'
import { eventually } from '../support/eventually.ts'
import { ask, echoOf, valuesOf } from '../support/gateway-answer.ts'
import { sha256 } from '../support/stored-credentials.ts'
import { startGateway, type TestGateway } from '../support/test-gateway.ts'
import { startEchoUpstream, type UpstreamServer } from '../support/upstream-servers.ts'

const API_KEY = 'k'.repeat(40)
const BEFORE = { secret: 'the secret of before: 32 bytes and more', algorithm: 'ES256' } as const
const AFTER = { secret: 'the secret of after: also 32 bytes and more', algorithm: 'EdDSA' } as const

type Keys = typeof BEFORE | typeof AFTER

let upstream: UpstreamServer

before(async () => {
  upstream = await startEchoUpstream()
})

after(() => upstream.close())

/** Settings of `identity.internalToken`: what signs, and what is published beside it. */
function signingWith({ secret, algorithm }: Keys, ...published: readonly Keys[]): object {
  return { keySecret: secret, algorithm, previousSecrets: published }
}

async function startInstance(internalToken: object): Promise<TestGateway> {
  const gateway = await startGateway(
    JSON.stringify({
      server: { host: '127.0.0.1', port: 0, drain: { delay: '0s', timeout: '200ms' } },
      admin: { host: '127.0.0.1', port: 0 },
      apiKeys: { keys: [{ sha256: sha256(API_KEY), userId: 'machine' }] },
      identity: { strategy: 'internal-token', internalToken },
      upstreams: { only: { targets: [upstream.origin] } },
      routes: [{ name: 'all', match: { path: '/*' }, upstream: 'only', authenticate: ['apiKey'] }],
      logging: { accessLog: { enabled: false } },
    }),
    { SALLYPORT_LISTENER_THREADS: '1' },
  )
  await eventually('ready', () => gateway.isReady())
  return gateway
}

/** What the upstream got. */
async function mintedBy({ port }: TestGateway): Promise<string> {
  const echo = echoOf(await ask(port, '/', [['X-API-Key', API_KEY]]))
  return (valuesOf(echo, 'authorization')[0] ?? '').replace(/^Bearer /, '')
}

async function publishedBy({ origin }: TestGateway): Promise<JSONWebKeySet> {
  const answer = await fetch(`${origin}/.well-known/jwks.json`)
  return (await answer.json()) as JSONWebKeySet
}

interface Stage {
  readonly tokens: readonly string[]
  readonly keySets: readonly JSONWebKeySet[]
}

async function stageOf(instances: readonly TestGateway[]): Promise<Stage> {
  return {
    tokens: await Promise.all(instances.map(mintedBy)),
    keySets: await Promise.all(instances.map(publishedBy)),
  }
}

/** Of every token under every set, as upstreams have them that asked any instance. */
async function refusals(tokens: readonly string[], keySets: readonly JSONWebKeySet[]) {
  const refused: string[] = []
  for (const token of tokens) {
    for (const keySet of keySets) {
      await jwtVerify(token, createLocalJWKSet(keySet), { typ: 'at+jwt' }).catch(
        (error: unknown) => {
          refused.push(`${decodeProtectedHeader(token).alg}: ${String(error)}`)
        },
      )
    }
  }
  return refused
}

/**
 * Has the instances replaced one after the other, each time with the next settings, and verifies
 * after each replacement as upstreams do that still have the key sets, and get the tokens, of the
 * stage before.
 */
async function roll(settings: readonly object[]): Promise<readonly string[]> {
  const [first = {}, ...later] = settings
  const instances = [await startInstance(first), await startInstance(first)]
  const refused: string[] = []
  try {
    let last = await stageOf(instances)
    for (const next of later) {
      for (const index of instances.keys()) {
        await instances[index]?.stop()
        instances[index] = await startInstance(next)
        const stage = await stageOf(instances)
        const tokens = [...last.tokens, ...stage.tokens]
        refused.push(...(await refusals(tokens, [...last.keySets, ...stage.keySets])))
        last = stage
      }
    }
    return refused
  } finally {
    await Promise.all(instances.map((instance) => instance.stop()))
  }
}

describe('a rolling change of secret and algorithm over two instances', () => {
  it('rejects nothing when each is published beside the other before it signs', async () => {
    const refused = await roll([
      signingWith(BEFORE),
      signingWith(BEFORE, AFTER),
      signingWith(AFTER, BEFORE),
      signingWith(AFTER),
    ])
    assert.deepEqual(refused, [])
  })

  it('rejects tokens when it is made in one step, so that the steps are needed', async () => {
    const refused = await roll([signingWith(BEFORE), signingWith(AFTER)])
    assert.ok(refused.some((why) => why.startsWith('ES256')))
    assert.ok(refused.some((why) => why.startsWith('EdDSA')))
  })
})

describe('instances with keys of their own', () => {
  it('say so in the log when they start, and those with a shared secret do not', async () => {
    const said = async (settings: object) => {
      const instance = await startInstance(settings)
      await instance.stop()
      return instance.log.filter(({ event }) => event === 'signing_keys_unshared')
    }
    const [warning, ...others] = await said({})
    assert.equal(warning?.['level'], 'warn')
    assert.deepEqual(others, [])
    assert.deepEqual(await said(signingWith(BEFORE)), [])
  })
})
