/** Internal tokens through a whole gateway, at an upstream that verifies them as upstreams do. */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { calculateJwkThumbprint, type JWK, type JWTPayload } from 'jose'
import { generateSigningKey } from '../../src/identity/signing-key.ts'
import { eventually } from '../support/eventually.ts'
import { SUPERVISOR_SPEED_VARIABLE } from '../support/fast-supervisor.ts'
import { FaultyServer } from '../support/faulty-server.ts'
import { ask, errorOf } from '../support/gateway-answer.ts'
import { bearer, liveToken, publishedJwk, wallSeconds } from '../support/live-token.ts'
import { AUDIENCE, mintKey } from '../support/mint-token.ts'
import { exchangeRaw, type RawAnswer } from '../support/raw-http.ts'
import { sha256 } from '../support/stored-credentials.ts'
import { startGateway, type TestGateway } from '../support/test-gateway.ts'
import { VerifyingUpstream } from '../support/verifying-upstream.ts'

const ISSUER = 'https://idp.example.com/'
const API_KEY = 'k'.repeat(40)
const SECRET = 'one secret of all instances: 32+ bytes'
const JWKS = '/.well-known/jwks.json'

const key = mintKey('ES256', 'ec')
let jwks: FaultyServer

before(async () => {
  jwks = await FaultyServer.start()
  jwks.publish(publishedJwk(key))
})

after(() => jwks.down())

/** @param internalToken Settings of `identity.internalToken`. */
function configuration(upstream: string, internalToken: object, strategy = 'internal-token') {
  return JSON.stringify({
    server: { host: '127.0.0.1', port: 0, drain: { delay: '0s', timeout: '200ms' } },
    admin: { host: '127.0.0.1', port: 0 },
    issuers: { main: { issuer: ISSUER, audiences: [AUDIENCE], jwks: { uri: jwks.jwksUri } } },
    sessions: { store: 'memory' },
    apiKeys: { keys: [{ sha256: sha256(API_KEY), userId: 'machine' }] },
    identity: { strategy, internalToken },
    upstreams: { only: { targets: [upstream] } },
    routes: [
      {
        name: 'all',
        match: { path: '/*' },
        upstream: 'only',
        authenticate: ['jwt', 'session', 'apiKey'],
      },
    ],
    logging: { accessLog: { enabled: false } },
  })
}

interface Rig {
  readonly upstream: VerifyingUpstream
  readonly gateway: TestGateway
}

async function startRig(
  internalToken: object,
  environment: Readonly<Record<string, string>> = {},
  upstream = new VerifyingUpstream(),
): Promise<Rig> {
  await upstream.listen()
  const gateway = await startGateway(
    configuration(upstream.origin, internalToken),
    environment,
  ).catch(async (error: unknown) => {
    await upstream.close()
    throw error
  })
  upstream.trust(gateway.origin)
  return { upstream, gateway }
}

async function stopRig({ upstream, gateway }: Rig): Promise<void> {
  await gateway.stop()
  await upstream.close()
}

const token = (claims: Record<string, unknown> = {}) => liveToken(key, ISSUER, claims)

function claimsOf(answer: RawAnswer): JWTPayload {
  assert.equal(errorOf(answer), '200', answer.body.toString())
  return JSON.parse(answer.body.toString()) as JWTPayload
}

function fieldOf(answer: RawAnswer, wanted: string): string | undefined {
  return answer.headers.find(([name]) => name.toLowerCase() === wanted)?.[1]
}

interface PublishedKeys {
  readonly keys: readonly (JWK & { readonly kid: string; readonly alg: string })[]
}

async function publishedBy(gateway: TestGateway): Promise<PublishedKeys> {
  return (await (await fetch(`${gateway.origin}${JWKS}`)).json()) as PublishedKeys
}

