/** Good tokens through a whole gateway: real issuer, several threads, one shared cache. */
import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import {
  type AccessTokenRequest,
  type IdentityProvider,
  SIGNING_ALGORITHMS,
  startIdentityProvider,
} from '../../src/demo/identity-provider.ts'
import { eventually } from '../support/eventually.ts'
import { FaultyServer } from '../support/faulty-server.ts'
import { ask, echoOf, errorOf } from '../support/gateway-answer.ts'
import type { GatewayPlan } from '../support/gateway-text.ts'
import { bearer, liveClaims, liveToken, publishedJwk, wallSeconds } from '../support/live-token.ts'
import { AUDIENCE, headerText, type MintingKey, mintKey, signRaw } from '../support/mint-token.ts'
import type { RawAnswer } from '../support/raw-http.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'
import { flood } from '../support/token-flood.ts'
import { type Echo, startEchoUpstream, type UpstreamServer } from '../support/upstream-servers.ts'

const THREADS = 3
/** Connections of their own: enough for each thread to get some. */
const REPETITIONS = 24
const SECRET = 'a shared secret of sixty-four bytes, which is what HS512 asks for'
const SHARED_ISSUER = 'https://shared.example.com/'
const OWN_ISSUER = 'https://own.example.com/'
const LENIENT_ISSUER = 'https://lenient.example.com/'

const own = mintKey('ES256', 'own-1')
const lenient = mintKey('ES256', 'lenient-1')
const hmacKey = { ...mintKey('HS256'), signingKey: new Uint8Array(Buffer.from(SECRET)) }

let provider: IdentityProvider
let jwks: FaultyServer
let upstream: UpstreamServer
let gateway: TestGateway

before(async () => {
  upstream = await startEchoUpstream()
  jwks = await FaultyServer.start()
  jwks.documents.set('/own', Buffer.from(JSON.stringify({ keys: [publishedJwk(own)] })))
  jwks.documents.set('/lenient', Buffer.from(JSON.stringify({ keys: [publishedJwk(lenient)] })))
  provider = await startIdentityProvider({ audience: AUDIENCE, scopes: ['read', 'write'] })
  gateway = await openGateway({
    ...configuration(),
    environment: { SALLYPORT_LISTENER_THREADS: String(THREADS) },
  })
})

after(async () => {
  await gateway.stop()
  await provider.stop()
  await jwks.down()
  await upstream.close()
})

function configuration(cache: Record<string, unknown> = {}): GatewayPlan {
  const audiences = [AUDIENCE]
  return {
    authenticate: ['jwt'],
    accessLog: 1,
    upstream: upstream.origin,
    cache,
    issuers: {
      provider: {
        issuer: provider.issuer,
        audiences,
        algorithms: SIGNING_ALGORITHMS,
        jwks: { discovery: true },
      },
      shared: {
        issuer: SHARED_ISSUER,
        audiences,
        algorithms: ['HS256', 'HS384', 'HS512'],
        secret: SECRET,
      },
      own: {
        issuer: OWN_ISSUER,
        audiences,
        clockTolerance: '0s',
        jwks: { uri: `${jwks.origin}/own` },
      },
      lenient: {
        issuer: LENIENT_ISSUER,
        audiences,
        clockTolerance: '60s',
        jwks: { uri: `${jwks.origin}/lenient` },
      },
    },
    routes: {
      '/read/*': { require: { scopes: { all: ['read'] } } },
      '/delete/*': { require: { scopes: { all: ['read', 'delete'] } } },
      '/admin/*': { require: { roles: { any: ['admin', 'root'] } } },
      '/boss/*': { require: { roles: { all: ['root'] } } },
      '/shared/*': { issuers: ['shared'] },
      '/*': {},
    },
  }
}

function verified(): Promise<number> {
  return gateway.metric('sallyport_verification_tokens_total')
}

function looked(result: string): Promise<number> {
  return gateway.metric(`sallyport_token_cache_lookups_total{result="${result}"}`)
}

/** Presents a token many times, each on a connection of its own. */
function askOften(target: string, token: string): Promise<readonly RawAnswer[]> {
  const asked = Array.from({ length: REPETITIONS }, () => ask(gateway.port, target, bearer(token)))
  return Promise.all(asked)
}

/** The fields that speak of the caller, as the upstream got them. */
function identityOf(echo: Echo): Record<string, string[]> {
  const fields: Record<string, string[]> = {}
  for (let index = 0; index < echo.rawHeaders.length; index += 2) {
    const name = echo.rawHeaders[index]?.toLowerCase() ?? ''
    if (/^(authorization|cookie|x-(?!forwarded|real-ip|request-id|correlation-id))/.test(name)) {
      fields[name] = [...(fields[name] ?? []), echo.rawHeaders[index + 1] ?? '']
    }
  }
  return fields
}

