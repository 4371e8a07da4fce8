/**
 * What known software sends, against a whole gateway: keys, tokens, answers and sessions in which
 * something is null, empty or of another type. What is refused is refused with 401, and the access
 * log names the claim, the key or the rule, and no value.
 */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { expressCookie } from '../support/express-cookie.ts'
import { FaultyServer } from '../support/faulty-server.ts'
import { type Answer, outcomeOf, upstreamField } from '../support/gateway-answer.ts'
import { IntrospectionServer, json, newOpaqueToken } from '../support/introspection-server.ts'
import { bearer, liveToken, publishedJwk } from '../support/live-token.ts'
import {
  AUDIENCE,
  headerText,
  type MintingKey,
  mintKey,
  rawSignature,
} from '../support/mint-token.ts'
import { RedisServer } from '../support/redis-server.ts'
import { newSessionId } from '../support/stored-credentials.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'

const ISSUER = 'https://idp.example.com/'
const SECRET = 'a secret of the login service'
/** What must not be in any line. */
const VALUE = 'a-value-of-the-client'
const CART = Array.from({ length: 700 }, (_, item) => ({ item, note: 'x'.repeat(90) }))

const microsoft = mintKey('RS256', '7f4')
const teleport = mintKey('ES256', '')
const google = mintKey('EdDSA', '')
/** Of a cluster or a stub that makes its key anew at each start, and always calls it the same. */
const [cluster, reborn] = [mintKey('ES256', 'cluster'), mintKey('ES256', 'cluster')]

let jwks: FaultyServer
let endpoint: IntrospectionServer
let redis: RedisServer
let gateway: TestGateway

before(async () => {
  jwks = await FaultyServer.start()
  endpoint = await IntrospectionServer.start()
  redis = await RedisServer.start()
  publish(teleport, cluster)
  gateway = await openGateway({
    redis,
    accessLog: 1,
    sessions: {
      format: 'express-session',
      secrets: [SECRET],
      pointers: { userId: '/user/id', roles: '/user/roles' },
    },
    issuers: {
      main: {
        issuer: ISSUER,
        audiences: [AUDIENCE],
        algorithms: ['RS256', 'ESP256', 'Ed25519'],
        jwks: { uri: jwks.jwksUri, cacheTtl: '1h', refreshInterval: '1h' },
      },
      opaque: endpoint.issuer('opaque', { attempts: 1, timeout: '5s' }),
    },
    routes: {
      '/token/*': { authenticate: ['jwt'], issuers: ['main'] },
      '/opaque/*': { authenticate: ['introspection'], issuers: ['opaque'] },
      '/session/*': { authenticate: ['session'] },
      '/shop/*': { authenticate: 'optional', issuers: ['main'] },
    },
    environment: { SALLYPORT_LISTENER_THREADS: '1' },
  })
})

after(async () => {
  await gateway.stop()
  await redis.stop()
  await endpoint.down()
  await jwks.down()
})

/** @param unnamed Without a `kid`, beside that of Google. */
function publish(unnamed: MintingKey, named: MintingKey): void {
  const { kid: _, ...nameless } = publishedJwk(google)
  jwks.publish(
    { ...publishedJwk(microsoft), key_ops: [], oth: [], x5c: [], d: null, keyId: null },
    { ...publishedJwk(unnamed), kid: '', use: null },
    { ...nameless, alg: 'Ed25519', key_ops: ['verify'] },
    publishedJwk(named),
  )
}

/** Asks under a path of its own, so that its line in the log is found. */
async function ask(route: string, fields: Parameters<TestGateway['ask']>[1]) {
  const path = `/${route}/${randomUUID()}`
  return { path, answer: await gateway.ask(path, fields) }
}

/** The reason of the refusal in the access log, whose line says nothing of what was sent. */
async function assertRefused(asked: { path: string; answer: Answer }, reason: string) {
  const { path, answer } = asked
  assert.equal(answer.status, 401, outcomeOf(answer))
  assert.equal(answer.field('retry-after'), null)
  const line = () => gateway.log.find((it) => it['path'] === path)
  await eventually('its line', () => line() !== undefined)
  assert.equal(line()?.['reason'], reason)
  assert.ok(!JSON.stringify(line()).includes(VALUE))
}

const passes = (answer: Answer) => assert.equal(outcomeOf(answer), 'passed')

