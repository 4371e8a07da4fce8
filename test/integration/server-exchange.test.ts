import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { ClientExchange } from '../../src/http/exchange.ts'
import { eventually } from '../support/eventually.ts'
import { type RunningServer, startServer } from '../support/native-server.ts'
import {
  answerHeader,
  exchangeRaw,
  openRaw,
  type RawAnswer,
  type RawReply,
} from '../support/raw-http.ts'

const HOST = 'Host: gateway.test\r\n'
const CHUNKED = 'Transfer-Encoding: chunked\r\n'

function request(method: string, path: string, fields = '', body = ''): string {
  return `${method} ${path} HTTP/1.1\r\n${HOST}${fields}\r\n${body}`
}

let running: RunningServer
let handle: (exchange: ClientExchange) => void = () => undefined

before(async () => {
  running = await startServer((exchange) => handle(exchange))
})

after(() => running.server.closeAll())

/** What a handler does, at once or after a turn of the event loop. */
const timings: readonly (readonly [name: string, run: (step: () => void) => void])[] = [
  ['at once', (step) => step()],
  ['later', (step) => setImmediate(step)],
]

async function only(text: string, method = 'GET'): Promise<[RawAnswer, RawReply]> {
  const reply = await exchangeRaw(running.port, text, { methods: [method] })
  assert.equal(reply.answers.length, 1, JSON.stringify(reply.text))
  const [answer] = reply.answers
  assert.ok(answer)
  assert.equal(answer.sizeBytes, reply.bytes.length, 'bytes behind the answer')
  return [answer, reply]
}

