import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type CredentialGateway, outcomeOf } from '../support/credential-gateway.ts'
import { eventually } from '../support/eventually.ts'
import { RedisServer } from '../support/redis-server.ts'
import {
  activeRevocations,
  ISSUER,
  logOut,
  OTHER_ISSUER,
  outcomeAt,
  RevocationIssuer,
  revoke,
  secondForm,
} from '../support/revocation-gateway.ts'

const REVOKED = '401 token_revoked'
const FLEET_MS_MAX = 1_000

describe('revocation over two instances on one Redis', () => {
  let redis: RedisServer
  let issuer: RevocationIssuer
  let here: CredentialGateway
  let there: CredentialGateway
  const shared = () => ({ redis: { nodes: [`127.0.0.1:${redis.port}`] } })
  before(async () => {
    redis = await RedisServer.start()
    issuer = await RevocationIssuer.create()
    here = await issuer.gateway(shared())
    there = await issuer.gateway(shared())
    for (const gateway of [here, there]) {
      await eventually('ready', () => gateway.gateway.isReady())
    }
  })
  after(async () => {
    await here.stop()
    await there.stop()
    await redis.stop()
  })

  const forms = [
    ['jti', { jti: 'a', sub: 'alice' }, { jti: 'a', issuer: ISSUER }],
    ['sid', { sid: 'b', sub: 'bob' }, { sid: 'b', issuer: ISSUER }],
    ['sub', { sub: 'carol' }, { sub: 'carol', issuer: ISSUER }],
    ['issuer', { iss: OTHER_ISSUER, sub: 'dave' }, { issuer: OTHER_ISSUER }],
  ] as const
  for (const [kind, claims, body] of forms) {
    it(`refuses what was revoked by ${kind}, hot or not, here at once and there in a second`, async () => {
      const token = await issuer.token(claims)
      const spared = await issuer.token({ sub: `not ${claims.sub}` })
      for (const gateway of [here, there, here, there]) {
        assert.equal(await outcomeAt(gateway, token), 'passed')
      }
      const response = await revoke(here, body)
      assert.equal(response.status, 201)
      assert.equal(await outcomeAt(here, token), REVOKED)
      const wait = async () => (await outcomeAt(there, token)) === REVOKED
      await eventually('revoked there', wait, FLEET_MS_MAX)
      const other = secondForm(token)
      assert.notEqual(other, token)
      assert.equal(await outcomeAt(here, other), REVOKED)
      assert.equal(await outcomeAt(there, other), REVOKED)
      assert.equal(await outcomeAt(there, spared), 'passed')
    })
  }

  it('knows all of it before it is ready again, after a restart', async () => {
    const token = await issuer.token({ jti: 'restart' })
    await revoke(here, { jti: 'restart', issuer: ISSUER })
    const again = await issuer.gateway(shared())
    try {
      await eventually('ready', () => again.gateway.isReady())
      assert.equal(await outcomeAt(again, token), REVOKED)
    } finally {
      await again.stop()
    }
  })

  it('is in force at once where it was made while Redis is away, and elsewhere afterwards', async () => {
    const token = await issuer.token({ jti: 'outage' })
    assert.equal(await outcomeAt(there, token), 'passed')
    await redis.kill()
    const response = await revoke(here, { jti: 'outage', issuer: ISSUER })
    assert.equal(response.status, 201)
    assert.equal(await outcomeAt(here, token), REVOKED)
    assert.equal(await outcomeAt(there, token), 'passed')
    assert.equal(await here.gateway.isReady(), true, 'an outage does not make it unready')
    await redis.up()
    await eventually('revoked there', async () => (await outcomeAt(there, token)) === REVOKED)
  })

  it('keeps neither tokens nor names in Redis', async () => {
    await revoke(here, { sub: 'a very private name', issuer: ISSUER })
    await eventually('written', async () => (await redis.command('ZCARD', 'revocation:live')) !== 0)
    const live = JSON.stringify(await redis.command('ZRANGE', 'revocation:live', 0, -1))
    const latest = JSON.stringify(await redis.command('XRANGE', 'revocation:new', '-', '+'))
    assert.match(live, /sub/)
    assert.doesNotMatch(live + latest, /a very private name/)
  })

  it('is not ready before it has learnt what others revoked', async () => {
    await redis.kill()
    const blind = await issuer.gateway(shared())
    try {
      const response = await fetch(`${blind.gateway.origin}/health/ready`)
      assert.equal(response.status, 503)
      assert.match(await response.text(), /waiting_for_revocations/)
      await redis.up()
      await eventually('ready', () => blind.gateway.isReady())
    } finally {
      await blind.stop()
    }
  })
})

