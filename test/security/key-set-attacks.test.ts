/**
 * Poisoned key sets, each of an issuer of its own, against a whole gateway: no token that the
 * poison would make good reaches an upstream, and the good key beside it stays good.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { FaultyServer } from '../support/faulty-server.ts'
import { ask, statusAndCode } from '../support/gateway-answer.ts'
import { bearer, liveToken, publishedJwk } from '../support/live-token.ts'
import { assertBounces, assertPasses, type MarkedRequest } from '../support/marked-request.ts'
import { AUDIENCE, mintKey } from '../support/mint-token.ts'
import { RecordingUpstream } from '../support/recording-upstream.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'
import { startEchoUpstream, type UpstreamServer } from '../support/upstream-servers.ts'
import { type PoisonedKeySet, poisonedKeySets } from './attacks/jwks-poisoning.ts'

const good = mintKey('ES256', 'good')

let jwks: FaultyServer
let trap: UpstreamServer
let upstream: RecordingUpstream
let gateway: TestGateway
let attacks: readonly PoisonedKeySet[]

before(async () => {
  jwks = await FaultyServer.start()
  trap = await startEchoUpstream()
  upstream = await RecordingUpstream.start()
  attacks = poisonedKeySets(good, trap.origin)
  for (const [index, [, , served]] of attacks.entries()) {
    if (typeof served === 'string') jwks.behaviours.set(pathOf(index), served)
    else jwks.documents.set(pathOf(index), served)
  }
  // What those have who answer badly.
  jwks.publish(publishedJwk(good))
  const issuers = attacks.map((_, index) => {
    // Each made-up `kid` is asked about, and found unknown.
    const settings = { uri: `${jwks.origin}${pathOf(index)}`, unknownKidCooldown: '0s' }
    return [`issuer${index}`, { issuer: issuerOf(index), audiences: [AUDIENCE], jwks: settings }]
  })
  gateway = await openGateway({
    upstream: upstream.origin,
    issuers: Object.fromEntries(issuers),
    routes: { '/*': { authenticate: ['jwt'] } },
  })
})

after(async () => {
  await gateway.stop()
  await upstream.close()
  await trap.close()
  await jwks.down()
})

function pathOf(index: number): string {
  return `/keys/${index}`
}

function issuerOf(index: number): string {
  return `https://issuer-${index}.example.com/`
}

function present(token: string): MarkedRequest {
  return { path: '/x', fields: bearer(token) }
}

/** Whether the gateway has taken keys from what this issuer publishes, or found none to take. */
async function isDecided(index: number): Promise<boolean> {
  const issuer = `issuer${index}`
  const hasKeys = await gateway.metric('sallyport_jwks_state', { issuer, state: 'fresh' })
  const failures = await gateway.metric('sallyport_jwks_refresh_failures_total', { issuer })
  return hasKeys + failures > 0
}

/** In a set that can be read, the good key is good. */
async function assertGoodKeyPasses(index: number): Promise<void> {
  const token = liveToken(good, issuerOf(index))
  await eventually('the good key is known', async () => {
    return statusAndCode(await ask(gateway.port, '/x', bearer(token))) === '200'
  })
  await assertPasses({ port: gateway.port, upstream }, present(token))
}

describe('a key set (RFC 7517 §5)', () => {
  it('is not believed where it is poisoned, and where it is not it is', async (test) => {
    for (const [index, [name, answer, , token]] of attacks.entries()) {
      await test.test(name, async () => {
        if (answer.startsWith('401')) await assertGoodKeyPasses(index)
        else await eventually('the set was fetched', () => isDecided(index))
        const poisoned = token(issuerOf(index))
        for (const _time of [1, 2]) {
          await assertBounces({ port: gateway.port, upstream }, answer, present(poisoned))
        }
      })
    }
  })

  it('is fetched where the configuration says, and nowhere else', () => {
    assert.ok(!jwks.requests.includes('/moved'), 'a redirect was followed')
    assert.equal(trap.connections, 0, 'the URL in a key was opened')
  })
})