describe('an internal token', () => {
  let rig: Rig
  before(async () => {
    rig = await startRig({})
  })
  after(() => stopRig(rig))

  it('says who is calling to an upstream that knows nothing but the published keys', async () => {
    const nowSeconds = wallSeconds()
    const answer = await ask(rig.gateway.port, '/', bearer(token({ sub: 'alice', roles: ['a'] })))
    const { sub, iat = 0, exp = 0, ...claims } = claimsOf(answer)
    assert.equal(sub, 'alice')
    assert.deepEqual(claims['roles'], ['a'])
    assert.equal(claims['tenant_id'], 'acme')
    assert.equal(claims['original_issuer'], ISSUER)
    assert.ok(iat >= nowSeconds && exp === iat + 300)
  })

  it('is given for a session and for an API key as well', async () => {
    const created = await fetch(`${rig.gateway.adminOrigin}/sessions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ userId: 'carol' }),
    })
    const { id } = (await created.json()) as { readonly id: string }
    const bySession = await ask(rig.gateway.port, '/', [['Cookie', `__Host-sid=${id}`]])
    assert.equal(claimsOf(bySession).sub, 'carol')
    const byKey = await ask(rig.gateway.port, '/', [['X-API-Key', API_KEY]])
    assert.equal(claimsOf(byKey).sub, 'machine')
  })

  it('never outlives the original', async () => {
    for (const leftSeconds of [20, 120, 299, 301, 4_000]) {
      const exp = wallSeconds() + leftSeconds
      const claims = claimsOf(await ask(rig.gateway.port, '/', bearer(token({ exp }))))
      assert.equal(claims.exp, Math.min(exp, (claims.iat ?? 0) + 300))
    }
  })

  it('is minted once for many requests of one caller, in each thread', async () => {
    const fields = bearer(token())
    const ids = new Set<string | undefined>()
    for (let times = 0; times < 20; times += 1) {
      ids.add(claimsOf(await ask(rig.gateway.port, '/', fields)).jti)
    }
    // Each of the two threads, and the one that verified once more: its verdict was not cached yet.
    assert.ok(ids.size <= 3, `${ids.size} tokens were minted`)
  })
})

describe('the published keys', () => {
  let rig: Rig
  before(async () => {
    rig = await startRig({})
  })
  after(() => stopRig(rig))

  it('are public members only, named by their thumbprints, and may be kept for a while', async () => {
    const answer = await ask(rig.gateway.port, JWKS)
    assert.equal(answer.status, 200)
    assert.equal(fieldOf(answer, 'content-type'), 'application/jwk-set+json')
    assert.equal(fieldOf(answer, 'cache-control'), 'public, max-age=600')
    const { keys } = JSON.parse(answer.body.toString()) as PublishedKeys
    assert.equal(keys.length, 1)
    for (const published of keys) {
      const members = ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']
      assert.deepEqual(Object.keys(published).sort(), members)
      assert.equal(published.kid, await calculateJwkThumbprint(published))
    }
  })

  it('are for GET and HEAD', async () => {
    const { port } = rig.gateway
    const exchange = (method: string) =>
      exchangeRaw(port, `${method} ${JWKS} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`, {
        deadlineMs: 2_000,
      })
    const head = (await exchange('HEAD')).text
    assert.match(head, /^HTTP\/1\.1 200 /)
    assert.match(head, /\r\n\r\n$/)
    const post = (await exchange('DELETE')).text
    assert.match(post, /^HTTP\/1\.1 405 /)
    assert.match(post, /allow: GET, HEAD/i)
  })

  it('are not there when no route sends internal tokens', async () => {
    const gateway = await startGateway(configuration(rig.upstream.origin, {}, 'headers'))
    try {
      assert.equal(errorOf(await ask(gateway.port, JWKS)), 'missing_token')
    } finally {
      await gateway.stop()
    }
  })
})

describe('keys of several instances', () => {
  it('are the same when they know the same secret', async () => {
    const settings = { keySecret: SECRET, algorithm: 'EdDSA' }
    const rigs = await Promise.all([startRig(settings), startRig(settings), startRig({})])
    try {
      const sets = await Promise.all(rigs.map(({ gateway }) => publishedBy(gateway)))
      assert.deepEqual(sets[0], sets[1])
      assert.notDeepEqual(sets[0], sets[2])
      assert.ok(sets[0]?.keys.every(({ alg }) => alg === 'EdDSA'))
    } finally {
      await Promise.all(rigs.map(stopRig))
    }
  })

  it('come from files, and files that are of no use keep the gateway from starting', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'sallyport-keys-'))
    try {
      const start = () => startRig({ keyFiles: directory })
      await assert.rejects(start, /identity\.internalToken: the keys cannot be used \(no_key\)/)
      const signing = generateSigningKey('ES256')
      await writeFile(join(directory, '1.pem'), signing.privateKeyPem, { mode: 0o600 })
      const rig = await start()
      try {
        assert.deepEqual((await publishedBy(rig.gateway)).keys, [signing.publicJwk])
        claimsOf(await ask(rig.gateway.port, '/', bearer(token())))
      } finally {
        await stopRig(rig)
      }
    } finally {
      await rm(directory, { recursive: true })
    }
  })
})

describe('a rotation of keys', () => {
  /** The supervisor's time runs so much faster that the least rotation, 5 minutes, takes 2.5 s. */
  const SPEED = 120
  const ROTATIONS = 2
  /** A quarter of the rotation, in real time. */
  const TIMES = { cacheMaxAge: 75_000 / SPEED, cooldownDuration: 600_000 }

  it('costs no token: every one verifies while keys change under load, in two threads', async () => {
    const rig = await startRig(
      { keyRotation: '5m' },
      { [SUPERVISOR_SPEED_VARIABLE]: String(SPEED), SALLYPORT_LISTENER_THREADS: '2' },
      new VerifyingUpstream(TIMES),
    )
    const { upstream, gateway } = rig
    try {
      const tokens = Array.from({ length: 8 }, () => token())
      let isOver = false
      const work = async (place: number) => {
        for (let turn = place; !isOver; turn += 1) {
          const answer = await ask(gateway.port, '/', bearer(tokens[turn % tokens.length] ?? ''))
          assert.equal(errorOf(answer), '200', upstream.failures.join('\n'))
        }
      }
      const load = Promise.all([work(0), work(3)])
      const hasRotated = eventually(
        'the keys rotate',
        () => isOver || upstream.keyIds.size > ROTATIONS,
        30_000,
      )
      await Promise.race([load, hasRotated]).finally(() => {
        isOver = true
      })
      await load
      assert.deepEqual(upstream.failures, [])
      assert.ok(upstream.verified > 100)
      const events = gateway.log.map(({ event }) => event)
      assert.ok(events.indexOf('signing_key_published') < events.indexOf('signing_key_rotated'))
      assert.ok(events.includes('signing_key_published'))
    } finally {
      await stopRig(rig)
    }
  })

  it('reaches a thread that was started meanwhile', async () => {
    const rig = await startRig(
      { keyRotation: '5m' },
      { [SUPERVISOR_SPEED_VARIABLE]: String(SPEED) },
      new VerifyingUpstream(TIMES),
    )
    const { gateway, upstream } = rig
    try {
      claimsOf(await ask(gateway.port, '/', bearer(token())))
      const [first = ''] = upstream.keyIds
      // A key never signs again: any change after that to this key is one away from it.
      const rotations = () =>
        gateway.log.filter(({ event }) => event === 'signing_key_rotated').map((it) => it['keyId'])
      const isOver = () => rotations().length > rotations().lastIndexOf(first) + 1
      await eventually('the key rotates', isOver, 30_000)
      for (const index of [0, 1]) await gateway.crashListener(index)
      const startCount = () =>
        gateway.log.filter(({ event }) => event === 'listener_started').length
      await eventually('the threads are back', () => startCount() === 4)
      upstream.keyIds.clear()
      claimsOf(await ask(gateway.port, '/', bearer(token())))
      assert.equal(upstream.keyIds.has(first), false)
    } finally {
      await stopRig(rig)
    }
  })
})
