/** Requests through a whole gateway to real upstreams, judged by the bytes on the client's wire. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import {
  Agent,
  createServer,
  type IncomingMessage,
  type RequestListener,
  request,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it, type TestContext } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { announcesClose, echoOf, soleAnswer } from '../support/proxied-answer.ts'
import { answerHeader, exchangeRaw, openRaw, type RawAnswer } from '../support/raw-http.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'
import {
  RAW_ANSWERS,
  startEchoUpstream,
  startRawUpstream,
  type UpstreamServer,
} from '../support/upstream-servers.ts'

const BODY_BYTES_MAX = 100_000
const EVENTS = 20
const REQUESTS = 20_000
const CLIENTS = 64

/** An answer with fields that are meant for the gateway alone. */
const HOP_BY_HOP_ANSWER =
  'HTTP/1.1 200 OK\r\nconnection: keep-alive, x-named\r\nkeep-alive: timeout=9\r\nx-named: 1\r\n' +
  'proxy-connection: keep-alive\r\nx-request-id: mine\r\nx-kept: yes\r\ncontent-length: 2\r\n\r\nok'

let gateway: TestGateway
let echo: UpstreamServer
let raw: UpstreamServer

before(async () => {
  echo = await startEchoUpstream()
  raw = await startRawUpstream(({ received }) => {
    return received.includes('/raw/hops ') ? HOP_BY_HOP_ANSWER : RAW_ANSWERS.ok
  })
  gateway = await openGateway({
    upstream: [echo.origin],
    server: { limits: { bodyBytes: BODY_BYTES_MAX } },
    upstreams: { raw: { targets: [raw.origin] } },
  })
})

after(async () => {
  await gateway.stop()
  await echo.close()
  await raw.close()
})

/** A gateway over an upstream of the test's own; both end with the test. */
async function gatewayOver(test: TestContext, answer: RequestListener): Promise<TestGateway> {
  const server = createServer(answer)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const running = await openGateway({ upstream: [`http://127.0.0.1:${port}`] })
  test.after(async () => {
    await running.stop()
    server.closeAllConnections()
    server.close()
  })
  return running
}

