/** Keys that are replaced without a new `kid`, while the gateway may not ask for them. */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { FaultyServer } from '../support/faulty-server.ts'
import { ask, errorOf } from '../support/gateway-answer.ts'
import { gatewayText } from '../support/gateway-text.ts'
import { bearer, liveClaims, publishedJwk, wallSeconds } from '../support/live-token.ts'
import { AUDIENCE, headerText, type MintingKey, mintKey, signRaw } from '../support/mint-token.ts'
import { startGateway, type TestGateway } from '../support/test-gateway.ts'
import { startEchoUpstream, type UpstreamServer } from '../support/upstream-servers.ts'

const ISSUER = 'https://idp.example.com/'
/** Six fetches at once, then one every two seconds. */
const COOLDOWN = '12s'
const TOLERANCE_SECONDS = 1

const KINDS = [
  { name: 'under its kid', kid: 'main' },
  { name: 'by an issuer without kids', kid: undefined },
] as const

let jwks: FaultyServer
let upstream: UpstreamServer
let gateway: TestGateway

beforeEach(async () => {
  upstream = await startEchoUpstream()
  jwks = await FaultyServer.start()
})

afterEach(async () => {
  await gateway.stop()
  await jwks.down()
  await upstream.close()
})

async function start(): Promise<void> {
  const text = gatewayText({
    authenticate: ['jwt'],
    upstream: upstream.origin,
    issuers: {
      main: {
        issuer: ISSUER,
        audiences: [AUDIENCE],
        clockTolerance: `${TOLERANCE_SECONDS}s`,
        jwks: {
          uri: jwks.jwksUri,
          cacheTtl: '1h',
          refreshInterval: '1h',
          unknownKidCooldown: COOLDOWN,
        },
      },
    },
    routes: { '/*': {} },
    accessLog: 0,
  })
  gateway = await startGateway(text, { SALLYPORT_LISTENER_THREADS: '2' })
  await eventually('ready', () => gateway.isReady())
}

type Kid = (typeof KINDS)[number]['kid']

function publish(key: MintingKey, kid: Kid): void {
  jwks.publish({ ...publishedJwk(key), kid })
}

/** Issued just now, unless said otherwise. */
function tokenOf(key: MintingKey, kid: Kid, issuedAtSeconds: number | undefined = wallSeconds()) {
  const claims = liveClaims(ISSUER, { iat: issuedAtSeconds, nbf: undefined })
  return signRaw(key, headerText(key, { kid }), claims)
}

async function verdict(token: string): Promise<string> {
  return errorOf(await ask(gateway.port, '/any', bearer(token)))
}

/** A stranger sends forged tokens, one after the other, until he is told to stop. */
function forge(kid: Kid): () => Promise<ReadonlySet<string>> {
  const stranger = mintKey('ES256')
  const said = new Set<string>()
  let isOver = false
  const forging = (async () => {
    while (!isOver) said.add(await verdict(tokenOf(stranger, kid)))
  })()
  return async () => {
    isOver = true
    await forging
    return said
  }
}

describe('a key that is replaced while a stranger forges signatures', () => {
  for (const { name, kid } of KINDS) {
    it(`${name} has no good token called bad, and is found within seconds`, async () => {
      const [old, fresh] = [mintKey('ES256'), mintKey('ES256')]
      publish(old, kid)
      await start()
      assert.equal(await verdict(tokenOf(old, kid)), '200')
      const before = jwks.fetches
      const endForging = forge(kid)
      await eventually('no fetch is left', () => jwks.fetches >= before + 6)
      publish(fresh, kid)
      const fetches = jwks.fetches
      const token = tokenOf(fresh, kid)
      const said = new Set<string>()
      await eventually('the new key is found', async () => {
        const code = await verdict(token)
        said.add(code)
        return code === '200'
      })
      const saidToForger = await endForging()
      assert.ok(!said.has('invalid_token'), [...said].join())
      assert.ok(!saidToForger.has('200'))
      assert.ok(jwks.fetches - fetches <= 2, `${jwks.fetches - fetches} fetches`)
    })
  }

  it('leaves forged tokens bad that were issued before the keys were fetched', async () => {
    const key = mintKey('ES256')
    publish(key, 'main')
    await start()
    const forgedEarly = () => tokenOf(mintKey('ES256'), 'main', wallSeconds() - 60)
    const before = jwks.fetches
    const endForging = forge('main')
    await eventually('no fetch is left', () => jwks.fetches >= before + 6)
    for (let round = 0; round < 20; round += 1) {
      assert.equal(await verdict(forgedEarly()), 'invalid_token')
      assert.equal(await verdict(tokenOf(key, 'main')), '200')
    }
    // What was issued since is called bad as soon as the keys were fetched once more.
    const forgedNow = tokenOf(mintKey('ES256'), 'main')
    await eventually('it is bad', async () => (await verdict(forgedNow)) === 'invalid_token')
    await endForging()
  })
})

describe('a forged signature while no fetch is left', () => {
  it('is counted under a reason of its own, and costs one check a second', async () => {
    const key = mintKey('ES256')
    publish(key, 'main')
    await start()
    const before = jwks.fetches
    const endForging = forge('main')
    await eventually('no fetch is left', () => jwks.fetches >= before + 6)
    await endForging()
    const forged = tokenOf(mintKey('ES256'), 'main', wallSeconds() + TOLERANCE_SECONDS)
    const startSeconds = wallSeconds()
    const checksBefore = await gateway.metric('sallyport_verification_tokens_total')
    const answers = new Set<string>()
    for (let round = 0; round < 40; round += 1) answers.add(await verdict(forged))
    const checks = (await gateway.metric('sallyport_verification_tokens_total')) - checksBefore
    // A fetch that has become possible meanwhile brings one check more.
    const allowed = 2 * (1 + wallSeconds() - startSeconds)
    assert.ok(checks <= allowed && checks < 40, `${checks} checks, ${allowed} allowed`)
    assert.ok(answers.has('verifier_unavailable'), [...answers].join())
    const metrics = await (await fetch(`${gateway.adminOrigin}/metrics`)).text()
    assert.match(metrics, /^sallyport_refusals_total\{[^}]*reason="signature_unsettled"/m)
    assert.doesNotMatch(metrics, /^sallyport_refusals_total\{[^}]*reason="keys_unavailable"/m)
    assert.equal(await verdict(tokenOf(key, 'main')), '200')
  })
})

describe('a key that is replaced while the key endpoint is down', () => {
  for (const { name, kid } of KINDS) {
    it(`${name} has its tokens undecided, and forged ones of before bad`, async () => {
      const [old, fresh] = [mintKey('ES256'), mintKey('ES256')]
      publish(old, kid)
      await start()
      const issuedBefore = wallSeconds() - 60
      jwks.behaviour = 'error'
      for (let round = 0; round < 12; round += 1) {
        // Later than the last good fetch by more than the clocks may differ.
        const issuedSince = wallSeconds() + TOLERANCE_SECONDS
        assert.equal(await verdict(tokenOf(fresh, kid, issuedSince)), 'verifier_unavailable')
        assert.equal(await verdict(tokenOf(fresh, kid, issuedBefore)), 'invalid_token')
        assert.equal(await verdict(tokenOf(old, kid)), '200')
      }
      publish(fresh, kid)
      jwks.behaviour = 'good'
      const token = tokenOf(fresh, kid)
      await eventually('it works again', async () => (await verdict(token)) === '200')
    })
  }
})
