/**
 * Details of HTTP as real programs send them, each named after one that does: methods, upgrades,
 * expectations, empty queries and odd names of fields. Paths and bytes beyond ASCII are in
 * gateway-kept-paths and gateway-opaque-values.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { only } from '../support/engine-differences.ts'
import { echoOf, errorOf, statusAndCode } from '../support/gateway-answer.ts'
import type { GatewayPlan } from '../support/gateway-text.ts'
import { answerHeader, exchangeRaw, openRaw, type RawAnswer } from '../support/raw-http.ts'
import { sha256 } from '../support/stored-credentials.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'
import { startRawUpstream, type UpstreamServer } from '../support/upstream-servers.ts'

const HOST = 'Host: a\r\n'
const SEARCH_HOST = 'Host: search.test\r\n'
const KEY = 'key-0123456789-of-a-machine'
const SEARCH = { path: '/search', host: 'search.test' }
const DAV = ['GET', 'OPTIONS', 'PROPFIND', 'REPORT', 'MKCALENDAR', 'MOVE', 'LOCK']
/** As IIS does on every POST, asked or not. */
const INVITING = 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'

let inviting: UpstreamServer
let gateway: TestGateway

function plan(routes: GatewayPlan['routes'] = {}): GatewayPlan {
  return {
    server: { keepHeaders: ['DOWNLOAD_URI', 'x.trace'], limits: { bodyBytes: 1_000_000 } },
    apiKeys: { keys: [{ sha256: sha256(KEY), userId: 'machine' }] },
    upstreams: { inviting: { targets: [inviting.origin] } },
    routes: {
      '/dav/*': { match: { path: '/dav/*', methods: DAV }, authenticate: 'none' },
      '/cache/*': { match: { path: '/cache/*', methods: ['PURGE'] }, authenticate: 'none' },
      '/search': { match: { ...SEARCH, methods: ['QUERY', 'POST'] }, authenticate: 'none' },
      '/search/': { name: 'asked', match: { ...SEARCH, methods: ['GET'] }, authenticate: 'none' },
      '/inviting/*': { upstream: 'inviting', authenticate: 'none' },
      '/key/*': { authenticate: ['apiKey'] },
      '/*': { match: { path: '/*', host: 'a' }, authenticate: 'none' },
      ...routes,
    },
  }
}

before(async () => {
  inviting = await startRawUpstream(() => INVITING)
  gateway = await openGateway(plan())
})

after(async () => {
  await gateway.stop()
  await inviting.close()
})

async function send(bytes: string, method = 'GET'): Promise<RawAnswer> {
  const reply = await exchangeRaw(gateway.port, bytes, { methods: [method] })
  const answer = reply.answers.at(-1)
  assert.ok(answer, `no answer: ${JSON.stringify(reply.text)}`)
  return answer
}

const request = (method: string, target: string, fields = '', body = '') =>
  `${method} ${target} HTTP/1.1\r\n${HOST}${fields}\r\n${body}`

describe('methods', () => {
  it('of CalDAV clients (DAVx5, Thunderbird) reach routes that name them, with their bodies', async () => {
    for (const method of ['PROPFIND', 'REPORT', 'MKCALENDAR', 'MOVE', 'LOCK']) {
      const fields = 'Depth: 1\r\nContent-Length: 12\r\n'
      const echo = echoOf(await send(request(method, '/dav/me/', fields, '<propfind/>\n')))
      assert.deepEqual([echo.method, echo.url, echo.body], [method, '/dav/me/', '<propfind/>\n'])
      assert.equal(echo.headers['depth'], '1')
    }
  })

  it('of cache purgers reach a route that names PURGE, several on one connection', async () => {
    const connection = await openRaw({ port: gateway.port })
    for (let count = 1; count <= 3; count += 1) {
      connection.send(request('PURGE', `/cache/${count}`))
      const answers = await connection.waitForAnswers(count)
      assert.equal(echoOf(answers.at(-1) as RawAnswer).method, 'PURGE')
    }
    connection.destroy()
  })

  it('named QUERY take a body, chunked too', async () => {
    const chunked = 'Transfer-Encoding: chunked\r\n'
    const bytes = request('QUERY', '/search', chunked, '3\r\na=b\r\n0\r\n\r\n')
    const echo = echoOf(await send(bytes.replace(HOST, SEARCH_HOST)))
    assert.deepEqual([echo.method, echo.body], ['QUERY', 'a=b'])
  })

  const unknown = only('native', 'unknown_methods')
  it('that no route names get 501, and the connection is closed', unknown, async () => {
    for (const method of ['BREW', 'UNLOCK', 'purge', 'get', 'TRACE', 'CONNECT']) {
      const reply = await exchangeRaw(gateway.port, request(method, '/dav/x'))
      const answer = reply.answers[0] as RawAnswer
      assert.equal(statusAndCode(answer), '501 method_not_implemented', method)
      assert.ok(reply.closed, method)
    }
  })

  it('that a path does not take get 405, and Allow has those of all its routes', async () => {
    const answer = await send(request('DELETE', '/search').replace(HOST, SEARCH_HOST))
    assert.equal(statusAndCode(answer), '405 method_not_allowed')
    assert.deepEqual(answerHeader(answer, 'allow'), ['QUERY, POST, GET, HEAD'])
  })

  it('that routes without methods take are the standard ones: PURGE of another route is 405', async () => {
    const answer = await send(request('PURGE', '/other'))
    assert.equal(statusAndCode(answer), '405 method_not_allowed')
    const standard = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS'
    assert.deepEqual(answerHeader(answer, 'allow'), [standard])
  })

  it('tell nothing of paths that no route is for', async () => {
    const answer = await send(request('PATCH', '/unknown').replace(HOST, SEARCH_HOST))
    assert.equal(statusAndCode(answer), '404 route_not_found')
  })

  it('are known once a reload names them, without a restart', async () => {
    assert.equal((await send(request('COPY', '/copied/x'))).status, 501)
    const match = { path: '/copied/*', methods: ['COPY'] }
    await gateway.reloaded(plan({ '/copied/*': { match, authenticate: 'none' } }))
    assert.equal((await send(request('COPY', '/copied/x'))).status, 200)
  })
})