describe('methods and framing (RFC 9112 §6)', () => {
  const requests = [
    ['GET', '/a/b?c=d%20e', ''],
    ['HEAD', '/download?bytes=5', ''],
    ['GET', '/status?code=204', ''],
    ['DELETE', '/x', ''],
    ['GET', '/status?code=304', ''],
    ['POST', '/x', 'some body'],
    ['HEAD', '/status?code=204', ''],
    ['PUT', '/x', 'b'.repeat(70_000)],
    ['GET', '/events?count=3&ms=5', ''],
    ['GET', '/download?bytes=90000', ''],
    ['PATCH', '/x', 'p'],
    ['OPTIONS', '/x', ''],
    ['GET', '/last', ''],
  ] as const

  function checkAnswer(answer: RawAnswer, method: string, url: string, body: string): void {
    assert.equal(answerHeader(answer, 'date').length, 1)
    if (url.startsWith('/status')) {
      assert.equal(String(answer.status), url.slice(-3))
      assert.deepEqual(answerHeader(answer, 'content-length'), [])
      assert.deepEqual(answerHeader(answer, 'transfer-encoding'), [])
    } else if (url.startsWith('/download')) {
      const bytes = url.slice('/download?bytes='.length)
      assert.deepEqual(answerHeader(answer, 'content-length'), [bytes])
      assert.equal(answer.body.length, method === 'HEAD' ? 0 : Number(bytes))
    } else if (url.startsWith('/events')) {
      assert.equal(answer.body.toString(), 'data: 0\n\ndata: 1\n\ndata: 2\n\n')
      assert.equal(answer.framing, 'chunked')
    } else {
      const received = echoOf(answer)
      assert.deepEqual([received.method, received.url, received.body], [method, url, body])
    }
  }

  it('serves one request after the other on a connection, whatever they are', async () => {
    const methods = requests.map(([method]) => method)
    const connection = await openRaw({ port: gateway.port })
    for (const [index, [method, url, body]] of requests.entries()) {
      const length = body === '' ? '' : `content-length: ${body.length}\r\n`
      connection.send(`${method} ${url} HTTP/1.1\r\nhost: a\r\n${length}\r\n${body}`)
      const answers = await connection.waitForAnswers(index + 1, methods)
      checkAnswer(answers[index] as RawAnswer, method, url, body)
    }
    assert.equal(connection.closed, false)
    connection.destroy()
  })

  it('takes a chunked request body, and closes the connection behind it', async () => {
    const chunked =
      'PUT /x HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n' +
      '5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n'
    const reply = await exchangeRaw(gateway.port, chunked)
    const answer = soleAnswer(reply.answers)
    assert.equal(echoOf(answer).body, 'hello world')
    assert.ok(announcesClose(answer))
    assert.equal(reply.closed, true)
  })

  it('takes nothing behind a chunked body for a request', async () => {
    const requestsBefore = echo.requests
    const reply = await exchangeRaw(
      gateway.port,
      'PUT /x HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n' +
        'GET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n',
    )
    assert.equal(reply.closed, true)
    assert.ok(reply.answers.length <= 1)
    assert.doesNotMatch(reply.text, /smuggled/)
    assert.ok(echo.requests <= requestsBefore + 1)
  })

  it('invites a body that waits for 100 Continue', async () => {
    const connection = await openRaw({ port: gateway.port })
    connection.send(
      'POST /x HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n',
    )
    await connection.waitFor((text) => text.startsWith('HTTP/1.1 100 Continue\r\n\r\n'))
    connection.send('hello')
    const [answer] = await connection.waitForAnswers(1)
    const received = echoOf(answer)
    assert.equal(received.body, 'hello')
    assert.equal(received.headers.expect, undefined)
    connection.destroy()
  })

  it('relays an answer that comes before the end of the body, and then closes', async () => {
    const reply = await exchangeRaw(
      gateway.port,
      'PUT /raw/ok HTTP/1.1\r\nhost: a\r\ncontent-length: 90000\r\n\r\nonly a part',
    )
    assert.equal(soleAnswer(reply.answers).body.toString(), 'ok')
    assert.ok(announcesClose(soleAnswer(reply.answers)))
    assert.equal(reply.closed, true)
  })

  it('never mixes up pipelined requests', async () => {
    const paths = ['/slow?ms=30', '/second', '/third']
    const wire = paths.map((path) => `GET ${path} HTTP/1.1\r\nhost: a\r\n\r\n`).join('')
    const reply = await exchangeRaw(gateway.port, wire, { answers: paths.length })
    for (const [index, answer] of reply.answers.entries()) {
      assert.equal(echoOf(answer).url, paths[index])
    }
    // The native server cuts a connection that sends a second request while the first is in work.
    assert.ok(
      reply.answers.length === paths.length || reply.closed,
      'the client is not left waiting',
    )
  })
})

