/** What the admin listener takes for a revocation or a logout, and all that it does not. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { wallSeconds } from '../support/live-token.ts'
import { headerText, mintKey, signRaw } from '../support/mint-token.ts'
import {
  ISSUER,
  judgedBy,
  logOut,
  OTHER_ISSUER,
  openRevocationRig,
  postLogout,
  revoke,
} from '../support/revocation-gateways.ts'
import type { TestGateway } from '../support/test-gateway.ts'

const CLIENT = 'our-client-id'
const EVENT = 'http://schemas.openid.net/event/backchannel-logout'

let rig: Awaited<ReturnType<typeof openRevocationRig>>
let gateway: TestGateway

before(async () => {
  rig = await openRevocationRig()
  gateway = await rig.start({}, { logoutAudiences: [CLIENT] })
})

after(async () => {
  await gateway.stop()
  await rig.close()
})

function revocations(): Promise<number> {
  return gateway.metric('sallyport_revocations')
}

/** Nothing may have changed by what `act` does. */
async function unchanged(act: () => Promise<void>): Promise<void> {
  const count = await revocations()
  await act()
  assert.equal(await revocations(), count)
}

const jti = 'a-token'
const BAD_BODIES: readonly (readonly [string, unknown])[] = [
  ['nothing', ''],
  ['no JSON', '{'],
  ['half a body', '{"jti": "a", "issuer": "x"'],
  ['no object', '[]'],
  ['text', '"jti"'],
  ['an empty object', {}],
  ['an unknown member', { jti, issuer: ISSUER, all: true }],
  ['a repeated member', `{"jti":"a","jti":"b","issuer":"${ISSUER}"}`],
  ['half a surrogate pair', `{"jti":"\\ud800","issuer":"${ISSUER}"}`],
  ['bytes that are not UTF-8', Buffer.from(`{"jti":"\xff","issuer":"${ISSUER}"}`, 'latin1')],
  ['two kinds', { jti, sid: 'a', issuer: ISSUER }],
  ['no issuer for a token', { jti }],
  ['no issuer for a subject', { sub: 'a' }],
  ['an issuer of null alone', { issuer: null }],
  ['a number for a name', { jti: 1, issuer: ISSUER }],
  ['an empty name', { jti: '', issuer: ISSUER }],
  ['a long name', { jti: 'a'.repeat(513), issuer: ISSUER }],
  ['an instant in the past', { jti, issuer: ISSUER, until: 1 }],
  ['milliseconds', { jti, issuer: ISSUER, until: Date.now() }],
  ['an instant in words', { jti, issuer: ISSUER, until: 'tomorrow' }],
  ['before with a token', { jti, issuer: ISSUER, before: 1 }],
  ['before in the future', { sub: 'a', issuer: ISSUER, before: wallSeconds() + 86_400 }],
  ['a remark that moves the cursor', { jti, issuer: ISSUER, reason: '\u001b[2J' }],
]