describe('an upgrade that is not taken', () => {
  const upgrades: Readonly<Record<string, string>> = {
    'to h2c, as of the HttpClient of the JDK':
      'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n' +
      'HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\n',
    'to h2c, as of curl --http2':
      'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n',
    'to TLS, as of Apache HttpClient 5.4': 'Upgrade: TLS/1.2\r\nConnection: Upgrade\r\n',
    'to a web socket that Connection does not name': 'Upgrade: websocket\r\n',
  }
  for (const [name, fields] of Object.entries(upgrades)) {
    it(`${name}, keeps its connection and never reaches the upstream`, async () => {
      const connection = await openRaw({ port: gateway.port })
      for (let count = 1; count <= 20; count += 1) {
        connection.send(request('GET', `/${count}`, fields))
        const answers = await connection.waitForAnswers(count)
        const echo = echoOf(answers.at(-1) as RawAnswer)
        assert.equal(echo.url, `/${count}`)
        for (const field of ['upgrade', 'http2-settings']) assert.ok(!(field in echo.headers))
      }
      assert.ok(!connection.closed)
      assert.doesNotMatch(connection.text, /^connection: close/im)
      connection.destroy()
    })
  }

  it('with a body is served like any other request', async () => {
    const fields = `${Object.values(upgrades)[0]}Content-Length: 2\r\n`
    assert.equal(echoOf(await send(request('POST', '/x', fields, 'ok'))).body, 'ok')
  })
})

describe('the handshake of a web socket', () => {
  const FIELDS =
    'Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: http://a\r\n'

  it('of a browser gets 501 with a reason, and never a 101', async () => {
    const reply = await exchangeRaw(gateway.port, request('GET', '/chat', FIELDS))
    assert.equal(statusAndCode(reply.answers[0] as RawAnswer), '501 websocket_not_supported')
    assert.ok(reply.closed)
    assert.ok(
      (await gateway.metric('sallyport_refusals_total', { reason: 'websocket_unsupported' })) >= 1,
    )
  })
})

