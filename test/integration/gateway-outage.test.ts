/**
 * Promises 2 and 5 through a whole gateway: what a provider that is down, slow or lying costs, and
 * what it does not.
 */
import assert from 'node:assert/strict'
import { createSecretKey, randomBytes } from 'node:crypto'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { type Behaviour, FaultyServer } from '../support/faulty-server.ts'
import { ask, errorOf } from '../support/gateway-answer.ts'
import { gatewayText } from '../support/gateway-text.ts'
import { bearer, liveToken, publishedJwk } from '../support/live-token.ts'
import { AUDIENCE, type MintingKey, mintKey } from '../support/mint-token.ts'
import { answerHeader } from '../support/raw-http.ts'
import { slowness, watchStarvation } from '../support/starvation.ts'
import { startGateway, type TestGateway } from '../support/test-gateway.ts'
import { startEchoUpstream, type UpstreamServer } from '../support/upstream-servers.ts'

const ISSUER = 'https://idp.example.com/'
const SHARED_ISSUER = 'https://shared.example.com/'
const SECRET = 'thirty-two bytes and some more, for HS256'

const key = mintKey('ES256', 'key')
const forged = mintKey('ES256', 'key')
const secret: MintingKey = {
  ...mintKey('HS256', 'shared'),
  signingKey: new Uint8Array(Buffer.from(SECRET)),
}

let upstream: UpstreamServer

before(async () => {
  upstream = await startEchoUpstream()
})

after(async () => {
  await upstream.close()
})

async function startServer(): Promise<FaultyServer> {
  const server = await FaultyServer.start()
  server.publish(publishedJwk(key))
  return server
}

/** Issuers by name with the settings of their keys; `iss` is made of the name. */
function configuration(issuers: Readonly<Record<string, object>>): string {
  const audiences = [AUDIENCE]
  const entries = Object.entries(issuers).map(([name, jwks]) => [
    name,
    { issuer: name === 'main' ? ISSUER : `https://${name}.example.com/`, audiences, jwks },
  ])
  return gatewayText({
    authenticate: ['jwt'],
    upstream: upstream.origin,
    issuers: {
      ...(Object.fromEntries(entries) as object),
      shared: { issuer: SHARED_ISSUER, audiences, algorithms: ['HS256'], secret: SECRET },
    },
    routes: { '/none/*': { authenticate: 'none' }, '/*': {} },
    accessLog: 0,
  })
}

async function verdict(gateway: TestGateway, token: string): Promise<string> {
  return errorOf(await ask(gateway.port, '/any', bearer(token)))
}

/** What all threads say: one word when they agree. */
async function verdicts(gateway: TestGateway, token: string): Promise<readonly string[]> {
  const asked = await Promise.all(Array.from({ length: 12 }, () => verdict(gateway, token)))
  return [...new Set(asked)]
}

function hasLogged(gateway: TestGateway, event: string): boolean {
  return gateway.log.some((line) => line['event'] === event)
}

/** We cannot decide: 503 that invites another try, and not a word about the credential. */
async function assertUndecided(gateway: TestGateway, token: string): Promise<void> {
  const answer = await ask(gateway.port, '/any', bearer(token))
  assert.equal(answer.status, 503)
  assert.equal(errorOf(answer), 'verifier_unavailable')
  assert.match(answerHeader(answer, 'retry-after').join(), /^[1-9]\d*$/)
  assert.deepEqual(answerHeader(answer, 'www-authenticate'), [])
  const body = JSON.parse(answer.body.toString()) as object
  const members = ['type', 'title', 'status', 'error', 'message', 'request_id']
  assert.deepEqual(Object.keys(body), members)
}

describe('a provider that is down at the start', () => {
  it('lets the gateway run, unready, without a verdict, until it comes up', async () => {
    const jwks = await startServer()
    await jwks.down()
    const gateway = await startGateway(
      configuration({ main: { uri: jwks.jwksUri, refreshInterval: '1s' } }),
    )
    try {
      const token = liveToken(key, ISSUER)
      assert.equal(await gateway.isReady(), false)
      assert.equal((await ask(gateway.port, '/health/live')).status, 200)
      const ready = await ask(gateway.port, '/health/ready')
      assert.equal(ready.status, 503)
      assert.match(ready.body.toString(), /"issuer":"main","condition":"waiting"/)
      assert.equal(await gateway.metric('sallyport_ready'), 0)
      for (const presented of [token, token, liveToken(forged, ISSUER)]) {
        await assertUndecided(gateway, presented)
      }
      // Everything that needs no key of this issuer goes on.
      assert.equal((await ask(gateway.port, '/none/1')).status, 200)
      assert.equal(errorOf(await ask(gateway.port, '/any')), 'missing_token')
      assert.equal(await verdict(gateway, liveToken(key, ISSUER, { exp: 1 })), 'token_expired')
      assert.equal(await verdict(gateway, liveToken(secret, SHARED_ISSUER)), '200')
      assert.equal(hasLogged(gateway, 'jwks_refresh_failed'), true)

      await jwks.up()
      await eventually('the gateway is ready', () => gateway.isReady())
      assert.deepEqual(await verdicts(gateway, token), ['200'])
      assert.deepEqual(await verdicts(gateway, liveToken(forged, ISSUER)), ['invalid_token'])
      assert.equal(await gateway.metric('sallyport_ready'), 1)
      await eventually('the log tells', () => hasLogged(gateway, 'jwks_refresh_recovered'))
    } finally {
      await gateway.stop()
      await jwks.down()
    }
  })
})