describe('the calls that revoke', () => {
  let issuer: RevocationIssuer
  let gateway: CredentialGateway
  before(async () => {
    issuer = await RevocationIssuer.create()
    gateway = await issuer.gateway()
  })
  after(async () => gateway.stop())

  it('reach API keys, which no issuer has issued', async () => {
    const ask = async () => outcomeOf(await gateway.ask('/x', { 'x-api-key': 'a key' }))
    assert.equal(await ask(), 'passed')
    assert.equal((await revoke(gateway, { sub: 'job', issuer: null })).status, 201)
    assert.equal(await ask(), REVOKED)
  })

  it('report the use of a revoked token without saying whose it is', async () => {
    const token = await issuer.token({ jti: 'reported', sub: 'a private name' })
    await revoke(gateway, { jti: 'reported', issuer: ISSUER })
    await outcomeAt(gateway, token)
    const isIt = (line: Readonly<Record<string, unknown>>) => line['event'] === 'revoked_token_used'
    await eventually('the event', () => gateway.gateway.log.some(isIt))
    assert.ok(!JSON.stringify(gateway.gateway.log).includes('a private name'))
  })

  const future = Math.floor(Date.now() / 1_000) + 86_400
  const bad = [
    ['nothing', ''],
    ['half a body', '{"jti": "a", "issuer": "x"'],
    ['a list', '[]'],
    ['a member twice', '{"jti":"a","jti":"b","issuer":"x"}'],
    ['a number as jti', { jti: 1, issuer: ISSUER }],
    ['an empty jti', { jti: '', issuer: ISSUER }],
    ['a huge jti', { jti: 'a'.repeat(513), issuer: ISSUER }],
    ['jti and sub', { jti: 'a', sub: 'b', issuer: ISSUER }],
    ['a sub without an issuer', { sub: 'b' }],
    ['an unknown member', { jti: 'a', issuer: ISSUER, token: 'x' }],
    ['milliseconds', { jti: 'a', issuer: ISSUER, until: Date.now() + 1_000 }],
    ['a watermark of tomorrow', { sub: 'a', issuer: ISSUER, before: future }],
    ['an end that has passed', { jti: 'a', issuer: ISSUER, until: 1 }],
  ] as const
  for (const [what, body] of bad) {
    it(`refuse ${what} and change nothing`, async () => {
      const active = await activeRevocations(gateway)
      const response = await revoke(gateway, body)
      assert.equal(response.status, 400)
      assert.match(response.headers.get('content-type') ?? '', /problem\+json/)
      assert.equal(await activeRevocations(gateway), active)
    })
  }

  it('refuse another method, another type and too much', async () => {
    const url = `${gateway.gateway.adminOrigin}/revocations`
    assert.equal((await fetch(url)).status, 405)
    assert.equal((await fetch(url, { method: 'POST', body: '{"issuer":"x"}' })).status, 400)
    assert.equal((await revoke(gateway, `{"jti":"${'a'.repeat(70_000)}"}`)).status, 413)
    assert.equal((await revoke(gateway, {})).status, 400)
  })
})