describe('an expectation', () => {
  /** Sends a head, then the body once it is asked for; what had come by then, and at the end. */
  async function invited(head: string, body: string) {
    const connection = await openRaw({ port: gateway.port })
    connection.send(head)
    await connection.waitFor((text) => /^HTTP\/1\.1 \d{3} /.test(text) && text.includes('\r\n\r\n'))
    const before = connection.text
    connection.send(body)
    await connection.waitForAnswers(1, ['POST'])
    return { connection, before, invitations: connection.text.split('100 Continue').length - 1 }
  }
  const expecting = (spelling: string, path: string, length: number, fields = '') =>
    request('POST', path, `${fields}Expect: ${spelling}\r\nContent-Length: ${length}\r\n`)

  for (const [client, spelling] of [
    ['the JDK', '100-Continue'],
    ['curl', '100-continue'],
    ['another', '100-CONTINUE'],
  ] as const) {
    for (const length of [2, 100_000]) {
      it(`of ${client}, ${spelling}, for ${length} bytes, is answered once`, async () => {
        const { connection, before, invitations } = await invited(
          expecting(spelling, '/upload', length),
          'x'.repeat(length),
        )
        assert.equal(before, 'HTTP/1.1 100 Continue\r\n\r\n')
        assert.equal(invitations, 1)
        const [answer] = await connection.waitForAnswers(1)
        assert.equal(answer?.status, 200)
        assert.equal(answer?.body.toString(), String(length))
        connection.send(request('GET', '/next'))
        const [, next] = await connection.waitForAnswers(2)
        assert.equal(next?.status, 200, 'the connection goes on')
        connection.destroy()
      })
    }
  }

  it('is answered once where the upstream answers one as well (IIS)', async () => {
    for (const spelling of ['100-Continue', '100-continue']) {
      const { connection, invitations } = await invited(expecting(spelling, '/inviting/', 2), 'ok')
      assert.equal(invitations, 1)
      connection.destroy()
    }
  })

  it('of the JDK gets no 100 in front of a refusal, and the connection is closed', async () => {
    const connection = await openRaw({ port: gateway.port })
    connection.send(expecting('100-Continue', '/key/upload', 5_000, 'X-API-Key: wrong\r\n'))
    await connection.waitForClose()
    assert.doesNotMatch(connection.text, /100 Continue/)
    const [answer] = await connection.waitForAnswers(1)
    assert.equal(statusAndCode(answer as RawAnswer), '401 invalid_api_key')
    assert.deepEqual(answerHeader(answer as RawAnswer, 'connection'), ['close'])
    connection.destroy()
  })

  it('of the JDK is answered once its credential is good', async () => {
    const fields = `X-API-Key: ${KEY}\r\n`
    const head = expecting('100-Continue', '/key/upload', 5, fields)
    const { connection, invitations } = await invited(head, 'hello')
    assert.equal(invitations, 1)
    connection.destroy()
  })

  it('of a client that does not wait is not answered', only('native', 'expect_early'), async () => {
    const bytes = `${expecting('100-Continue', '/upload', 5)}hello`
    const reply = await exchangeRaw(gateway.port, bytes)
    assert.equal(reply.answers[0]?.status, 200)
  })

  it('of a chunked upload of the JDK is answered once, and the body arrives', async () => {
    const fields = 'Expect: 100-Continue\r\nTransfer-Encoding: chunked\r\n'
    const head = request('POST', '/upload', fields)
    const { connection, invitations } = await invited(head, '5\r\nhello\r\n0\r\n\r\n')
    assert.equal(invitations, 1)
    const [answer] = await connection.waitForAnswers(1)
    assert.equal(answer?.body.toString(), '5')
    connection.destroy()
  })

  it('that is there twice, or is another one, is refused', async () => {
    const twice = 'Expect: 100-continue\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n'
    assert.equal(errorOf(await send(request('POST', '/x', twice))), 'invalid_request')
    const other = 'Expect: 200-ok\r\nContent-Length: 2\r\n'
    assert.equal(errorOf(await send(request('POST', '/x', other))), 'invalid_request')
  })
})

describe('a query that is empty', () => {
  it('stays what it is, as one of a signed URL', async () => {
    assert.equal(echoOf(await send(request('GET', '/a?'))).url, '/a?')
    assert.equal(echoOf(await send(request('GET', '/a'))).url, '/a')
    assert.equal(echoOf(await send(request('GET', '/a??'))).url, '/a??')
  })
})

describe('names of fields with other characters than letters, digits and dashes', () => {
  it('are counted where they are dropped', async () => {
    const name = 'sallyport_request_fields_dropped_total'
    const earlier = await gateway.metric(name)
    const echo = echoOf(await send(request('GET', '/', 'api_key: a\r\nX.Y: b\r\nX-Z: c\r\n')))
    assert.equal(echo.headers['x-z'], 'c')
    assert.ok(!('api_key' in echo.headers) && !('x.y' in echo.headers))
    assert.equal((await gateway.metric(name)) - earlier, 2)
  })

  it('are kept where the configuration lists them, as Apache Pinot needs', async () => {
    const fields = 'DOWNLOAD_URI: http://x/\r\nX.Trace: 1\r\nX_User_Id: root\r\nX.User.Id: root\r\n'
    const { headers, rawHeaders } = echoOf(await send(request('GET', '/', fields)))
    assert.equal(headers['download_uri'], 'http://x/')
    assert.equal(headers['x.trace'], '1')
    assert.ok(!rawHeaders.includes('root'))
  })

  it('are removed where Connection names them, kept or not', async () => {
    const fields = 'DOWNLOAD_URI: http://x/\r\nConnection: download_uri\r\n'
    assert.ok(!('download_uri' in echoOf(await send(request('GET', '/', fields))).headers))
  })
})