describe('a provider that goes down for a while', () => {
  it('costs nothing while its keys are stale, then 503 and never 401, and recovers', async () => {
    const jwks = await startServer()
    // All that is asked while the keys are stale fits in between the last two.
    const slow = Math.ceil(slowness())
    const times = { cacheTtl: `${slow}s`, refreshInterval: '1s', staleMaxAge: `${5 * slow}s` }
    const patienceMs = 30_000 + 5_000 * slow
    const gateway = await startGateway(configuration({ main: { uri: jwks.jwksUri, ...times } }))
    const stateOf = (state: string) =>
      gateway.metric(`sallyport_jwks_state{issuer="main",state="${state}"}`)
    try {
      const cached = liveToken(key, ISSUER)
      assert.deepEqual(await verdicts(gateway, cached), ['200'])
      await eventually('they are fresh', async () => (await stateOf('fresh')) === 1)

      await jwks.down()
      await eventually('the keys are stale', () => hasLogged(gateway, 'stale_keys_in_use'))
      assert.deepEqual(await verdicts(gateway, cached), ['200'])
      assert.deepEqual(await verdicts(gateway, liveToken(key, ISSUER)), ['200'])
      assert.deepEqual(await verdicts(gateway, liveToken(forged, ISSUER)), ['invalid_token'])
      assert.equal(await stateOf('stale'), 1)
      // The keys may have been rotated meanwhile: the gateway cannot know.
      await assertUndecided(gateway, liveToken(key, ISSUER, {}, { kid: 'rotated' }))
      assert.equal(await gateway.isReady(), true)
      const health = await ask(gateway.port, '/health/ready')
      assert.match(health.body.toString(), /"issuer":"main","condition":"degraded"/)

      await eventually('the keys are too old', () => hasLogged(gateway, 'keys_expired'), patienceMs)
      for (const token of [cached, liveToken(key, ISSUER), liveToken(forged, ISSUER)]) {
        assert.deepEqual(await verdicts(gateway, token), ['verifier_unavailable'])
        await assertUndecided(gateway, token)
      }
      assert.equal(await verdict(gateway, liveToken(secret, SHARED_ISSUER)), '200')
      assert.equal(await gateway.isReady(), true)
      assert.equal(await stateOf('dead'), 1)

      await jwks.up()
      await eventually('tokens pass again', async () => (await verdict(gateway, cached)) === '200')
      assert.deepEqual(await verdicts(gateway, cached), ['200'])
      assert.deepEqual(await verdicts(gateway, liveToken(forged, ISSUER)), ['invalid_token'])
    } finally {
      await gateway.stop()
      await jwks.down()
    }
  })
})

const LIES: readonly Behaviour[] = [
  ...(['error', 'missing', 'huge', 'endless', 'redirect', 'page'] as const),
  ...(['garbage', 'cut', 'compressed', 'slow', 'hanging'] as const),
]

