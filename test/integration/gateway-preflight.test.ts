/** CORS preflights at a gateway whose routes ask for credentials. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { echoOf, soleAnswer } from '../support/proxied-answer.ts'
import { answerHeader, exchangeRaw, type RawAnswer } from '../support/raw-http.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'
import { startEchoUpstream, type UpstreamServer } from '../support/upstream-servers.ts'

const HOST = 'Host: api.example.com\r\nOrigin: https://app.example.com\r\n'

let upstream: UpstreamServer
let gateway: TestGateway

before(async () => {
  upstream = await startEchoUpstream()
  const issuer = { issuer: 'https://idp.example.com/', audiences: ['api'] }
  gateway = await openGateway({
    authenticate: ['jwt'],
    accessLog: 1,
    upstream: upstream.origin,
    issuers: { main: { ...issuer, algorithms: ['HS256'], secret: 's'.repeat(32) } },
    routes: {
      '/preflight': {
        match: { path: '/orders/*', methods: ['OPTIONS'] },
        authenticate: 'none',
      },
      '/orders/*': {},
      '/*': {},
    },
  })
})

after(async () => {
  await gateway.stop()
  await upstream.close()
})

async function ask(method: string, path: string): Promise<RawAnswer> {
  const asked = method === 'OPTIONS' ? 'Access-Control-Request-Method: POST\r\n' : ''
  const head = `${method} ${path} HTTP/1.1\r\n${HOST}${asked}\r\n`
  return soleAnswer((await exchangeRaw(gateway.port, head)).answers)
}

describe('a preflight', () => {
  it('reaches the service where a route for that method alone lets it pass', async () => {
    const { method, headers } = echoOf(await ask('OPTIONS', '/orders/1'))
    assert.equal(method, 'OPTIONS')
    assert.equal(headers['access-control-request-method'], 'POST')
    assert.equal(headers['origin'], 'https://app.example.com')
    assert.equal((await ask('GET', '/orders/1')).status, 401)
  })

  it('is refused like any request elsewhere, without CORS fields', async () => {
    const requests = upstream.requests
    const answer = await ask('OPTIONS', '/other')
    assert.equal(answer.status, 401)
    assert.deepEqual(answerHeader(answer, 'access-control-allow-origin'), [])
    assert.equal(upstream.requests, requests)
  })
})