for (const [timing, run] of timings) {
  describe(`answers given ${timing} (RFC 9112 §6.3)`, () => {
    it('sends a whole answer with one length, one date, and the headers as given', async () => {
      handle = (exchange) => run(() => exchange.send('201 Created', ['X-A', '1', 'X-A', '2'], 'hé'))
      const [answer, reply] = await only(request('GET', '/'))
      assert.equal(answer.statusLine, 'HTTP/1.1 201 Created')
      assert.equal(answer.body.toString(), 'hé')
      assert.deepEqual(answerHeader(answer, 'x-a'), ['1', '2'])
      assert.deepEqual(answerHeader(answer, 'content-length'), ['3'])
      assert.equal(answerHeader(answer, 'date').length, 1)
      assert.deepEqual(answerHeader(answer, 'uwebsockets'), [])
      assert.ok(!reply.closed)
    })

    it('measures the body of an answer to HEAD, but does not send it', async () => {
      handle = (exchange) => run(() => exchange.send('200 OK', [], 'body'))
      const [answer] = await only(request('HEAD', '/'), 'HEAD')
      assert.deepEqual(answerHeader(answer, 'content-length'), ['4'])
    })

    it('declares for HEAD what the upstream declared, also when it was streamed', async () => {
      handle = (exchange) =>
        run(() => {
          exchange.start('200 OK', [], 5_000_000_000)
          exchange.write(Buffer.from('ignored'))
          exchange.finish()
        })
      const [answer] = await only(request('HEAD', '/'), 'HEAD')
      assert.deepEqual(answerHeader(answer, 'content-length'), ['5000000000'])
    })

    it('sends 204 and 304 without a body and without a length', async () => {
      for (const status of ['204 No Content', '304 Not Modified']) {
        handle = (exchange) => run(() => exchange.sendHead(status, ['ETag', '"a"'], null))
        const [answer, reply] = await only(request('GET', '/'))
        assert.equal(answer.statusLine, `HTTP/1.1 ${status}`)
        assert.deepEqual(answerHeader(answer, 'content-length'), [])
        assert.deepEqual(answerHeader(answer, 'transfer-encoding'), [])
        assert.ok(!reply.closed)
      }
    })

    it('declares no length of a 204, whatever was asked and declared (RFC 9110 §8.6)', async () => {
      for (const method of ['GET', 'HEAD']) {
        handle = (exchange) => run(() => exchange.sendHead('204 No Content', [], 0))
        const [answer] = await only(request(method, '/'), method)
        assert.deepEqual(answerHeader(answer, 'content-length'), [])
      }
    })

    it('streams a declared length without chunking', async () => {
      handle = (exchange) =>
        run(() => {
          exchange.start('200 OK', [], 6)
          exchange.write(Buffer.from('abc'))
          exchange.write(Buffer.from('def'))
          exchange.finish()
        })
      const [answer, reply] = await only(request('GET', '/'))
      assert.equal(answer.framing, 'content-length')
      assert.equal(answer.body.toString(), 'abcdef')
      assert.ok(!reply.closed)
    })

    it('streams an empty body, declared or not', async () => {
      for (const length of [0, null]) {
        handle = (exchange) =>
          run(() => {
            exchange.start('200 OK', [], length)
            exchange.finish()
          })
        const [answer] = await only(request('GET', '/'))
        assert.deepEqual(answerHeader(answer, 'content-length'), ['0'])
      }
    })

    it('streams an unknown length in chunks', async () => {
      handle = (exchange) =>
        run(() => {
          exchange.start('200 OK', [], null)
          exchange.write(Buffer.from('abc'))
          exchange.write(new Uint8Array(0))
          exchange.write(Buffer.from('def'))
          exchange.finish()
        })
      const [answer, reply] = await only(request('GET', '/'))
      assert.equal(answer.framing, 'chunked')
      assert.equal(answer.body.toString(), 'abcdef')
      assert.ok(!reply.closed)
    })

    it('cuts the connection when less or more than the declared length comes', async () => {
      for (const text of ['abc', 'abcdefgh']) {
        handle = (exchange) =>
          run(() => {
            exchange.start('200 OK', [], 6)
            exchange.write(Buffer.from(text))
            exchange.finish()
          })
        const reply = await exchangeRaw(running.port, request('GET', '/'))
        assert.equal(reply.answers.length, 0)
        assert.ok(reply.closed)
      }
    })

    it('closes after the answer when told to, whatever the framing', async () => {
      const answers: ((exchange: ClientExchange) => void)[] = [
        (exchange) => exchange.send('200 OK', [], 'abc'),
        (exchange) => exchange.sendHead('304 Not Modified', [], null),
        (exchange) => {
          exchange.start('200 OK', [], 6)
          exchange.write(Buffer.from('abc'))
          setImmediate(() => exchange.write(Buffer.from('def')))
        },
        (exchange) => {
          exchange.start('200 OK', [], null)
          exchange.write(Buffer.from('abc'))
          exchange.finish()
        },
      ]
      for (const answerWith of answers) {
        handle = (exchange) => run(() => answerWith(exchange))
        // A chunked request must be closed after: the spare handle does it at once.
        const [answer, reply] = await only(request('POST', '/', CHUNKED, '0\r\n\r\n'))
        assert.deepEqual(answerHeader(answer, 'connection'), ['close'])
        assert.ok(reply.closed)
      }
    })
  })
}