describe('a provider that is slow or lies', () => {
  it('gives no keys at the start, and keeps those that are there afterwards', async () => {
    const servers = new Map<Behaviour, FaultyServer>()
    for (const behaviour of LIES) {
      const server = await startServer()
      server.behaviour = behaviour
      servers.set(behaviour, server)
    }
    const times = { cacheTtl: '10s', refreshInterval: '1s', timeout: '300ms' }
    const issuers = [...servers].map(([name, { jwksUri }]) => [name, { uri: jwksUri, ...times }])
    const gateway = await startGateway(configuration(Object.fromEntries(issuers)))
    const tokenOf = (name: string, by: MintingKey) => liveToken(by, `https://${name}.example.com/`)
    try {
      const residentBytes = await gateway.residentBytes()
      for (const name of LIES) await assertUndecided(gateway, tokenOf(name, key))
      assert.equal(await gateway.isReady(), false)

      for (const server of servers.values()) server.behaviour = 'good'
      await eventually('all issuers have keys', () => gateway.isReady())
      for (const name of LIES) {
        assert.deepEqual(await verdicts(gateway, tokenOf(name, key)), ['200'], name)
      }

      for (const [behaviour, server] of servers) server.behaviour = behaviour
      const fetched = new Map([...servers].map(([name, { fetches }]) => [name, fetches]))
      await eventually('each has lied at least twice', () => {
        const counts = [...servers].map(([name, { fetches }]) => fetches - (fetched.get(name) ?? 0))
        return Promise.resolve(counts.every((count) => count >= 2))
      })
      for (const name of LIES) {
        const startedAtMs = performance.now()
        const starvedMs = watchStarvation([process.pid, gateway.processId])
        assert.deepEqual(await verdicts(gateway, tokenOf(name, key)), ['200'], name)
        assert.deepEqual(await verdicts(gateway, tokenOf(name, forged)), ['invalid_token'], name)
        // No request waited for a refresh: twenty-four times 300 ms and more are far above this.
        assert.ok(performance.now() - startedAtMs < 2_000 + starvedMs(), name)
      }
      const grownBytes = (await gateway.residentBytes()) - residentBytes
      assert.ok(grownBytes < 128 * 2 ** 20, `${grownBytes} bytes more`)
    } finally {
      await gateway.stop()
      for (const server of servers.values()) await server.down()
    }
  })

  it('cannot slip in a shared secret or a weak key beside a good one', async () => {
    const jwks = await startServer()
    const bytes = randomBytes(64)
    const oct = { ...createSecretKey(bytes).export({ format: 'jwk' }), kid: 'oct', use: 'sig' }
    const encryption = mintKey('ES256', 'enc')
    jwks.publish(publishedJwk(key), { ...oct, alg: 'HS256' }, oct, {
      ...publishedJwk(encryption),
      use: 'enc',
    })
    const gateway = await startGateway(configuration({ main: { uri: jwks.jwksUri } }))
    try {
      const hmac = { ...mintKey('HS256', 'oct'), signingKey: new Uint8Array(bytes) }
      assert.deepEqual(await verdicts(gateway, liveToken(key, ISSUER)), ['200'])
      assert.deepEqual(await verdicts(gateway, liveToken(hmac, ISSUER)), ['invalid_token'])
      const stray = liveToken(encryption, ISSUER)
      assert.deepEqual(await verdicts(gateway, stray), ['unknown_signing_key'])
      assert.equal(hasLogged(gateway, 'jwks_key_skipped'), true)
    } finally {
      await gateway.stop()
      await jwks.down()
    }
  })
})

describe('a copy of the keys on disk', () => {
  it('serves through a restart in an outage, stale, until the provider is back', async () => {
    const jwks = await startServer()
    const directory = await mkdtemp(join(tmpdir(), 'sallyport-'))
    const settings = { uri: jwks.jwksUri, refreshInterval: '1s', diskCache: directory }
    const text = configuration({ main: settings })
    try {
      const first = await startGateway(text)
      assert.deepEqual(await verdicts(first, liveToken(key, ISSUER)), ['200'])
      await eventually('the copy is written', async () => (await readdir(directory)).length > 0)
      assert.equal(await first.stop(), 0)

      await jwks.down()
      const second = await startGateway(text)
      assert.equal(await second.isReady(), true)
      assert.deepEqual(await verdicts(second, liveToken(key, ISSUER)), ['200'])
      // When the copy was fetched is told by a clock that may have been set since.
      await assertUndecided(second, liveToken(forged, ISSUER))
      const stale = 'sallyport_jwks_state{issuer="main",state="stale"}'
      assert.equal(await second.metric(stale), 1)
      // What the provider says counts more than the copy, as soon as it says anything.
      jwks.publish(publishedJwk(forged))
      await jwks.up()
      const accepted = async () => (await verdict(second, liveToken(forged, ISSUER))) === '200'
      await eventually('the published key is in use', accepted)
      assert.deepEqual(await verdicts(second, liveToken(key, ISSUER)), ['invalid_token'])
      await second.stop()

      await jwks.down()
      for (const name of await readdir(directory))
        await writeFile(join(directory, name), '{"keys":')
      const third = await startGateway(text)
      assert.equal(await third.isReady(), false)
      await assertUndecided(third, liveToken(forged, ISSUER))
      await third.stop()
    } finally {
      await jwks.down()
      await rm(directory, { recursive: true })
    }
  })
})