describe('limits of a body', () => {
  it('refuses a declared length over the limit without asking the upstream', async () => {
    const requestsBefore = echo.requests
    const reply = await exchangeRaw(
      gateway.port,
      `PUT /x HTTP/1.1\r\nhost: a\r\ncontent-length: ${BODY_BYTES_MAX + 1}\r\n\r\n`,
    )
    assert.equal(soleAnswer(reply.answers).status, 413)
    assert.match(soleAnswer(reply.answers).body.toString(), /"error":"payload_too_large"/)
    assert.equal(reply.closed, true)
    assert.equal(echo.requests, requestsBefore)
  })

  it('refuses chunks as soon as they exceed the limit', async () => {
    const chunk = `${(10_000).toString(16)}\r\n${'x'.repeat(10_000)}\r\n`
    const reply = await exchangeRaw(
      gateway.port,
      `PUT /x HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n${chunk.repeat(11)}`,
    )
    assert.equal(soleAnswer(reply.answers).status, 413)
    assert.equal(reply.closed, true)
  })

  it('takes a body of exactly the limit', async () => {
    const body = 'x'.repeat(BODY_BYTES_MAX)
    const reply = await exchangeRaw(
      gateway.port,
      `PUT /upload HTTP/1.1\r\nhost: a\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    )
    assert.equal(soleAnswer(reply.answers).body.toString(), String(BODY_BYTES_MAX))
  })
})

describe('header fields', () => {
  /** Fields that only the gateway may say; everything else is the client's. */
  const OWN = /^(x-forwarded-|forwarded:|x-real-ip:|x-request-id:|x-correlation-id:|traceparent:)/i

  it('holds each field of the client once, as it came, and ends where it should', async (test) => {
    let head = ''
    const upstream = await startRawUpstream(({ received }) => {
      head = received
      return RAW_ANSWERS.ok
    })
    const running = await openGateway({ upstream: [upstream.origin] })
    test.after(async () => {
      await running.stop()
      await upstream.close()
    })
    const fields = [
      'host: api.example.com:80',
      'accept: */*',
      'x-repeated: 1',
      'x-repeated: 2',
      'x-empty: ',
      'x-inner: a\tb: c; x-user-id: someone',
      `x-long: ${'v'.repeat(8_000)}`,
      'content-length: 2',
    ]
    const text = `POST /a HTTP/1.1\r\n${fields.join('\r\n')}\r\nconnection: close\r\n\r\nok`
    const reply = await exchangeRaw(running.port, text)
    assert.equal(soleAnswer(reply.answers).status, 200)
    const [start, body, ...more] = head.split('\r\n\r\n')
    assert.deepEqual([body, more], ['ok', []])
    const [requestLine, ...lines] = (start ?? '').split('\r\n')
    assert.equal(requestLine, 'POST /a HTTP/1.1')
    const clients = lines.filter((line) => !OWN.test(line) && line !== 'connection: keep-alive')
    assert.deepEqual(clients.toSorted(), fields.toSorted())
  })

  it('removes what is meant for one hop, and says who the client is', async () => {
    const reply = await exchangeRaw(
      gateway.port,
      [
        'GET /x HTTP/1.1',
        'Host: Api.Example.com:8080',
        'Connection: keep-alive, X-Secret',
        'X-Secret: 1',
        'Keep-Alive: timeout=5',
        'Proxy-Connection: keep-alive',
        'Proxy-Authorization: Basic eA==',
        'TE: trailers',
        'Upgrade: h2c',
        'HTTP2-Settings: AAMAAABkAAQAAP__',
        'X-Forwarded-For: 8.8.8.8',
        'X_Forwarded_For: 8.8.8.8',
        'X-Forwarded-Proto: https',
        'X-Forwarded-Host: evil.example',
        'Forwarded: for=8.8.8.8',
        'X-Kept: yes',
        '\r\n',
      ].join('\r\n'),
    )
    const { headers, rawHeaders } = echoOf(soleAnswer(reply.answers))
    for (const name of [
      'x-secret',
      'keep-alive',
      'proxy-connection',
      'proxy-authorization',
      'te',
      'upgrade',
      'http2-settings',
      'x_forwarded_for',
    ]) {
      assert.equal(headers[name], undefined, name)
    }
    assert.equal(headers['x-kept'], 'yes')
    assert.equal(headers.host, 'Api.Example.com:8080')
    assert.equal(headers['x-forwarded-for'], '127.0.0.1')
    assert.equal(headers['x-forwarded-proto'], 'http')
    assert.equal(headers['x-forwarded-host'], 'Api.Example.com:8080')
    assert.equal(headers.forwarded, 'for=127.0.0.1;host="Api.Example.com:8080";proto=http')
    assert.equal(rawHeaders.filter((name) => name.toLowerCase() === 'x-forwarded-for').length, 1)
    assert.match(String(headers['traceparent']), /^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/)
    assert.deepEqual(
      [headers['x-request-id']],
      [...answerHeader(soleAnswer(reply.answers), 'x-request-id')],
    )
  })

  it('removes the same from answers, and lets no upstream name the request', async () => {
    const reply = await exchangeRaw(gateway.port, 'GET /raw/hops HTTP/1.1\r\nhost: a\r\n\r\n')
    const answer = soleAnswer(reply.answers)
    for (const name of ['x-named', 'proxy-connection']) {
      assert.deepEqual(answerHeader(answer, name), [], name)
    }
    // An engine may announce a time of its own.
    assert.ok(!answerHeader(answer, 'keep-alive').includes('timeout=9'))
    assert.deepEqual(answerHeader(answer, 'x-kept'), ['yes'])
    assert.equal(answerHeader(answer, 'x-request-id').length, 1)
    assert.notEqual(answerHeader(answer, 'x-request-id')[0], 'mine')
  })

  it('believes a proxy that is trusted', async (test) => {
    const behindProxy = await openGateway({
      upstream: [echo.origin],
      server: { trustedProxies: ['127.0.0.0/8'] },
    })
    test.after(() => behindProxy.stop())
    const reply = await exchangeRaw(
      behindProxy.port,
      'GET /x HTTP/1.1\r\nhost: a\r\nx-forwarded-for: 203.0.113.7\r\nx-forwarded-proto: https\r\n' +
        'x-request-id: from-the-proxy\r\n\r\n',
    )
    const { headers } = echoOf(soleAnswer(reply.answers))
    assert.equal(headers['x-forwarded-for'], '203.0.113.7, 127.0.0.1')
    assert.equal(headers['x-forwarded-proto'], 'https')
    assert.equal(headers['x-request-id'], 'from-the-proxy')
  })
})

describe('server-sent events', () => {
  it('come one by one, none waiting for the next', async (test) => {
    const streams: ServerResponse[] = []
    const events = await gatewayOver(test, (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.flushHeaders()
      streams.push(response)
    })
    const client = await openRaw({ port: events.port })
    client.send('GET /events HTTP/1.1\r\nhost: a\r\naccept: text/event-stream\r\n\r\n')
    await eventually('the request has reached the source', () => streams.length === 1)
    // Each is sent only when the one before has arrived: one that is held back would stay so.
    for (let count = 0; count < EVENTS; count += 1) {
      streams[0]?.write(`data: ${count}\n\n`)
      await client.waitFor((text) => text.includes(`data: ${count}\n\n`))
    }
    client.destroy()
    await eventually(
      'the source learns that the client has left',
      () => streams[0]?.closed === true,
    )
  })
})

describe('many clients at once', () => {
  it('get each their own answers', async (test) => {
    // Answers in an order of its own: many requests wait for others to come.
    const waiting: (() => void)[] = []
    const busy = await gatewayOver(test, (incoming, response) => {
      const { url = '', headers } = incoming
      waiting.push(() => response.end(`${url} ${String(headers['x-id'])}`))
      if (waiting.length >= CLIENTS / 4) for (const answer of waiting.splice(0).reverse()) answer()
      else setImmediate(() => waiting.pop()?.())
    })
    const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS })
    let next = 0
    const wrong: string[] = []
    const client = async () => {
      while (next < REQUESTS) {
        const id = `id-${next}`
        next += 1
        const outgoing = request(`${busy.origin}/r/${id}`, { agent, headers: { 'x-id': id } })
        outgoing.end()
        const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
        const text = Buffer.concat(await answer.toArray()).toString()
        if (answer.statusCode !== 200 || text !== `/r/${id} ${id}`) wrong.push(`${id}: ${text}`)
      }
    }
    await Promise.all(Array.from({ length: CLIENTS }, client))
    agent.destroy()
    assert.deepEqual(wrong, [])
  })
})