describe('a key set as it is published', () => {
  const teleportToken = liveToken(teleport, ISSUER)
  const googleToken = liveToken(google, ISSUER, {}, { alg: 'Ed25519', kid: 'of-another-set' })

  it('by Microsoft.IdentityModel, Teleport and Google is taken whole', async () => {
    const tokens = [
      liveToken(microsoft, ISSUER),
      teleportToken,
      liveToken(teleport, ISSUER, {}, { kid: undefined }),
      googleToken,
    ]
    for (const token of tokens) passes((await ask('token', bearer(token))).answer)
    assert.equal(jwks.fetches, 1, 'nothing had to be asked for')
  })

  it('by Kubernetes anew, with another key under the same kid, is fetched once', async () => {
    publish(teleport, reborn)
    for (const _time of [1, 2])
      passes((await ask('token', bearer(liveToken(reborn, ISSUER)))).answer)
    assert.equal(jwks.fetches, 2)
    await assertRefused(await ask('token', bearer(liveToken(cluster, ISSUER))), 'signature_invalid')
  })

  it('by Teleport after a rotation, with another key without kid, is fetched once', async () => {
    const fetchesBefore = jwks.fetches
    const rotated = mintKey('ES256', '')
    publish(rotated, reborn)
    const token = () => liveToken(rotated, ISSUER, {}, { kid: undefined })
    for (const _time of [1, 2]) passes((await ask('token', bearer(token()))).answer)
    assert.equal(jwks.fetches - fetchesBefore, 1)
    // What the key that is gone has verified is gone with it, in the cache as well.
    await assertRefused(await ask('token', bearer(teleportToken)), 'signature_invalid')
    passes((await ask('token', bearer(googleToken))).answer)
    publish(teleport, reborn)
  })
})

describe('a token as it is sent', () => {
  const nulls = { nbf: null, jti: null, sid: [], email: null, roles: [] }

  it('by jwt-dotnet, with nulls for what was never set, passes', async () => {
    passes((await ask('token', bearer(liveToken(microsoft, ISSUER, nulls)))).answer)
  })

  const token =
    (claims: Record<string, unknown>, header: Record<string, unknown> = {}) =>
    () =>
      liveToken(microsoft, ISSUER, claims, header)
  const refusals: readonly (readonly [what: string, reason: string, token: () => string])[] = [
    ['exp of null', 'exp_missing', token({ exp: null })],
    ['exp as text', 'exp_mistyped', token({ exp: VALUE })],
    ['nbf as text', 'nbf_mistyped', token({ nbf: VALUE })],
    ['iat as an object', 'iat_mistyped', token({ iat: { VALUE } })],
    ['an empty aud', 'audience_mismatch', token({ aud: [] })],
    ['an alg of null', 'header_alg_unknown', token({}, { alg: null })],
    ['an alg of Ed448', 'header_alg_unknown', token({}, { alg: 'Ed448' })],
    ['a kid that is an object', 'header_kid_malformed', token({}, { kid: { VALUE } })],
    ['a typ that is a list', 'header_typ_malformed', token({}, { typ: [VALUE] })],
    ['an empty crit', 'header_crit_refused', token({}, { crit: [] })],
    ['b64', 'header_unencoded_refused', token({}, { b64: true })],
    ['zip', 'header_zip_refused', token({}, { zip: VALUE })],
    ['enc', 'header_enc_refused', token({}, { enc: VALUE })],
  ]
  for (const [what, reason, tokenOf] of refusals) {
    it(`with ${what} is refused, and the log says ${reason}`, async () => {
      await assertRefused(await ask('token', bearer(tokenOf())), reason)
    })
  }

  it('is signed by none of the keys without kid under the alg of another', async () => {
    // The signature is good, by a key that is tried: but as what its type is.
    const header = headerText(google, { alg: 'ES256', kid: undefined })
    const claims = liveToken(google, ISSUER).split('.')[1] ?? ''
    const input = `${Buffer.from(header).toString('base64url')}.${claims}`
    const forged = `${input}.${Buffer.from(rawSignature(google, input)).toString('base64url')}`
    await assertRefused(await ask('token', bearer(forged)), 'signature_invalid')
  })

  it('by a key that is not published is refused, whatever its kid is', async () => {
    const stranger = mintKey('ES256')
    for (const kid of [undefined, '', 'unknown']) {
      const forged = liveToken(stranger, ISSUER, {}, { kid })
      await assertRefused(await ask('token', bearer(forged)), 'signature_invalid')
    }
  })

  it('costs the issuer no more fetches when it is forged a hundred times', async () => {
    const stranger = mintKey('ES256')
    const fetchesBefore = jwks.fetches
    const forgeries = Array.from({ length: 100 }, (_, index) =>
      ask(
        'token',
        bearer(liveToken(stranger, ISSUER, {}, { kid: ['', 'x', undefined][index % 3] })),
      ),
    )
    for (const { answer } of await Promise.all(forgeries)) assert.equal(answer.status, 401)
    // Six within the cooldown of 30 s, of which the tests before have used some.
    assert.ok(jwks.fetches - fetchesBefore <= 6, `${jwks.fetches - fetchesBefore} fetches`)
    passes((await ask('token', bearer(liveToken(teleport, ISSUER)))).answer)
  })
})

