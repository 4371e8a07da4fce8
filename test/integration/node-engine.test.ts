/**
 * What the engine on node:http does and the native one does not (docs/engines.md), by raw sockets
 * through whole gateways.
 */
import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises'
import { eventually } from '../support/eventually.ts'
import { echoOf, valuesOf } from '../support/gateway-answer.ts'
import { proxied } from '../support/proxy-header.ts'
import { answerHeader, exchangeRaw, openRaw, type RawAnswer } from '../support/raw-http.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'

const BALANCER = '127.0.0.2'
const CLIENT = '203.0.113.7'

let gateway: TestGateway

before(async () => {
  gateway = await openGateway({
    server: { engine: 'node', trustedProxies: [BALANCER] },
    routes: { '/*': { authenticate: 'none' } },
    environment: { SALLYPORT_LISTENER_THREADS: '2' },
  })
})

async function answersTo(text: string, answers = 1, port = gateway.port) {
  return exchangeRaw(port, text, { answers, deadlineMs: 5_000 })
}

async function answerTo(text: string): Promise<RawAnswer> {
  const [answer] = (await answersTo(text)).answers
  assert.ok(answer !== undefined, 'there is an answer')
  return answer
}

const get = (target: string, fields = '') => `GET ${target} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`

describe('HTTP/1.0 (RFC 9112 §9.3)', () => {
  it('is served without Host, with the address that was connected to', async () => {
    const reply = await answersTo('GET /x HTTP/1.0\r\n\r\n')
    const [answer] = reply.answers
    assert.ok(answer !== undefined && reply.closed)
    assert.equal(echoOf(answer).headers.host, `127.0.0.1:${gateway.port}`)
  })

  it('ends an answer of unknown length with its connection, and sends no chunks', async () => {
    for (const fields of ['', 'Connection: keep-alive\r\n', 'TE: chunked\r\n']) {
      const reply = await answersTo(`GET /events?count=2&ms=1 HTTP/1.0\r\n${fields}\r\n`)
      const [answer] = reply.answers
      assert.ok(answer !== undefined && reply.closed, fields)
      assert.equal(answer.framing, 'close', fields)
      assert.deepEqual(answerHeader(answer, 'connection'), ['close'], fields)
    }
  })

  it('keeps the connection where that is asked for and the length is known', async () => {
    const connection = await openRaw({ port: gateway.port })
    for (let count = 1; count <= 2; count += 1) {
      connection.send('GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n')
      const answer = (await connection.waitForAnswers(count)).at(-1)
      assert.ok(answer !== undefined)
      assert.deepEqual(answerHeader(answer, 'connection'), ['keep-alive'])
      assert.equal(answer.framing, 'content-length')
    }
    connection.destroy()
  })

  it('has no chunked bodies: they are refused (RFC 9112 §6.1)', async () => {
    const fields = 'Host: a\r\nTransfer-Encoding: chunked\r\n'
    const reply = await answersTo(`POST / HTTP/1.0\r\n${fields}\r\n0\r\n\r\n`)
    assert.equal(reply.answers[0]?.status, 400)
  })
})

describe('requests that are sent ahead (RFC 9112 §9.3.2)', () => {
  it('are answered in order, the slow one before the others', async () => {
    const targets = ['/slow?ms=150', '/health/live', '/a//b-is-not-reached'].slice(0, 2)
    const more = Array.from({ length: 20 }, (_, index) => `/n${index}`)
    const all = [...targets, ...more]
    const reply = await answersTo(all.map((target) => get(target)).join(''), all.length)
    const urls = reply.answers.map((answer) => {
      const body = JSON.parse(answer.body.toString()) as { url?: string; status?: string }
      return body.url ?? body.status
    })
    assert.deepEqual(urls, ['/slow?ms=150', 'live', ...more])
  })

  it('are answered up to one that cannot be read, which is refused', async () => {
    const reply = await answersTo(`${get('/one')}${get('/two')}BREW / HTTP/1.1\r\n\r\n`, 3)
    assert.deepEqual(
      reply.answers.map(({ status }) => status),
      [200, 200, 400],
    )
    assert.ok(reply.closed)
  })

  it('are not read before those ahead of them have begun, however many there are', async () => {
    const connection = await openRaw({ port: gateway.port })
    connection.send(get('/slow?ms=400'))
    for (let index = 0; index < 100; index += 1) {
      connection.send(get(`/${index}`, `X-A: ${'a'.repeat(2_048)}\r\n`))
      await nextTurn()
    }
    const answers = await connection.waitForAnswers(101)
    assert.equal(echoOf(answers.at(-1) as RawAnswer).url, '/99')
    connection.destroy()
  })

  it('are not held without bound', async () => {
    const before = gateway.upstream.requests
    const ahead = Array.from({ length: 2_000 }, (_, index) => get(`/${index}`)).join('')
    const connection = await openRaw({ port: gateway.port })
    connection.send(get('/slow?ms=1000') + ahead)
    await connection.waitForClose(5_000)
    assert.ok(gateway.upstream.requests - before < 100)
  })
})