describe('a request to revoke', () => {
  for (const [what, body] of BAD_BODIES) {
    it(`with ${what} is refused with 400, says why, and changes nothing`, () =>
      unchanged(async () => {
        const answer = await revoke(gateway, body)
        assert.equal(answer.status, 400)
        assert.match(answer.contentType ?? '', /problem\+json/)
        assert.match(String(answer.body['message']), /^[A-Z].{10,}\.$/)
      }))
  }

  it('may name anybody, in UTF-8', async () => {
    const sub = `Käthe ${randomUUID()}`
    assert.equal((await revoke(gateway, { sub, issuer: ISSUER })).status, 201)
    const body = JSON.stringify({ sub: `${sub} 2`, issuer: ISSUER })
    assert.equal((await revoke(gateway, Buffer.from(body))).status, 201)
    for (const named of [sub, `${sub} 2`]) {
      assert.equal(await judgedBy(gateway, rig.token({ sub: named })), 'token_revoked')
    }
  })

  it('with another type or too much is refused, and changes nothing', () =>
    unchanged(async () => {
      const good = { jti, issuer: ISSUER }
      assert.equal((await revoke(gateway, good, 'text/plain')).status, 415)
      assert.equal((await revoke(gateway, { ...good, reason: 'x'.repeat(70_000) })).status, 413)
      const got = await fetch(`${gateway.adminOrigin}/revocations`)
      assert.equal(got.status, 405)
      assert.equal(got.headers.get('allow'), 'POST, DELETE')
      assert.equal((await fetch(`${gateway.adminOrigin}/revocations/a`)).status, 404)
    }))

  it('beyond the share of its issuer is answered 503, and all others go on', async () => {
    const small = await rig.start({ revocation: { capacity: 1_024 } })
    try {
      const capacity = await small.metric('sallyport_revocation_capacity')
      const statuses: number[] = []
      for (let number = 0; number < capacity; number += 64) {
        const batch = Array.from({ length: 64 }, () =>
          revoke(small, { jti: randomUUID(), issuer: ISSUER }),
        )
        statuses.push(...(await Promise.all(batch)).map(({ status }) => status))
      }
      assert.deepEqual(new Set(statuses), new Set([201, 503]))
      const taken = statuses.filter((status) => status === 201).length
      assert.ok(taken <= capacity / 2, `${taken} of ${capacity}`)
      const answer = await revoke(small, { jti, issuer: ISSUER })
      assert.equal(answer.status, 503)
      assert.match(String(answer.body['message']), /share of this issuer .* not in force/)
      assert.equal(await judgedBy(small, rig.token({ jti })), '200')
      const sub = randomUUID()
      assert.equal((await logOut(small, rig.logoutToken({ sub }))).status, 503)
      const iss = OTHER_ISSUER
      assert.equal((await logOut(small, rig.logoutToken({ sub, iss }))).status, 200)
      assert.equal(await judgedBy(small, rig.token({ sub }, OTHER_ISSUER)), 'token_revoked')
      assert.equal((await revoke(small, { jti, issuer: OTHER_ISSUER })).status, 201)
      const text = await (await fetch(`${small.adminOrigin}/metrics`)).text()
      assert.match(text, new RegExp(`revocations_of_issuer\\{issuer="main"\\} ${taken}\n`))
      assert.match(text, /revocations_of_issuer\{issuer="other"\} 2\n/)
      assert.match(text, /revocations_refused_total\{issuer="other"\} 0\n/)
    } finally {
      await small.stop()
    }
  })

  it('needs the token of the admin listener where there is one; a logout does not', async () => {
    const token = 'an-admin-token-of-some-length'
    const guarded = await rig.start({ admin: { host: '127.0.0.1', port: 0, token } })
    try {
      assert.equal((await revoke(guarded, { jti, issuer: ISSUER })).status, 401)
      const sub = randomUUID()
      assert.equal((await logOut(guarded, rig.logoutToken({ sub }))).status, 200)
      assert.equal(await judgedBy(guarded, rig.token({ sub })), 'token_revoked')
    } finally {
      await guarded.stop()
    }
  })
})

const stranger = mintKey('ES256', 'revoking-1')
const unpublished = mintKey('ES256', 'never-published')

const BAD_LOGOUTS: readonly (readonly [string, () => string])[] = [
  ['that is none', () => 'a.b.c'],
  ['of another issuer', () => rig.logoutToken({ sub: 'a', iss: 'https://else.example.com/' })],
  ['for somebody else', () => rig.logoutToken({ sub: 'a', aud: 'another-client' })],
  ['without its event', () => rig.logoutToken({ sub: 'a', events: {} })],
  ['with an event that is no object', () => rig.logoutToken({ sub: 'a', events: { [EVENT]: 1 } })],
  ['with a nonce', () => rig.logoutToken({ sub: 'a', nonce: 'n' })],
  ['without sub and sid', () => rig.logoutToken({})],
  ['without jti', () => rig.logoutToken({ sub: 'a', jti: undefined })],
  ['without exp', () => rig.logoutToken({ sub: 'a', exp: undefined })],
  ['that has expired', () => rig.logoutToken({ sub: 'a', exp: wallSeconds() - 60 })],
  ['of an hour ago', () => rig.logoutToken({ sub: 'a', iat: wallSeconds() - 3_600 })],
  ['of tomorrow', () => rig.logoutToken({ sub: 'a', iat: wallSeconds() + 86_400 })],
  ['typed as an access token', () => rig.logoutToken({ sub: 'a' }, { typ: 'at+jwt' })],
  ['with crit', () => rig.logoutToken({ sub: 'a' }, { crit: ['x'], x: 1 })],
  ['of algorithm none', () => rig.logoutToken({ sub: 'a' }, { alg: 'none' })],
  ['of an algorithm that is not accepted', () => rig.logoutToken({ sub: 'a' }, { alg: 'ES384' })],
  [
    'signed by somebody else under a known kid',
    () => signRaw(stranger, headerText(stranger), payloadOf(rig.logoutToken({ sub: 'a' }))),
  ],
  [
    'signed with a key that is not published',
    () => signRaw(unpublished, headerText(unpublished), payloadOf(rig.logoutToken({ sub: 'a' }))),
  ],
  ['that is an access token', () => rig.token()],
]

function payloadOf(token: string): string {
  return Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()
}

