import assert from 'node:assert/strict'
import { after, afterEach, before, describe, it } from 'node:test'
import type { UpstreamPool } from '../../src/proxy/upstream-pool.ts'
import { createPool, send, TestForward, until } from '../support/proxy-harness.ts'
import {
  type Echo,
  RAW_ANSWERS,
  type RawScript,
  startEchoUpstream,
  startRawUpstream,
  type UpstreamServer,
} from '../support/upstream-servers.ts'

const MIB = 1_048_576

let echo: UpstreamServer
let pool: UpstreamPool
const opened: { close(): Promise<void> }[] = []

before(async () => {
  echo = await startEchoUpstream()
  pool = createPool([echo.origin])
})

after(async () => {
  await pool.destroy()
  await echo.close()
})

afterEach(async () => {
  for (const part of opened.splice(0).reverse()) await part.close()
})

/** A pool over a raw upstream; both are closed after the test. */
async function poolOver(script: RawScript): Promise<[UpstreamPool, UpstreamServer]> {
  const upstream = await startRawUpstream(script)
  const rawPool = createPool([upstream.origin])
  opened.push(upstream, { close: () => rawPool.destroy() })
  return [rawPool, upstream]
}

function echoed(sent: TestForward): Echo {
  assert.equal(sent.end, 'complete', String(sent.refusal))
  return JSON.parse(sent.exchange.text) as Echo
}

describe('forwarding a request', () => {
  it('sends method, path, query and exactly the given fields, and relays the answer', async () => {
    const headers = ['host', 'api.example.com', 'x-user-id', 'alice', 'accept', '*/*']
    const sent = await send(pool, { path: '/a/b?c=d%20e', upstreamHeaders: headers })
    const received = echoed(sent)
    assert.equal(received.method, 'GET')
    assert.equal(received.url, '/a/b?c=d%20e')
    assert.deepEqual(
      [...received.rawHeaders].sort(),
      [...headers, 'connection', 'keep-alive'].sort(),
    )
    assert.equal(sent.exchange.kind, 'send')
    assert.equal(sent.exchange.status, '200 OK')
    assert.equal(sent.exchange.field('content-type'), 'application/json')
    assert.equal(sent.exchange.field('date'), null)
    assert.equal(sent.exchange.closesAfterAnswer, false)
  })

  it('adds the gateway’s own fields to the answer', async () => {
    const sent = await send(pool, { answerHeaders: ['x-request-id', 'r1'] })
    assert.equal(sent.exchange.field('x-request-id'), 'r1')
  })

  it('uses one connection for requests that follow each other', async () => {
    const upstream = await startEchoUpstream()
    const ownPool = createPool([upstream.origin])
    opened.push(upstream, { close: () => ownPool.destroy() })
    for (let count = 0; count < 5; count += 1) await send(ownPool)
    assert.equal(upstream.connections, 1)
    assert.equal(ownPool.stats.targets[0]?.connected, 1)
  })

  it('sends a body that came whole with its length', async () => {
    const received = echoed(
      await send(pool, {
        method: 'POST',
        hasBody: true,
        contentLength: 5,
        upstreamHeaders: ['content-length', '5'],
        prepare: (exchange) => exchange.body.feed('hello', true),
      }),
    )
    assert.equal(received.body, 'hello')
    assert.equal(received.headers['content-length'], '5')
  })

  it('streams a body of declared length, and one of unknown length in chunks', async () => {
    for (const length of [10, null]) {
      const requests = echo.requests
      const headers = length === null ? [] : ['content-length', '10']
      const sent = new TestForward(pool, {
        method: 'PUT',
        hasBody: true,
        contentLength: length,
        upstreamHeaders: headers,
      })
      sent.exchange.body.feed('hello', false)
      sent.exchange.body.feed('', false)
      await until(() => echo.requests > requests, 'the first half to be sent')
      sent.exchange.body.feed('world', true)
      const received = echoed(await sent.settled())
      assert.equal(received.body, 'helloworld')
      assert.equal(received.headers['content-length'], length === null ? undefined : '10')
      assert.equal(received.headers['transfer-encoding'], length === null ? 'chunked' : undefined)
    }
  })

  it('sends a POST without a body with length 0', async () => {
    const options = { method: 'POST', upstreamHeaders: ['content-length', '0'] }
    const received = echoed(await send(pool, options))
    assert.equal(received.headers['content-length'], '0')
  })

  it('takes no upstream connection before there is something to send', async () => {
    const sent = new TestForward(pool, { method: 'POST', hasBody: true, contentLength: 2 })
    assert.equal(pool.pending, 0)
    sent.exchange.body.feed('ok', true)
    assert.equal(pool.pending, 1)
    await sent.settled()
    assert.equal(pool.pending, 0)
  })

  it('answers HEAD, 204 and 304 without a body and goes on with the next request', async () => {
    const head = await send(pool, { method: 'HEAD', path: '/download?bytes=100' })
    assert.equal(head.exchange.kind, 'sendHead')
    assert.equal(head.exchange.contentLength, 100)
    for (const status of [204, 304]) {
      const empty = await send(pool, { path: `/status?code=${status}` })
      assert.equal(empty.exchange.kind, 'sendHead')
      assert.equal(empty.exchange.contentLength, null)
      assert.ok(empty.exchange.status.startsWith(`${status} `))
    }
    echoed(await send(pool))
  })
})