const PERSON = {
  sub: 'user-1',
  email: 'one@example.com',
  roles: ['admin', 'reader'],
  tenant_id: 'acme',
  org_id: 'org-1',
  sid: 'session-1',
}

function expectedIdentity(issuer: string, expiresAtSeconds: number): Record<string, string[]> {
  return {
    'x-user-id': ['user-1'],
    'x-user-email': ['one@example.com'],
    'x-user-roles': ['admin,reader'],
    'x-tenant-id': ['acme'],
    'x-org-id': ['org-1'],
    'x-token-issuer': [issuer],
    'x-token-scopes': ['read,write'],
    'x-token-expires': [String(expiresAtSeconds)],
    'x-session-id': [hash('sha256', 'session-1')],
  }
}

function expiryOf(token: string): number {
  const payload = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()
  return (JSON.parse(payload) as { readonly exp: number }).exp
}

/** A token not seen before: concurrent first requests, then many more, cost one verification. */
async function passesEverywhere(
  token: string,
  issuer: string,
  further: Record<string, string[]> = {},
): Promise<void> {
  const verifiedBefore = await verified()
  const first = await askOften('/any', token)
  const cached = await askOften('/any', token)
  for (const answer of [...first, ...cached]) {
    assert.equal(errorOf(answer), '200')
    const expected = { ...expectedIdentity(issuer, expiryOf(token)), ...further }
    assert.deepEqual(identityOf(echoOf(answer)), expected)
  }
  assert.equal((await verified()) - verifiedBefore, 1)
}

describe('tokens of a real provider (RFC 9068)', () => {
  for (const algorithm of SIGNING_ALGORITHMS) {
    it(`pass with ${algorithm}, are verified once for all threads, and say who calls`, async () => {
      const asked: AccessTokenRequest = { algorithm, scopes: ['read', 'write'], claims: PERSON }
      const token = await provider.issueAccessToken(asked)
      // §2.2: the client that asked for it.
      await passesEverywhere(token, provider.issuer, { 'x-client-id': ['demo-client'] })
    })
  }

  it('were met by every listener thread', async () => {
    const threads = () =>
      new Set(gateway.log.filter(({ stream }) => stream === 'access').map((line) => line['thread']))
    await eventually('each thread has logged a request', () => threads().size === THREADS)
  })
})

describe('tokens of an issuer with a shared secret (RFC 7518 §3.2)', () => {
  const claims = () => liveClaims(SHARED_ISSUER, { ...PERSON, scope: 'read write' })
  for (const algorithm of ['HS256', 'HS384', 'HS512'] as const) {
    const key: MintingKey = { ...hmacKey, algorithm }
    it(`pass with ${algorithm}`, async () => {
      await passesEverywhere(signRaw(key, headerText(key), claims()), SHARED_ISSUER)
    })
  }

  it('pass without kid: there is but one secret', async () => {
    const header = headerText(hmacKey, { kid: undefined })
    await passesEverywhere(signRaw(hmacKey, header, claims()), SHARED_ISSUER)
  })
})

describe('a token without kid (RFC 7515 §4.1.4)', () => {
  it('passes when one key of the issuer fits its algorithm', async () => {
    const members = { ...PERSON, scope: 'read write' }
    await passesEverywhere(liveToken(own, OWN_ISSUER, members, { kid: undefined }), OWN_ISSUER)
  })
})

describe('time (RFC 7519 §4.1.4 to §4.1.6)', () => {
  /**
   * Asks on and on, over new connections, until well after the second `turn`. Before it every
   * answer must be `early`, from it on every answer must be `late`.
   */
  async function turnsExactly(token: string, turn: number, early: string, late: string) {
    let earlyCount = 0
    let lateCount = 0
    while (lateCount < 20) {
      const startedAtMs = Date.now()
      const answered = errorOf(await ask(gateway.port, '/any', bearer(token)))
      const isEarly = Date.now() < turn * 1_000
      if (isEarly) assert.equal(answered, early, `${turn * 1_000 - Date.now()} ms too early`)
      if (startedAtMs >= turn * 1_000) assert.equal(answered, late, 'too late')
      earlyCount += isEarly ? 1 : 0
      lateCount += startedAtMs >= turn * 1_000 ? 1 : 0
      await delay(2)
    }
    assert.ok(earlyCount > 3, 'the token was hardly seen before its turn')
  }

  it('kills a cached token in the very second of exp, in all threads', async () => {
    const exp = wallSeconds() + 3
    const token = liveToken(own, OWN_ISSUER, { exp })
    await turnsExactly(token, exp, '200', 'token_expired')
    assert.ok((await looked('expired')) > 0, 'the cache says why it missed')
  })

  it('lets a token that is not valid yet pass in the second of nbf, and no refusal outlives it', async () => {
    const nbf = wallSeconds() + 3
    const token = liveToken(own, OWN_ISSUER, { nbf })
    await turnsExactly(token, nbf, 'token_not_yet_valid', '200')
  })

  it('refuses a token from the future until iat has come', async () => {
    const iat = wallSeconds() + 2
    await turnsExactly(liveToken(own, OWN_ISSUER, { iat }), iat, 'invalid_claims', '200')
  })

  it('forgives as much as the issuer is forgiven, and no more', async () => {
    const now = wallSeconds()
    const token = (claims: Record<string, unknown>) => liveToken(lenient, LENIENT_ISSUER, claims)
    const answers = [
      [token({ exp: now - 40 }), '200'],
      [token({ exp: now - 61 }), 'token_expired'],
      [token({ nbf: now + 59 }), '200'],
      [token({ nbf: now + 90 }), 'token_not_yet_valid'],
      [token({ iat: now + 59 }), '200'],
      [token({ iat: now + 90 }), 'invalid_claims'],
    ] as const
    for (const [presented, expected] of answers) {
      assert.equal(errorOf(await ask(gateway.port, '/any', bearer(presented))), expected)
    }
  })
})