describe('forms of a target (RFC 9112 §3.2)', () => {
  it('may be a whole URL, which must say what Host says', async () => {
    const answer = await answerTo('GET http://a/x?y=z HTTP/1.1\r\nHost: A\r\n\r\n')
    assert.equal(echoOf(answer).url, '/x?y=z')
    assert.equal(echoOf(await answerTo('GET http://a HTTP/1.1\r\nHost: a\r\n\r\n')).url, '/')
    for (const target of [
      'http://b/x',
      'http://a:80/x',
      'ftp://a/x',
      'http:///x',
      'http://u@a/x',
    ]) {
      const refused = await answerTo(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`)
      assert.equal(refused.status, 400, target)
    }
    const twice = await answerTo('GET http://a/x HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n')
    assert.equal(twice.status, 400)
    const escaping = await answerTo('GET http://a/x/../y HTTP/1.1\r\nHost: a\r\n\r\n')
    assert.equal(escaping.status, 400)
  })

  it('OPTIONS * is answered for the server, and only OPTIONS', async () => {
    const answer = await answerTo('OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n')
    assert.equal(answer.status, 204)
    assert.match(answerHeader(answer, 'allow').join(), /GET, HEAD, POST/)
    assert.equal((await answerTo('GET * HTTP/1.1\r\nHost: a\r\n\r\n')).status, 400)
    assert.equal((await answerTo('OPTIONS * HTTP/1.1\r\n\r\n')).status, 400)
  })
})

describe('details of a message', () => {
  it('trailers and extensions of chunks are dropped, and the body arrives', async () => {
    const answer = await answerTo(
      'POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X-User-Id\r\n\r\n' +
        '5;name="value";b\r\nhello\r\n0\r\nX-User-Id: admin\r\n\r\n',
    )
    const echo = echoOf(answer)
    assert.equal(echo.body, 'hello')
    assert.deepEqual(valuesOf(echo, 'x-user-id'), [])
  })

  it('an empty line before a request is skipped (RFC 9112 §2.2)', async () => {
    const reply = await answersTo(`\r\n\r\n${get('/one')}\r\n${get('/two')}`, 2)
    assert.deepEqual(
      reply.answers.map((answer) => echoOf(answer).url),
      ['/one', '/two'],
    )
  })

  it('bytes beyond ASCII arrive as they were sent, but for fields that the gateway reads', async () => {
    const cookie = 'name=J\xfcrgen; other=\xc3\xa9'
    const echo = echoOf(
      await answerTo(get('/x', `Cookie: ${cookie}\r\nX-Name: \xffZo\xeb\xa0\r\n`)),
    )
    assert.equal(echo.headers.cookie, cookie)
    assert.equal(echo.headers['x-name'], '\xffZo\xeb\xa0')
    for (const name of ['Authorization', 'X-Forwarded-For', 'Connection', 'Forwarded', 'Expect']) {
      assert.equal((await answerTo(get('/x', `${name}: a\xa0\r\n`))).status, 400, name)
    }
  })

  it('fields beyond the limit are refused, not dropped', async () => {
    const fields = (count: number) => 'X-A: b\r\n'.repeat(count)
    assert.equal((await answerTo(get('/x', fields(99)))).status, 200)
    for (const count of [100, 500, 1_990]) {
      assert.equal((await answerTo(get('/x', fields(count)))).status, 431, String(count))
    }
  })

  it('100 Continue comes when the body is wanted, once, and not before a refusal', async () => {
    const head = (target: string) =>
      `POST ${target} HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-Continue\r\n\r\n`
    const connection = await openRaw({ port: gateway.port })
    connection.send(head('/x'))
    await connection.waitFor((text) => text.includes('100 Continue\r\n\r\n'))
    connection.send('hello')
    const [answer] = await connection.waitForAnswers(1)
    assert.ok(answer !== undefined)
    assert.equal(echoOf(answer).body, 'hello')
    assert.equal(connection.text.split('100 Continue').length, 2)
    connection.destroy()
    const refused = await answersTo(head('/a//b'))
    assert.match(refused.text, /^HTTP\/1.1 400 /)
    assert.doesNotMatch(refused.text, /100 Continue/)
  })

  it('the head of a streamed answer comes before its body', async () => {
    const connection = await openRaw({ port: gateway.port })
    const startedAtMs = performance.now()
    connection.send(get('/events?count=1&ms=4000'))
    await connection.waitFor((text) => text.includes('\r\n\r\n'))
    assert.ok(performance.now() - startedAtMs < 2_000)
    connection.destroy()
  })
})

describe('a client that takes its answer slowly', () => {
  it('is no stalled one, as long as it takes something', async () => {
    const strict = await openGateway({
      server: { engine: 'node', timeouts: { stalledReader: '2s' } },
      routes: { '/*': { authenticate: 'none' } },
    })
    const asking = get('/download?bytes=60000000')
    const halted = await openRaw({ port: strict.port })
    halted.socket.pause()
    halted.send(asking)
    const { socket: slow } = await openRaw({ port: strict.port })
    slow.on('data', () => slow.pause())
    const reading = setInterval(() => slow.resume(), 400)
    slow.write(asking)
    const openConnections = () => strict.metric('sallyport_open_connections')
    await eventually('both are open', async () => (await openConnections()) === 2)
    await eventually('the other one is cut', async () => (await openConnections()) === 1, 8_000)
    await delay(1_000)
    clearInterval(reading)
    assert.equal(await openConnections(), 1)
    slow.destroy()
    halted.destroy()
  })
})

describe('an upgrade (RFC 9110 §7.8)', () => {
  const UPGRADE = 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\n'

  it('to h2c is ignored: the connection serves the next request', async () => {
    const connection = await openRaw({ port: gateway.port })
    connection.send(get('/one', UPGRADE))
    await connection.waitForAnswers(1)
    connection.send(get('/two'))
    const [first, second] = await connection.waitForAnswers(2)
    assert.ok(first !== undefined && second !== undefined)
    assert.equal(echoOf(first).headers.upgrade, undefined)
    assert.equal(echoOf(second).url, '/two')
    connection.destroy()
  })

  it('closes the connection where bytes came behind it, and nothing of them is served', async () => {
    const before = gateway.upstream.requests
    const behind = ['POST /hidden HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\n', 'x']
    for (const piece of [get('/behind'), ...behind]) {
      const connection = await openRaw({ port: gateway.port })
      connection.send(get('/one', UPGRADE) + piece)
      connection.send(get('/smuggled'))
      await connection.waitForClose(5_000)
      assert.doesNotMatch(connection.text, /behind|hidden|smuggled/)
    }
    assert.ok(gateway.upstream.requests - before <= 3)
  })

  it('is not taken for alone because its fields have no white space', async () => {
    const behind = 'GET /behind HTTP/1.1\r\nContent-Length: 99\r\n\r\n'
    const short = 'A:b\r\n'.repeat(behind.length)
    const connection = await openRaw({ port: gateway.port })
    connection.send(get('/one', UPGRADE + short) + behind)
    connection.send(get('/smuggled'))
    await connection.waitForClose(5_000)
    assert.doesNotMatch(connection.text, /behind|smuggled/)
  })

  it('closes the connection behind a body, with which the parser drops what follows', async () => {
    const connection = await openRaw({ port: gateway.port })
    connection.send(`POST /one HTTP/1.1\r\nHost: a\r\n${UPGRADE}Content-Length: 5\r\n\r\n`)
    await gateway.ask('/between')
    connection.send(`helloPOST /behind HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\n`)
    connection.send(get('/smuggled'))
    await connection.waitForClose(5_000)
    assert.match(connection.text, /hello/)
    assert.doesNotMatch(connection.text, /behind|smuggled/)
  })
})

describe('a PROXY header of a trusted balancer', () => {
  it('names the client for the whole connection, and comes once', async () => {
    const connection = await openRaw({ port: gateway.port, localAddress: BALANCER })
    connection.send(Buffer.concat([proxied(CLIENT), Buffer.from(get('/one'))]))
    await connection.waitForAnswers(1)
    connection.send(get('/two'))
    const answers = await connection.waitForAnswers(2)
    for (const answer of answers) {
      assert.equal(echoOf(answer).headers['x-forwarded-for'], CLIENT)
    }
    connection.send(Buffer.concat([proxied('198.51.100.9'), Buffer.from(get('/three'))]))
    await connection.waitForClose()
    assert.doesNotMatch(connection.text, /three/)
  })

  it('may come byte by byte, and in front of nothing', async () => {
    const connection = await openRaw({ port: gateway.port, localAddress: BALANCER })
    for (const byte of Buffer.concat([proxied(CLIENT), Buffer.from(get('/one'))])) {
      connection.send(Uint8Array.of(byte))
    }
    const [answer] = await connection.waitForAnswers(1)
    assert.ok(answer !== undefined)
    assert.equal(echoOf(answer).headers['x-forwarded-for'], CLIENT)
    connection.destroy()
  })
})