describe('streaming', () => {
  it('streams 64 MiB to a slow client and never holds more than a few chunks', async () => {
    const bytes = 64 * MIB
    const sent = new TestForward(pool, { path: `/download?bytes=${bytes}`, keepBody: false })
    const { exchange } = sent
    // Slow from the first byte: a chunk is taken only after a turn of the event loop.
    exchange.slow = true
    let sinceHeldBack = 0
    let mostSinceHeldBack = 0
    exchange.onWrite = () => {
      sinceHeldBack += 1
      mostSinceHeldBack = Math.max(mostSinceHeldBack, sinceHeldBack)
      if (sinceHeldBack > 1) return
      setImmediate(() => {
        sinceHeldBack = 0
        exchange.drain()
        exchange.slow = true
      })
    }
    await until(() => exchange.started, 'the head')
    await sent.settled()
    assert.equal(sent.end, 'complete')
    assert.equal(exchange.bodyBytes, bytes)
    assert.equal(exchange.contentLength, bytes)
    assert.ok(exchange.holdBacks > 100)
    assert.ok(mostSinceHeldBack <= 2, `${mostSinceHeldBack} chunks after "hold back"`)
  })

  it('stops taking bytes from the upstream while the client takes none', async () => {
    let written = 0
    const [rawPool] = await poolOver((connection) => {
      connection.socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n')
      const chunk = Buffer.alloc(65_536)
      const writeMore = (): void => {
        while (!connection.socket.destroyed && connection.socket.write(chunk)) {
          written += chunk.length
        }
        written += chunk.length
      }
      connection.socket.on('drain', writeMore)
      writeMore()
      return undefined
    })
    const sent = new TestForward(rawPool, { keepBody: false })
    sent.exchange.slow = true
    await until(() => sent.exchange.holdBacks > 0, 'the client to be slow')
    let before = -1
    // The kernel's buffers between the two fill up; then nothing moves any more.
    await until(() => {
      const isStill = written === before
      before = written
      return isStill
    }, 'the upstream to be held back')
    assert.ok(sent.exchange.bodyBytes < MIB)
    assert.equal(sent.exchange.holdBacks, 1)
    sent.exchange.leave()
    await sent.settled()
    assert.equal(sent.end, 'client_gone')
  })

  it('streams 64 MiB up and holds the client back when the upstream is slower', async () => {
    const chunk = Buffer.alloc(65_536, 'u')
    const bytes = 64 * MIB
    const sent = new TestForward(pool, {
      method: 'POST',
      path: '/upload',
      hasBody: true,
      contentLength: bytes,
      upstreamHeaders: ['content-length', String(bytes)],
    })
    const { body } = sent.exchange
    let fed = 0
    while (fed < bytes) {
      if (body.paused) await until(() => !body.paused, 'the upstream to take more')
      fed += chunk.length
      body.feed(chunk, fed === bytes)
    }
    await sent.settled()
    assert.equal(sent.exchange.text, String(bytes))
    assert.ok(body.pauses > 10, `held back ${body.pauses} times`)
  })

  it('passes server-sent events on as they come, the head first', async () => {
    const sent = new TestForward(pool, { path: '/events?count=3&ms=30' })
    const { exchange } = sent
    await until(() => exchange.started, 'the head')
    assert.equal(exchange.field('content-type'), 'text/event-stream')
    assert.equal(exchange.bodyBytes, 0)
    await until(() => exchange.text === 'data: 0\n\n', 'the first event alone')
    await sent.settled()
    assert.equal(exchange.text, 'data: 0\n\ndata: 1\n\ndata: 2\n\n')
    assert.equal(exchange.contentLength, null)
  })

  it('relays both ways at the same time', async () => {
    const sent = new TestForward(pool, { method: 'POST', path: '/mirror', hasBody: true })
    sent.exchange.body.feed('ping', false)
    await until(() => sent.exchange.text === 'ping', 'the first half')
    sent.exchange.body.feed('pong', true)
    await sent.settled()
    assert.equal(sent.exchange.text, 'pingpong')
  })

  it('cuts a stream when told to, and ends it upstream', async () => {
    const sent = new TestForward(pool, { path: '/events?count=1000&ms=20' })
    await until(() => sent.exchange.bodyBytes > 0, 'an event')
    sent.forwarding.cut()
    assert.equal(sent.exchange.destroyed, true)
    assert.equal(sent.end, 'cut')
    await until(() => pool.pending === 0, 'the upstream request to end')
    sent.forwarding.cut()
    assert.equal(sent.verdicts, 1)
  })
})