describe('an answer about a token as it is given', () => {
  const answered = (members: Record<string, unknown>) => {
    endpoint.reply = json({ active: true, sub: 'alice', ...members })
    return ask('opaque', bearer(newOpaqueToken()))
  }

  it('by Ory Hydra or a Java class, with nulls and empty lists, passes', async () => {
    for (const members of [{ aud: [] }, { aud: null, nbf: null, iss: null, exp: null }]) {
      const { answer } = await answered(members)
      passes(answer)
      assert.equal(upstreamField(answer, 'x-user-id'), 'alice')
    }
  })

  for (const [what, reason, members] of [
    ['nbf as text', 'nbf_mistyped', { nbf: VALUE }],
    ['exp as text', 'exp_mistyped', { exp: VALUE }],
    ['another iss', 'issuer_mismatch', { iss: VALUE }],
    ['another aud', 'audience_mismatch', { aud: [VALUE] }],
  ] as const) {
    it(`with ${what} is refused, and the log says ${reason}`, async () => {
      await assertRefused(await answered(members), reason)
    })
  }
})

describe('a session as it is stored', () => {
  async function cookieOf(record: unknown) {
    const id = newSessionId()
    const text = typeof record === 'string' ? record : JSON.stringify(record)
    await redis.command('SET', `sess:${id}`, text, 'EX', '600')
    return { cookie: expressCookie(id, SECRET) }
  }

  it('by an application with one role as text passes', async () => {
    const cookie = await cookieOf({ cookie: {}, user: { id: 7, roles: 'admin' } })
    const { answer } = await ask('session', cookie)
    passes(answer)
    assert.equal(upstreamField(answer, 'x-user-id'), '7')
    assert.equal(upstreamField(answer, 'x-user-roles'), 'admin')
  })

  for (const [what, reason, record] of [
    ['a cart of 70 kB', 'session_too_large', { user: { id: VALUE }, cart: CART }],
    ['roles as an object', 'session_roles_mistyped', { user: { id: VALUE, roles: { a: 1 } } }],
    ['an object for a user', 'session_user_mistyped', { user: { id: { $oid: VALUE } } }],
    ['the text of Laravel', 'session_unreadable', `a:1:{s:6:"_token";s:2:"${VALUE}";}`],
  ] as const) {
    it(`with ${what} is no session and no outage, and the log says ${reason}`, async () => {
      const cookie = await cookieOf(record)
      const asked = await ask('session', cookie)
      await assertRefused(asked, reason)
      assert.equal(outcomeOf(asked.answer), '401 no_session')
      assert.deepEqual(asked.answer.values('set-cookie'), [], 'the visitor keeps it')
    })

    it(`with ${what} passes without identity on an optional route, and is told`, async () => {
      const { answer } = await ask('shop', await cookieOf(record))
      passes(answer)
      assert.equal(upstreamField(answer, 'x-user-id'), null)
      const isTold = () =>
        gateway.log.some((it) => it['event'] === 'session_unreadable' && it['reason'] === reason)
      await eventually('it is told', isTold)
    })
  }

  it('is kept when it cannot be read', async () => {
    const cookie = await cookieOf({ user: { id: 'u', roles: 7 } })
    const id = /s%3A([^.]+)\./.exec(cookie.cookie)?.[1]
    await ask('session', cookie)
    assert.equal(await redis.command('EXISTS', `sess:${id}`), 1)
  })
})