describe('one cached verdict, many routes', () => {
  it('is judged by the policy of each route, whichever has seen it first', async () => {
    const token = liveToken(own, OWN_ISSUER, { scope: 'read', roles: ['admin'] })
    const verifiedBefore = await verified()
    for (const round of [1, 2, 3]) {
      for (const [target, expected] of [
        ['/delete/1', 'insufficient_scope'],
        ['/read/1', '200'],
        ['/admin/1', '200'],
        ['/boss/1', 'insufficient_scope'],
      ] as const) {
        const answer = await ask(gateway.port, target, bearer(token))
        assert.equal(errorOf(answer), expected, `${target}, round ${round}`)
      }
    }
    assert.equal((await verified()) - verifiedBefore, 1)
  })

  it('says nothing on a route that accepts other issuers, nor the other way round', async () => {
    const verifiedBefore = await verified()
    const token = liveToken(own, OWN_ISSUER)
    const secretToken = liveToken(hmacKey, SHARED_ISSUER)
    for (const _round of [1, 2, 3]) {
      assert.equal(errorOf(await ask(gateway.port, '/any', bearer(token))), '200')
      assert.equal(errorOf(await ask(gateway.port, '/shared/1', bearer(token))), 'invalid_claims')
      assert.equal(errorOf(await ask(gateway.port, '/shared/1', bearer(secretToken))), '200')
      assert.equal(errorOf(await ask(gateway.port, '/any', bearer(secretToken))), '200')
    }
    // The secret's token once for each of the two issuer sets.
    assert.equal((await verified()) - verifiedBefore, 3)
  })

  it('shows in the metrics as hits', async () => {
    const token = liveToken(own, OWN_ISSUER)
    await ask(gateway.port, '/any', bearer(token))
    const [hits, misses] = [await looked('hit'), await looked('miss')]
    await askOften('/any', token)
    assert.equal((await looked('hit')) - hits, REPETITIONS)
    assert.equal(await looked('miss'), misses)
  })

  it('includes a bad signature, which is checked once', async () => {
    const token = liveToken(mintKey('ES256', own.keyId), OWN_ISSUER)
    const [verifiedBefore, refusals] = [await verified(), await looked('refusal')]
    for (const answer of await askOften('/any', token)) {
      assert.equal(errorOf(answer), 'invalid_token')
    }
    await askOften('/any', token)
    assert.equal((await verified()) - verifiedBefore, 1)
    assert.ok((await looked('refusal')) - refusals >= REPETITIONS)
  })
})

describe('a cache of 1 MiB', () => {
  it('never mixes up identities, however many tokens push each other out', async () => {
    const small = await openGateway(configuration({ sizeMiB: 1 }))
    try {
      const tokens = Array.from({ length: 3_000 }, (_, place) =>
        liveToken(own, OWN_ISSUER, { sub: `user-${place}`, roles: [`role-${place}`] }),
      )
      for (const _round of [1, 2]) {
        await flood(small.origin, '/any', tokens, 16, (place, { status, text }) => {
          assert.equal(status, 200, text)
          const { headers } = JSON.parse(text) as Echo
          assert.equal(headers['x-user-id'], `user-${place}`)
          assert.equal(headers['x-user-roles'], `role-${place}`)
        })
      }
      const count = await small.metric('sallyport_verification_tokens_total')
      assert.ok(count > 4_000, `only ${count} verifications: 3000 tokens cannot fit`)
      assert.ok(count <= 6_000, `${count} verifications for 6000 requests`)
    } finally {
      await small.stop()
    }
  })
})