describe('the use of what was revoked', () => {
  it('is reported without saying whose it is', async () => {
    const sub = 'a private name'
    await revoke(gateway, { jti, issuer: ISSUER })
    assert.equal(await judgedBy(gateway, rig.token({ jti, sub })), 'token_revoked')
    const isReported = () => gateway.log.some(({ event }) => event === 'revoked_token_used')
    await eventually('the event', isReported)
    assert.ok(!JSON.stringify(gateway.log).includes(sub))
  })

  it('would end before some tokens do, which is told beforehand', async () => {
    const short = await rig.start({ revocation: { credentialLifetimeMax: '1m' } })
    try {
      const exp = wallSeconds() + 7_200
      assert.equal(await judgedBy(short, rig.token({ jti: randomUUID(), exp })), '200')
      const isTold = () => short.log.find(({ event }) => event === 'token_outlives_revocations')
      await eventually('the event', () => isTold() !== undefined)
      assert.equal(isTold()?.['issuer'], ISSUER)
      assert.equal(isTold()?.['revocationsLastSeconds'], 60)
    } finally {
      await short.stop()
    }
  })
})

describe('a logout token', () => {
  it('of a subject ends all that was issued to it before, and nothing later', async () => {
    const sub = randomUUID()
    const token = rig.token({ sub })
    assert.equal(await judgedBy(gateway, token), '200')
    const answer = await logOut(gateway, rig.logoutToken({ sub }))
    assert.equal(answer.status, 200)
    assert.equal(answer.cacheControl, 'no-store')
    assert.equal(await judgedBy(gateway, token), 'token_revoked')
    assert.equal(await judgedBy(gateway, rig.token()), '200')
    const later = rig.token({ sub, iat: wallSeconds() + 2 })
    assert.equal(await judgedBy(gateway, later), '200')
  })

  it('of a session without a subject ends that', async () => {
    const sid = randomUUID()
    const token = rig.token({ sid })
    assert.equal((await logOut(gateway, rig.logoutToken({ sid }))).status, 200)
    assert.equal(await judgedBy(gateway, token), 'token_revoked')
  })

  it('of a session ends it, and access tokens of the subject that name no session', async () => {
    const [sub, sid] = [randomUUID(), randomUUID()]
    const plain = rig.token({ sub })
    const named = rig.token({ sub, sid })
    const count = await revocations()
    const aud = [CLIENT]
    assert.equal((await logOut(gateway, rig.logoutToken({ sub, sid, aud }))).status, 200)
    assert.equal((await logOut(gateway, rig.logoutToken({ sub, sid, aud }))).status, 200)
    assert.equal(await revocations(), count + 1, 'nothing is kept that another entry covers')
    assert.equal(await judgedBy(gateway, plain), 'token_revoked')
    assert.equal(await judgedBy(gateway, named), 'token_revoked')
  })

  it('of a session ends that alone where the issuer names sessions in its tokens', async () => {
    const precise = await rig.start({}, { logoutRevokes: 'session' })
    try {
      const [sub, sid] = [randomUUID(), randomUUID()]
      const [ended, kept] = [rig.token({ sub, sid }), rig.token({ sub, sid: randomUUID() })]
      assert.equal((await logOut(precise, rig.logoutToken({ sub, sid }))).status, 200)
      assert.equal(await judgedBy(precise, ended), 'token_revoked')
      assert.equal(await judgedBy(precise, kept), '200')
    } finally {
      await precise.stop()
    }
  })

  it('about a subject that identities are not named by is refused, not ignored', async () => {
    const renamed = await rig.start({}, { claims: { subject: 'uid' } })
    try {
      const answer = await logOut(renamed, rig.logoutToken({ sub: 'a' }))
      assert.equal(answer.status, 400)
      assert.match(String(answer.body['error_description']), /another claim/)
    } finally {
      await renamed.stop()
    }
  })

  it('is taken once', async () => {
    const token = rig.logoutToken({ sub: randomUUID() })
    assert.equal((await logOut(gateway, token)).status, 200)
    await unchanged(async () => {
      const again = await logOut(gateway, token)
      assert.equal(again.status, 400)
      assert.deepEqual(again.body, { error: 'invalid_request', error_description: 'replayed' })
    })
  })

  for (const [what, make] of BAD_LOGOUTS) {
    it(`${what} is refused with 400 and changes nothing`, () =>
      unchanged(async () => {
        const answer = await logOut(gateway, make())
        assert.equal(answer.status, 400)
        assert.equal(answer.body['error'], 'invalid_request')
        assert.equal(answer.cacheControl, 'no-store')
      }))
  }

  it('that does not come as a form, once, and of bearable size is refused', () =>
    unchanged(async () => {
      const token = rig.logoutToken({ sub: 'a' })
      const form = `logout_token=${token}`
      assert.equal((await postLogout(gateway, form, 'application/json')).status, 415)
      assert.equal((await postLogout(gateway, `${form}&${form}`)).status, 400)
      assert.equal((await postLogout(gateway, 'logout_token=')).status, 400)
      assert.equal((await postLogout(gateway, `token=${token}`)).status, 400)
      assert.equal((await postLogout(gateway, `${form}&pad=${'x'.repeat(70_000)}`)).status, 413)
      assert.equal((await fetch(`${gateway.adminOrigin}/backchannel-logout`)).status, 405)
    }))
})