describe('back-channel logout (OpenID Connect Back-Channel Logout 1.0)', () => {
  let issuer: RevocationIssuer
  let gateway: CredentialGateway
  before(async () => {
    issuer = await RevocationIssuer.create()
    gateway = await issuer.gateway()
  })
  after(async () => gateway.stop())
  const form = (token: string) => new URLSearchParams({ logout_token: token }).toString()

  it('ends what was issued to the subject before, and is not cached (§2.8)', async () => {
    const token = await issuer.token({ sub: 'alice' })
    const other = await issuer.token({ sub: 'bob' })
    assert.equal(await outcomeAt(gateway, token), 'passed')
    const response = await logOut(
      gateway,
      form(await issuer.logoutToken({ sub: 'alice', sid: '1' })),
    )
    assert.equal(response.status, 200)
    assert.match(response.headers.get('cache-control') ?? '', /no-store/)
    assert.equal(await outcomeAt(gateway, token), REVOKED)
    assert.equal(await outcomeAt(gateway, other), 'passed')
  })

  it('ends a session that the token names without a subject', async () => {
    const token = await issuer.token({ sid: 'the session' })
    await logOut(gateway, form(await issuer.logoutToken({ sid: 'the session' })))
    assert.equal(await outcomeAt(gateway, token), REVOKED)
  })

  it('says that it cannot tell whom a logout is about, where another claim names subjects', async () => {
    const { main, other } = issuer.settings['issuers'] as Record<string, object>
    const named = { ...main, claims: { subject: 'email' } }
    const elsewhere = await issuer.gateway({ issuers: { main: named, other } })
    try {
      const response = await logOut(elsewhere, form(await issuer.logoutToken({ sub: 'alice' })))
      assert.equal(response.status, 400)
      assert.match(await response.text(), /another claim/)
    } finally {
      await elsewhere.stop()
    }
  })

  it('takes a token once (§2.6)', async () => {
    const token = form(await issuer.logoutToken({ sub: 'carol' }))
    assert.equal((await logOut(gateway, token)).status, 200)
    const again = await logOut(gateway, token)
    assert.equal(again.status, 400)
    assert.match(await again.text(), /replayed/)
  })

  const now = Math.floor(Date.now() / 1_000)
  const refused: readonly (readonly [string, () => Promise<string>])[] = [
    ['no token', async () => ''],
    ['two tokens', async () => `${form('a')}&${form('b')}`],
    ['what is no JWT', async () => form('abc')],
    ['an access token', async () => form(await issuer.token({ sub: 'dave' }))],
    [
      'a token without an event',
      async () => form(await issuer.logoutToken({ sub: 'x', events: {} })),
    ],
    ['a token with a nonce', async () => form(await issuer.logoutToken({ sub: 'x', nonce: 'n' }))],
    [
      'a token for another client',
      async () => form(await issuer.logoutToken({ sub: 'x', aud: 'app' })),
    ],
    [
      'a token of nobody',
      async () => form(await issuer.logoutToken({ sub: 'x', iss: 'https://x/' })),
    ],
    ['neither subject nor session', async () => form(await issuer.logoutToken({}))],
    ['an old token', async () => form(await issuer.logoutToken({ sub: 'x', iat: now - 900 }))],
    ['another type', async () => form(await issuer.logoutToken({ sub: 'x' }, { typ: 'at+jwt' }))],
    ['an unknown key', async () => form(await issuer.logoutToken({ sub: 'x' }, { kid: 'two' }))],
    [
      'a forged token',
      async () => {
        const stranger = await RevocationIssuer.create()
        return form(await stranger.logoutToken({ sub: 'x' }))
      },
    ],
  ]
  for (const [what, body] of refused) {
    it(`refuses ${what} and changes nothing (§2.6)`, async () => {
      const active = await activeRevocations(gateway)
      const response = await logOut(gateway, await body())
      assert.equal(response.status, 400)
      assert.equal(((await response.json()) as { error: string }).error, 'invalid_request')
      assert.equal(await activeRevocations(gateway), active)
    })
  }
})
