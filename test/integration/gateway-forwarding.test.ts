/**
 * A gateway behind proxies: one client and one URL for lists of addresses, login pages and
 * upstreams, by what those proxies write; and nothing of it by what their clients write.
 */
import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { spellings } from '../security/attacks/identity-spoofing.ts'
import { ask, echoOf, type Fields, valuesOf } from '../support/gateway-answer.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'
import type { Echo } from '../support/upstream-servers.ts'

const PROXY = '127.0.0.2'
const ELSEWHERE = '127.0.0.9'
const CLIENT = '203.0.113.7'
const LIE = 'evil-7f3a'

const PLAN = {
  server: { trustedProxies: [PROXY] },
  sessions: { store: 'memory' },
  routes: {
    '/client/*': { authenticate: 'none', allowFrom: [CLIENT] },
    '/app/*': { authenticate: ['session'], loginRedirect: { url: '/login' } },
    '/*': { authenticate: 'none' },
  },
} as const

let gateway: TestGateway

before(async () => {
  gateway = await openGateway(PLAN)
})

const answerTo = (localAddress: string, path: string, fields: Fields) =>
  ask({ port: gateway.port, localAddress }, path, fields)

async function heard(localAddress: string, fields: Fields): Promise<Echo> {
  const answer = await answerTo(localAddress, '/x', fields)
  assert.equal(answer.status, 200)
  return echoOf(answer)
}

function say(echo: Echo, ...names: readonly string[]): readonly string[] {
  return names.map((name) => valuesOf(echo, name).join(' | '))
}

describe('a gateway behind a proxy that speaks RFC 7239 alone', () => {
  const fields: Fields = [['Forwarded', `for="${CLIENT}:4711";proto=https;host=shop.example`]]

  it('knows the client by it, for upstreams and for lists of addresses', async () => {
    const echo = await heard(PROXY, fields)
    assert.deepEqual(say(echo, 'x-forwarded-for', 'x-forwarded-proto', 'x-real-ip'), [
      `${CLIENT}, ${PROXY}`,
      'https',
      CLIENT,
    ])
    assert.deepEqual(say(echo, 'forwarded'), [`for=${CLIENT};host="shop.example";proto=https`])
    assert.equal((await answerTo(PROXY, '/client/x', fields)).status, 200)
  })

  it('does not believe a client that says the same', async () => {
    assert.deepEqual(say(await heard(ELSEWHERE, fields), 'x-forwarded-for', 'x-forwarded-proto'), [
      ELSEWHERE,
      'http',
    ])
    assert.equal((await answerTo(ELSEWHERE, '/client/x', fields)).status, 403)
    // nginx with $proxy_add_x_forwarded_for passes on what its client says in Forwarded.
    const passedOn: Fields = [['X-Forwarded-For', '198.51.100.9'], ...fields]
    assert.equal((await answerTo(PROXY, '/client/x', passedOn)).status, 403)
    assert.equal(
      say(await heard(PROXY, passedOn), 'forwarded')
        .join()
        .includes('shop'),
      false,
    )
  })
})

describe('a login page behind a TLS front', () => {
  const fields: Fields = [
    ['Accept', 'text/html'],
    ['X-Forwarded-Proto', 'HTTPS, http'],
    ['X-Forwarded-Host', 'my_shop.example:8443, inner'],
    ['X-Forwarded-Prefix', '/shop'],
  ]
  const returnTo = async (localAddress: string) => {
    const answer = await answerTo(localAddress, '/app/a?b=1', fields)
    assert.equal(answer.status, 302)
    return new URL(answer.field('location') ?? '', 'http://x').searchParams.get('return_to')
  }

  it('sends people back to the URL that they asked for', async () => {
    assert.equal(await returnTo(PROXY), 'https://my_shop.example:8443/shop/app/a?b=1')
  })

  it('sends them nowhere that a client has chosen', async () => {
    assert.equal(await returnTo(ELSEWHERE), 'http://gateway.test/app/a?b=1')
  })
})

describe('a field that upstreams take for the word of a proxy', () => {
  const NAMES = [
    ...['Remote-User', 'X-Remote-User', 'Front-End-Https', 'X-Forwarded-Ssl', 'X-Url-Scheme'],
    ...['X-Auth-Request-User', 'X-WEBAUTH-USER', 'X-Consumer-Username', 'X-SSL-Client-Verify'],
    ...['X-Forwarded-Client-Cert', 'X-Forwarded-User', 'X-Middleware-Subrequest', 'Proxy'],
  ]

  for (const [whose, localAddress] of [
    ['a client', ELSEWHERE],
    ['a trusted proxy', PROXY],
  ] as const) {
    it(`never reaches one as ${whose} sent it, however it is spelled`, async () => {
      for (const name of NAMES) {
        const fields = spellings(name).map((spelling) => [spelling, LIE] as const)
        const echo = await heard(localAddress, fields)
        assert.equal(JSON.stringify(echo.rawHeaders).includes(LIE), false, name)
      }
    })
  }

  it('is kept of a trusted proxy where the gateway says it too: port, prefix, X-Real-IP', async () => {
    const fields: Fields = [
      ['X-Forwarded-Port', '8443'],
      ['X-Forwarded-Prefix', '/shop'],
      ['X-Real-IP', CLIENT],
    ]
    const names = ['x-forwarded-port', 'x-forwarded-prefix', 'x-real-ip']
    assert.deepEqual(say(await heard(PROXY, fields), ...names), ['8443', '/shop', CLIENT])
    assert.deepEqual(say(await heard(ELSEWHERE, fields), ...names), ['', '', ELSEWHERE])
  })
})

describe('server.sendForwarded', () => {
  it('leaves Forwarded out from the next request on, and nothing else', async () => {
    await gateway.reloaded({ ...PLAN, server: { ...PLAN.server, sendForwarded: false } })
    for (const from of [PROXY, ELSEWHERE]) {
      const echo = await heard(from, [['Forwarded', `for=${LIE}`]])
      assert.deepEqual(say(echo, 'forwarded', 'x-forwarded-proto'), ['', 'http'])
    }
    await gateway.reloaded(PLAN)
    assert.match(say(await heard(ELSEWHERE, []), 'forwarded').join(), /^for=127\.0\.0\.9;/)
  })
})