describe('exchange', () => {
  it('answers pipelined requests in order, as long as it answers them at once', async () => {
    handle = (exchange) => exchange.send('200 OK', [], exchange.head.path)
    const both = request('GET', '/1') + request('GET', '/2')
    const reply = await exchangeRaw(running.port, both, { answers: 2 })
    assert.deepEqual(
      reply.answers.map((answer) => answer.body.toString()),
      ['/1', '/2'],
    )
  })

  it('ignores everything after the answer', async () => {
    handle = (exchange) => {
      exchange.send('200 OK', [], 'first')
      assert.ok(exchange.closed)
      exchange.send('500 Late', [], 'second')
      exchange.sendHead('500 Late', [], 1)
      exchange.start('500 Late', [], null)
      exchange.write(Buffer.from('x'))
      exchange.finish()
      exchange.destroy()
      exchange.body.pause()
      exchange.body.resume()
    }
    const [answer, reply] = await only(request('GET', '/'))
    assert.equal(answer.body.toString(), 'first')
    assert.ok(!reply.closed)
    assert.deepEqual(running.errors, [])
  })

  it('tells the handler once when the client goes away, and takes calls after that', async () => {
    let goneCount = 0
    let exchangeSeen: ClientExchange | null = null
    handle = (exchange) => {
      exchangeSeen = exchange
      exchange.onGone(() => {
        goneCount += 1
      })
    }
    const connection = await openRaw({ port: running.port })
    connection.send(request('GET', '/'))
    const current = () => exchangeSeen as ClientExchange | null
    await eventually('the request is there', () => current() !== null)
    connection.destroy()
    await eventually('the handler is told', () => goneCount > 0)
    current()?.send('200 OK', [], 'late')
    current()?.destroy()
    assert.equal(goneCount, 1)
    assert.ok(current()?.closed)
  })

  it('knows the peer, the scheme and whether it has started', async () => {
    let seen: unknown[] = []
    handle = (exchange) => {
      seen = [exchange.peerAddress, exchange.scheme, exchange.started]
      exchange.send('200 OK', [], 'x')
      seen.push(exchange.started, exchange.peerAddress)
    }
    await only(request('GET', '/'))
    assert.deepEqual(seen, ['127.0.0.1', 'http', false, true, '127.0.0.1'])
  })

  it('closes every connection after its answer while it drains', async () => {
    const draining = await startServer((exchange) => exchange.send('200 OK', [], 'x'))
    draining.server.setDraining()
    const reply = await exchangeRaw(draining.port, request('GET', '/'))
    assert.deepEqual(reply.answers[0] && answerHeader(reply.answers[0], 'connection'), ['close'])
    assert.ok(reply.closed)
    await draining.server.stopAccepting()
    await assert.rejects(openRaw({ port: draining.port }))
    await eventually('all connections end', () => draining.server.connectionCount === 0)
    draining.server.closeAll()
  })

  it('refuses to share a port that is bound exclusively', async () => {
    await assert.rejects(
      startServer(() => undefined, { port: running.port }),
      /cannot listen|EADDRINUSE/,
    )
  })
})