describe('early and interim answers', () => {
  it('relays an answer that comes before the end of the body, and then closes', async () => {
    const [rawPool, upstream] = await poolOver(
      () => 'HTTP/1.1 413 Content Too Large\r\ncontent-length: 3\r\n\r\nbig',
    )
    const sent = new TestForward(rawPool, { method: 'POST', hasBody: true })
    sent.exchange.body.feed('first', false)
    await sent.settled()
    assert.equal(sent.exchange.status, '413 Payload Too Large')
    assert.equal(sent.exchange.text, 'big')
    assert.equal(sent.exchange.closesAfterAnswer, true)
    sent.exchange.body.feed('late', true)
    // The half-sent request's connection is not used again.
    await until(() => rawPool.pending === 0, 'the connection to be given back')
    assert.equal((await send(rawPool)).exchange.text, 'big')
    assert.equal(upstream.connections, 2)
  })

  it('skips interim answers (RFC 9110 §15.2)', async () => {
    const [rawPool] = await poolOver(() => RAW_ANSWERS.earlyHints)
    const sent = await send(rawPool)
    assert.equal(sent.exchange.status, '200 OK')
    assert.equal(sent.exchange.field('link'), null)
  })

  it('drops trailers', async () => {
    const [rawPool] = await poolOver(() => RAW_ANSWERS.trailers)
    const sent = await send(rawPool)
    assert.equal(sent.exchange.text, 'ok')
    assert.deepEqual(sent.exchange.headers, [])
  })

  it('relays an answer that ends with the connection', async () => {
    const [rawPool] = await poolOver((connection) => {
      connection.socket.end('HTTP/1.0 200 OK\r\n\r\nuntil the end')
      return undefined
    })
    const sent = await send(rawPool)
    assert.equal(sent.end, 'complete')
    assert.equal(sent.exchange.text, 'until the end')
  })
})

describe('a client that goes away', () => {
  it('ends the request upstream while it waits for the answer', async () => {
    const sent = new TestForward(pool, { path: '/slow?ms=60000' })
    await until(() => pool.pending === 1, 'the request to be under way')
    sent.exchange.leave()
    assert.equal(sent.end, 'client_gone')
    await until(() => pool.pending === 0, 'the request to end')
  })

  it('does not open an exchange for a client that is gone already', async () => {
    const requests = echo.requests
    const sent = await send(pool, {
      prepare: (exchange) => {
        exchange.closed = true
      },
    })
    assert.equal(sent.end, 'client_gone')
    assert.equal(echo.requests, requests)
  })

  it('drops a request that was not yet written, and keeps the connection', async () => {
    const [rawPool, upstream] = await poolOver(() => RAW_ANSWERS.ok)
    const gone = new TestForward(rawPool, {})
    gone.exchange.leave()
    await until(() => rawPool.pending === 0, 'the request to be dropped')
    assert.equal((await send(rawPool)).exchange.text, 'ok')
    assert.equal(upstream.requests, 1)
    assert.equal(upstream.connections, 1)
  })

  it('ends the upload when the client leaves in the middle of it', async () => {
    const sent = new TestForward(pool, { method: 'POST', path: '/upload', hasBody: true })
    sent.exchange.body.feed('half', false)
    sent.exchange.body.fail('client_gone')
    assert.equal(sent.end, 'client_gone')
    await until(() => pool.pending === 0, 'the request to end')
  })
})
