/** The metadata of protected resources on the wire of a whole gateway (RFC 9728). */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { liveToken } from '../support/live-token.ts'
import { AUDIENCE, mintKey } from '../support/mint-token.ts'
import { answerHeader, exchangeRaw, type RawAnswer } from '../support/raw-http.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'
import { startEchoUpstream, type UpstreamServer } from '../support/upstream-servers.ts'

const PATH = '/.well-known/oauth-protected-resource'
const HOST = 'api.example.com'
const ISSUER = 'https://one.example.com/'
const SECRET = 'a shared secret of thirty-two bytes at the least'
const key = { ...mintKey('HS256'), signingKey: new Uint8Array(Buffer.from(SECRET)) }

let upstream: UpstreamServer
let gateway: TestGateway

before(async () => {
  upstream = await startEchoUpstream()
  const rest = { audiences: [AUDIENCE], algorithms: ['HS256'], secret: SECRET }
  const resource = `https://${HOST}/v1`
  gateway = await openGateway({
    authenticate: ['jwt'],
    accessLog: 1,
    upstream: upstream.origin,
    issuers: {
      one: { issuer: ISSUER, ...rest },
      two: { issuer: 'https://two.example.com/', ...rest },
    },
    routes: {
      '/v1/read/*': { resource, issuers: ['one'], require: { scopes: { all: ['read'] } } },
      '/v1/write/*': {
        resource,
        issuers: ['two', 'one'],
        require: { scopes: { any: ['write', 'read'] } },
        credentials: [{ from: 'header' }, { from: 'query', name: 'access_token' }],
      },
      '/other/*': { resource: 'http://other.example.com:8080', issuers: ['one'] },
      '/*': { authenticate: 'none' },
    },
  })
})

after(async () => {
  await gateway.stop()
  await upstream.close()
})

async function ask(
  target: string,
  host: string,
  { method = 'GET', fields = '' } = {},
): Promise<RawAnswer> {
  const head = `${method} ${target} HTTP/1.1\r\nHost: ${host}\r\n${fields}\r\n`
  const { answers } = await exchangeRaw(gateway.port, head, { methods: [method] })
  assert.ok(answers[0], 'no answer')
  return answers[0]
}

describe('the metadata of a protected resource (RFC 9728 §3)', () => {
  it('is one document for all routes of the resource, for everybody', async () => {
    const requests = upstream.requests
    const answer = await ask(`${PATH}/v1`, HOST)
    assert.equal(answer.status, 200)
    assert.deepEqual(answerHeader(answer, 'content-type'), ['application/json'])
    assert.deepEqual(answerHeader(answer, 'cache-control'), ['public, max-age=300'])
    assert.deepEqual(JSON.parse(answer.body.toString()), {
      resource: `https://${HOST}/v1`,
      authorization_servers: [ISSUER, 'https://two.example.com/'],
      scopes_supported: ['read', 'write'],
      bearer_methods_supported: ['header', 'query'],
    })
    assert.equal(upstream.requests, requests)
  })

  it('has its length told to HEAD', async () => {
    const whole = await ask(`${PATH}/v1`, HOST)
    const answer = await ask(`${PATH}/v1`, HOST, { method: 'HEAD' })
    assert.equal(answer.status, 200)
    assert.deepEqual(answerHeader(answer, 'content-length'), [String(whole.body.length)])
    assert.equal(answer.body.length, 0)
  })

  it('is found under the host of its resource in any spelling, with any port', async () => {
    for (const host of ['API.example.com', `${HOST}.`, `${HOST}:8443`]) {
      const answer = await ask(`${PATH}/v1`, host)
      assert.deepEqual(answerHeader(answer, 'content-type'), ['application/json'])
      assert.match(answer.body.toString(), /"authorization_servers"/)
    }
    const other = await ask(PATH, 'other.example.com')
    assert.match(other.body.toString(), /^\{"resource":"http:\/\/other\.example\.com:8080",/)
  })

  it('may be read by pages of every origin, whatever fields they send', async () => {
    const requests = upstream.requests
    const answer = await ask(`${PATH}/v1`, HOST, { fields: 'Origin: https://agent.example\r\n' })
    assert.deepEqual(answerHeader(answer, 'access-control-allow-origin'), ['*'])
    const preflight = await ask(`${PATH}/v1`, HOST, {
      method: 'OPTIONS',
      fields:
        'Origin: https://agent.example\r\nAccess-Control-Request-Method: GET\r\n' +
        'Access-Control-Request-Headers: mcp-protocol-version\r\n',
    })
    assert.equal(preflight.status, 204)
    assert.equal(preflight.body.length, 0)
    for (const [name, value] of [
      ['access-control-allow-origin', '*'],
      ['access-control-allow-methods', 'GET, HEAD'],
      ['access-control-allow-headers', '*'],
    ] as const) {
      assert.deepEqual(answerHeader(preflight, name), [value])
    }
    assert.equal(upstream.requests, requests)
  })

  it('is not there for other hosts, paths and methods, which go to the routes', async () => {
    for (const [target, host, method] of [
      [`${PATH}/v1`, 'other.example.com', 'GET'],
      [PATH, HOST, 'GET'],
      [`${PATH}/v1/`, HOST, 'GET'],
      [`${PATH}/v1/read`, HOST, 'GET'],
      [`${PATH}/v1`, HOST, 'OPTIONS'],
    ] as const) {
      const requests = upstream.requests
      const answer = await ask(target, host, { method })
      assert.equal(answer.status, 200)
      assert.equal(upstream.requests, requests + 1, `${method} ${host} ${target}`)
    }
  })

  it('is named by every challenge of its routes (§5.1)', async () => {
    const url = `https://${HOST}${PATH}/v1`
    const weak = `Authorization: Bearer ${liveToken(key, ISSUER, { scope: 'none' })}\r\n`
    for (const [fields, status] of [
      ['', 401],
      ['Authorization: Bearer bad\r\n', 401],
      [weak, 403],
    ] as const) {
      const answer = await ask('/v1/read/x', HOST, { fields })
      assert.equal(answer.status, status)
      const [challenge = ''] = answerHeader(answer, 'www-authenticate')
      assert.ok(challenge.endsWith(`, resource_metadata="${url}"`), challenge)
    }
    const other = await ask('/other/x', HOST)
    assert.match(
      answerHeader(other, 'www-authenticate')[0] ?? '',
      /resource_metadata="http:\/\/other\.example\.com:8080\/\.well-known\/oauth-protected-resource"$/,
    )
  })
})