describe('request body', () => {
  /** Collects the body and answers with it. */
  function echoBody(exchange: ClientExchange): void {
    const chunks: Uint8Array[] = []
    exchange.body.read(
      (chunk, isLast) => {
        chunks.push(chunk)
        if (isLast) exchange.send('200 OK', [], Buffer.concat(chunks))
      },
      (reason) => exchange.send('400 Failed', [], reason),
    )
  }

  for (const [timing, run] of timings) {
    it(`arrives whole when read ${timing}`, async () => {
      handle = (exchange) => run(() => echoBody(exchange))
      const [plain] = await only(request('POST', '/', 'Content-Length: 5\r\n', 'hello'))
      assert.equal(plain.body.toString(), 'hello')
      const [chunked] = await only(
        request('POST', '/', CHUNKED, '2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n'),
      )
      assert.equal(chunked.body.toString(), 'abcde')
      const [none] = await only(request('POST', '/', 'Content-Length: 0\r\n'))
      assert.equal(none.body.toString(), '')
    })

    it(`of a megabyte arrives unharmed when read ${timing}`, async () => {
      handle = (exchange) => run(() => echoBody(exchange))
      const body = Buffer.from(Array.from({ length: 1_048_576 }, (_, index) => index % 251))
      const head = request('POST', '/', `Content-Length: ${body.length}\r\n`)
      const reply = await exchangeRaw(running.port, Buffer.concat([Buffer.from(head), body]))
      assert.ok(reply.answers[0]?.body.equals(body))
    })
  }

  it('is refused as soon as chunks exceed the limit', async () => {
    handle = (exchange) => echoBody(exchange)
    const chunk = `80000\r\n${'a'.repeat(0x80000)}\r\n`
    const reply = await exchangeRaw(running.port, request('POST', '/', CHUNKED, chunk.repeat(4)))
    assert.match(String(reply.answers[0]?.body), /^too_large(?:\r\n)?$/)
    assert.ok(reply.closed)
  })

  it('is invited by 100 Continue', async () => {
    handle = (exchange) => echoBody(exchange)
    const connection = await openRaw({ port: running.port })
    connection.send(request('POST', '/', 'Expect: 100-continue\r\nContent-Length: 2\r\n'))
    await connection.waitFor((text) => text.startsWith('HTTP/1.1 100 Continue\r\n\r\n'))
    connection.send('ok')
    const [answer] = await connection.waitForAnswers(1)
    assert.equal(answer?.body.toString(), 'ok')
    connection.destroy()
  })

  it('holds the client back while there is no reader, and while the reader pauses', async () => {
    const size = 900_000
    let resume: () => void = () => undefined
    let received = 0
    handle = (exchange) => {
      exchange.body.read(
        (chunk, isLast) => {
          received += chunk.length
          if (isLast) exchange.send('200 OK', [], String(received))
          else exchange.body.pause()
        },
        () => undefined,
      )
      resume = () => exchange.body.resume()
    }
    const connection = await openRaw({ port: running.port })
    connection.send(request('POST', '/', `Content-Length: ${size}\r\n`))
    connection.send('x'.repeat(size))
    await eventually('the body begins', () => received > 0)
    const atPause = received
    await exchangeRaw(running.port, 'GET /a//b HTTP/1.1\r\nHost: a\r\n\r\n')
    assert.equal(received, atPause)
    const timer = setInterval(() => resume(), 1)
    const [answer] = await connection.waitForAnswers(1).finally(() => clearInterval(timer))
    assert.equal(answer?.body.toString(), String(size))
    connection.destroy()
  })

  it('does not begin with an empty chunk when it comes behind its head', async () => {
    const connection = await openRaw({ port: running.port })
    handle = (exchange) => {
      const { body } = exchange
      const answerFirst = (chunk: Uint8Array) => exchange.send('200 OK', [], String(chunk.length))
      body.read(answerFirst, () => undefined)
      connection.send('hello')
    }
    connection.send(request('POST', '/', 'Content-Length: 5\r\n'))
    const [answer] = await connection.waitForAnswers(1).finally(() => connection.destroy())
    assert.equal(answer?.body.toString(), '5')
  })

  it('tells the reader when the client goes away in the middle', async () => {
    const failures: string[] = []
    let isReading = false
    handle = (exchange) => {
      isReading = true
      exchange.body.read(
        () => undefined,
        (reason) => failures.push(reason),
      )
    }
    const connection = await openRaw({ port: running.port })
    connection.send(request('POST', '/', 'Content-Length: 10\r\n', 'half'))
    await eventually('the body is read', () => isReading)
    connection.destroy()
    await eventually('the reader is told', () => failures.length > 0)
    assert.deepEqual(failures, ['client_gone'])
  })

  it('that is not read is swallowed when short, and the connection serves on', async () => {
    handle = (exchange) => exchange.send('401 Unauthorized', [], 'no')
    const both = request('POST', '/', 'Content-Length: 5\r\n', 'hello') + request('GET', '/')
    const reply = await exchangeRaw(running.port, both, { answers: 2 })
    assert.deepEqual(
      reply.answers.map((answer) => answer.status),
      [401, 401],
    )
    assert.ok(!reply.closed)
  })

  it('that is not read and is still on its way is swallowed as well', async () => {
    handle = (exchange) => setImmediate(() => exchange.send('401 Unauthorized', [], 'no'))
    const connection = await openRaw({ port: running.port })
    connection.send(request('POST', '/', 'Content-Length: 60000\r\n', 'h'))
    await connection.waitForAnswers(1)
    connection.send('x'.repeat(59_999) + request('GET', '/'))
    const answers = await connection.waitForAnswers(2)
    assert.equal(answers.length, 2)
    connection.destroy()
  })

  it('that is not read costs the connection when it is long', async () => {
    handle = (exchange) => exchange.send('401 Unauthorized', [], 'no')
    const reply = await exchangeRaw(running.port, request('POST', '/', 'Content-Length: 99999\r\n'))
    assert.equal(reply.answers[0]?.status, 401)
    assert.ok(reply.closed)
  })
})
