/** Browsers that are not logged in are sent to the login page, by a whole gateway. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { outcomeOf } from '../support/gateway-answer.ts'
import { answerHeader, exchangeRaw, type RawAnswer } from '../support/raw-http.ts'
import { newSessionId } from '../support/stored-credentials.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'

const BROWSER = { accept: 'text/html,application/xhtml+xml;q=0.9,*/*;q=0.8' }
const CLEARED = '__Host-sid=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure'

let parts: TestGateway

before(async () => {
  parts = await openGateway({
    server: {
      host: '127.0.0.1',
      port: 0,
      drain: { delay: '0s', timeout: '200ms' },
      trustedProxies: ['127.0.0.2'],
    },
    issuers: {
      shared: {
        issuer: 'https://shared.example.com/',
        audiences: ['api'],
        algorithms: ['HS256'],
        secret: 'a shared secret of thirty-two bytes at the least',
      },
    },
    sessions: { store: 'memory' },
    logging: { level: 'info', accessLog: { sampling: 1, refusalSampling: 1 } },
    routes: {
      '/app/*': { authenticate: ['session'], loginRedirect: { url: '/login' } },
      '/link/*': {
        authenticate: ['jwt'],
        credentials: [{ from: 'query', name: 'token' }],
        loginRedirect: { url: 'https://login.example.com/?a=1', returnParameter: 'next' },
      },
      '/api/*': { authenticate: ['session'] },
      '/login': { authenticate: 'none' },
    },
  })
})

after(() => parts.stop())

async function askRaw(target: string, fields: string, localAddress: string): Promise<RawAnswer> {
  const head = `GET ${target} HTTP/1.1\r\nHost: app.example.com:8443\r\nAccept: text/html\r\n`
  const from = { port: parts.port, localAddress }
  const { answers } = await exchangeRaw(from, `${head}${fields}\r\n`)
  assert.ok(answers[0], 'no answer')
  return answers[0]
}

describe('a login redirect', () => {
  it('answers 302 to a browser without a session, and nothing goes upstream', async () => {
    const requests = parts.upstream.requests
    const reply = await parts.ask('/app/a%20b?x=1&y=2', { ...BROWSER, host: 'app.example.com' })
    assert.equal(reply.status, 302)
    const asked = 'http://app.example.com/app/a%20b?x=1&y=2'
    assert.equal(reply.field('location'), `/login?return_to=${encodeURIComponent(asked)}`)
    assert.equal(reply.field('cache-control'), 'no-store')
    assert.equal(reply.field('vary'), 'Accept')
    assert.equal(reply.field('www-authenticate'), null)
    assert.equal(reply.field('set-cookie'), null)
    assert.match(String(reply.field('x-request-id')), /./)
    assert.equal(reply.text, '')
    assert.equal(parts.upstream.requests, requests)
  })

  it('takes a cookie away that names no session', async () => {
    const cookie = `__Host-sid=${newSessionId()}`
    const reply = await parts.ask('/app/', { ...BROWSER, cookie }, 'HEAD')
    assert.equal(reply.status, 302)
    assert.deepEqual(reply.values('set-cookie'), [CLEARED])
  })

  it('does not tell the page a token that was in the URL', async () => {
    const answer = await askRaw('/link/x?a=1&token=bad.bad.bad&b=2', '', '127.0.0.1')
    assert.equal(answer.status, 302)
    const asked = encodeURIComponent('http://app.example.com:8443/link/x?a=1&b=2')
    assert.deepEqual(answerHeader(answer, 'location'), [
      `https://login.example.com/?a=1&next=${asked}`,
    ])
  })

  it('takes scheme and host from a trusted proxy alone', async () => {
    const fields = 'X-Forwarded-Proto: https\r\nX-Forwarded-Host: shop.example.com\r\n'
    for (const [peer, origin] of [
      ['127.0.0.1', 'http://app.example.com:8443'],
      ['127.0.0.2', 'https://shop.example.com'],
    ] as const) {
      const answer = await askRaw('/app/', fields, peer)
      const asked = encodeURIComponent(`${origin}/app/`)
      assert.deepEqual(answerHeader(answer, 'location'), [`/login?return_to=${asked}`])
    }
  })

  it('is not for programs, other methods, other refusals and other routes', async () => {
    const session = { cookie: `__Host-sid=${newSessionId()}` }
    const fromKnownSite = { ...BROWSER, 'sec-fetch-site': 'same-origin' }
    for (const [path, headers, method, outcome] of [
      ['/app/', {}, 'GET', '401 no_session'],
      ['/app/', { accept: '*/*' }, 'GET', '401 no_session'],
      ['/app/', { accept: 'text/html;q=0, application/json' }, 'GET', '401 no_session'],
      ['/app/', BROWSER, 'POST', '401 no_session'],
      ['/app/', { ...fromKnownSite, ...session }, 'DELETE', '401 session_not_found'],
      ['/app/', { ...BROWSER, ...session }, 'POST', '403 csrf_rejected'],
      ['/api/', BROWSER, 'GET', '401 no_session'],
      ['/nowhere', BROWSER, 'GET', '404 route_not_found'],
    ] as const) {
      const reply = await parts.ask(path, headers, method)
      assert.equal(outcomeOf(reply), outcome, `${method} ${path}`)
      assert.equal(reply.field('location'), null)
    }
  })

  it('is counted and logged under the code of the refusal', async () => {
    const sample =
      'sallyport_refusals_total{code="no_session",reason="session_absent",issuer="shared"}'
    const before = await parts.metric(sample)
    const reply = await parts.ask('/app/counted', BROWSER)
    assert.equal(await parts.metric(sample), before + 1)
    const requestId = reply.field('x-request-id')
    const lines = () => parts.log.filter((line) => line['requestId'] === requestId)
    await eventually('the access log has the request', () => lines().length === 1)
    assert.equal(lines()[0]?.['status'], 302)
    assert.equal(lines()[0]?.['code'], 'no_session')
    assert.equal(lines()[0]?.['reason'], 'session_absent')
  })
})
