import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { closeLater, poolOf, rawUpstream, unusedOrigin } from '../support/opened-parts.ts'
import { send, TestForward, until } from '../support/proxy-harness.ts'
import {
  RAW_ANSWERS,
  type RawScript,
  startDeafListener,
  startEchoUpstream,
  startRawUpstream,
} from '../support/upstream-servers.ts'

/** After it, what was to happen has happened: both ends are in this process. */
const TURNS_MS = 50

/** Cuts the connection with RST instead of answering. */
const reset: RawScript = (connection) => {
  connection.socket.resetAndDestroy()
  return undefined
}

describe('answers that are not valid HTTP (RFC 9112)', () => {
  const refused = [
    'twoLengths',
    'equalLengthsTwice',
    'lengthAndChunked',
    'badLength',
    'negativeLength',
    'hugeLength',
    'switching',
    'bareSwitching',
    'notHttp',
    'oversizeHead',
    'bareLineFeedInHeader',
    'bareReturnInHeader',
    'nulInHeader',
    'badHeaderName',
    'statusOutOfRange',
    'hintsWithoutEnd',
  ] as const
  for (const name of refused) {
    it(`refuses ${name}, and the next request is not harmed`, async () => {
      let bad = true
      const upstream = await rawUpstream(() => (bad ? RAW_ANSWERS[name] : RAW_ANSWERS.ok))
      const pool = poolOf([upstream.origin])
      const sent = await send(pool)
      assert.equal(sent.refusal, 'upstream_protocol_error')
      assert.equal(sent.exchange.kind, 'send')
      assert.equal(upstream.requests, 1, 'it is not retried')
      bad = false
      const next = await send(pool)
      assert.equal(next.exchange.text, 'ok')
      assert.equal(upstream.connections, 2, 'on a new connection')
      assert.equal(pool.pending, 0)
    })
  }

  it('cuts the client when a body turns out to be garbled after its head was sent', async () => {
    const upstream = await rawUpstream((connection) => {
      connection.socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n')
      return undefined
    })
    const pool = poolOf([upstream.origin])
    const sent = new TestForward(pool, {})
    await until(() => sent.exchange.text === 'ok', 'the good part')
    await upstream.close()
    await sent.settled()
    assert.equal(sent.end, 'cut')
    assert.equal(sent.statusCode, 200)
    assert.equal(sent.exchange.destroyed, true)
    assert.equal(sent.exchange.finished, false)
  })

  it('never completes an answer with a chunk that is none, even if it came with the head', async () => {
    const upstream = await rawUpstream(() => RAW_ANSWERS.badChunk)
    const sent = await send(poolOf([upstream.origin]))
    assert.ok(sent.end === 'cut' || sent.refusal === 'upstream_protocol_error')
  })

  it('relays a 304 that declares the length of what it does not send (RFC 9110 §15.4.5)', async () => {
    const answer = 'HTTP/1.1 304 Not Modified\r\ncontent-length: 4\r\netag: "1"\r\n\r\n'
    const upstream = await rawUpstream(() => answer)
    const pool = poolOf([upstream.origin], { ejectAfterFailures: 1 })
    for (let count = 0; count < 3; count += 1) {
      const sent = await send(pool)
      assert.equal(sent.exchange.status, '304 Not Modified')
      assert.equal(sent.exchange.field('etag'), '"1"')
      assert.equal(sent.end, 'complete')
    }
    await until(() => pool.pending === 0, 'the connections to be given back')
    assert.equal(pool.stats.retries, 0)
  })

  for (const name of ['noContentWithBody', 'notModifiedWithBody', 'twoAnswers'] as const) {
    it(`does not let the stray bytes of ${name} reach the next request`, async () => {
      let bad = true
      const upstream = await rawUpstream(() => (bad ? RAW_ANSWERS[name] : RAW_ANSWERS.ok))
      const pool = poolOf([upstream.origin], { connectionsPerTarget: 1 })
      const first = new TestForward(pool, {})
      const second = new TestForward(pool, {})
      await first.settled()
      bad = false
      await second.settled()
      const third = await send(pool)
      for (const sent of [first, second, third]) {
        assert.notEqual(sent.exchange.text, 'evil')
        assert.notEqual(sent.exchange.text, 'stolen')
      }
      assert.equal(first.end, 'complete')
      assert.equal(third.exchange.text, 'ok')
    })
  }
})

describe('connections that break', () => {
  it('says unreachable when nothing listens', async () => {
    const pool = poolOf([await unusedOrigin()])
    assert.equal((await send(pool)).refusal, 'upstream_unreachable')
    assert.equal(pool.pending, 0)
  })

  it('says unreachable when the name does not exist', async () => {
    const pool = poolOf(['http://no-such-host.invalid:80'])
    assert.equal((await send(pool)).refusal, 'upstream_unreachable')
  })

  it('says lost when the connection ends before an answer, after one retry', async () => {
    const upstream = await rawUpstream(reset)
    const pool = poolOf([upstream.origin])
    assert.equal((await send(pool)).refusal, 'upstream_connection_lost')
    assert.equal(upstream.requests, 2)
    assert.equal(pool.stats.retries, 1)
  })

  it('says lost when only the second attempt found no listener', async () => {
    const upstream = await startRawUpstream((connection) => {
      connection.socket.resetAndDestroy()
      void upstream.close()
      return undefined
    })
    const sent = await send(poolOf([upstream.origin]))
    assert.equal(upstream.requests, 1)
    assert.equal(sent.refusal, 'upstream_connection_lost')
  })

  it('opens no connection for a request that was ended in the middle', async () => {
    const upstream = await rawUpstream((connection) => {
      return connection.received.startsWith('GET /bad') ? RAW_ANSWERS.statusOutOfRange : undefined
    })
    const pool = poolOf([upstream.origin], { connectionsPerTarget: 8 })
    const gone = Array.from({ length: 4 }, () => new TestForward(pool, {}))
    const uploads = Array.from({ length: 2 }, () => {
      return new TestForward(pool, { method: 'POST', path: '/upload', hasBody: true })
    })
    for (const { exchange } of uploads) exchange.body.feed('first', false)
    await until(() => upstream.requests === 6, 'all requests at the upstream')
    for (const { exchange } of [...gone, ...uploads]) exchange.leave()
    assert.equal((await send(pool, { path: '/bad' })).refusal, 'upstream_protocol_error')
    await until(() => pool.pending === 0, 'everything to end')
    await until(() => pool.stats.targets[0]?.connected === 0, 'the connections to close')
    await delay(TURNS_MS)
    assert.equal(upstream.connections, 7)
    assert.equal(pool.stats.targets[0]?.connected, 0)
    assert.equal(pool.stats.faults, 0)
  })

  it('says protocol error when it ends within the head, and does not retry', async () => {
    const upstream = await rawUpstream((connection) => {
      connection.socket.end('HTTP/1.1 200 OK\r\ncontent-le')
      return undefined
    })
    assert.equal((await send(poolOf([upstream.origin]))).refusal, 'upstream_protocol_error')
    assert.equal(upstream.requests, 1)
  })

  it('cuts the client when it ends within the body', async () => {
    const upstream = await rawUpstream((connection) => {
      connection.socket.write('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf', () => {
        connection.socket.resetAndDestroy()
      })
      return undefined
    })
    const sent = await send(poolOf([upstream.origin]))
    // The bytes may or may not have made it before the reset; a whole answer never appears.
    if (sent.end === 'cut') assert.equal(sent.exchange.destroyed, true)
    else assert.notEqual(sent.refusal, null)
    assert.notEqual(sent.end, 'complete')
  })

  it('never takes a truncated body for a whole one, however it ends', async () => {
    for (const head of ['content-length: 10', 'transfer-encoding: chunked']) {
      const upstream = await rawUpstream((connection) => {
        connection.socket.end(`HTTP/1.1 200 OK\r\n${head}\r\n\r\n4\r\nhalf`)
        return undefined
      })
      const sent = await send(poolOf([upstream.origin]))
      assert.notEqual(sent.end, 'complete')
    }
  })

  it('times out when the upstream accepts and says nothing', async () => {
    const upstream = await rawUpstream(() => undefined)
    const pool = poolOf([upstream.origin], { responseTimeoutMs: 100 })
    const sent = await send(pool)
    assert.equal(sent.refusal, 'upstream_timeout')
    assert.equal(upstream.requests, 1, 'a target that had its full time is not asked again')
  })

  it('cuts the client when a body stops in the middle', async () => {
    const upstream = await rawUpstream(() => 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf')
    const sent = await send(poolOf([upstream.origin], { bodyTimeoutMs: 100 }))
    assert.equal(sent.end, 'cut')
  })

  it('times out when no connection can be made', async () => {
    const deaf = await startDeafListener()
    closeLater(deaf)
    const pool = poolOf([deaf.origin], { connectTimeoutMs: 50 })
    assert.equal((await send(pool)).refusal, 'upstream_timeout')
    assert.equal(pool.stats.retries, 0, 'the same target would need as long again')
  })

  it('refuses a request that is no valid HTTP without losing a connection', async () => {
    const upstream = await startEchoUpstream()
    closeLater(upstream)
    const pool = poolOf([upstream.origin], { connectionsPerTarget: 1 })
    for (const headers of [
      ['bad name', '1'],
      ['x', 'a\nb'],
      ['content-length', '1x'],
      ['transfer-encoding', 'chunked'],
    ]) {
      const sent = await send(pool, { upstreamHeaders: headers })
      assert.equal(sent.refusal, 'invalid_request')
    }
    assert.equal((await send(pool)).end, 'complete')
    assert.equal(upstream.requests, 1)
  })
})

describe('body failures of the client', () => {
  it('refuses a body that turns out too large and ends the request upstream', async () => {
    const upstream = await startEchoUpstream()
    closeLater(upstream)
    const pool = poolOf([upstream.origin])
    const sent = new TestForward(pool, { method: 'POST', path: '/upload', hasBody: true })
    sent.exchange.body.feed('first', false)
    await until(() => upstream.requests === 1, 'the upload to begin')
    sent.exchange.body.fail('too_large')
    assert.equal(sent.refusal, 'payload_too_large')
    assert.equal(sent.exchange.closesAfterAnswer, true)
    await until(() => pool.pending === 0, 'the upload to end')
  })

  it('cuts the client if the answer has begun by then', async () => {
    const upstream = await startEchoUpstream()
    closeLater(upstream)
    const sent = new TestForward(poolOf([upstream.origin]), {
      method: 'POST',
      path: '/mirror',
      hasBody: true,
    })
    sent.exchange.body.feed('ping', false)
    await until(() => sent.exchange.text === 'ping', 'the answer to begin')
    sent.exchange.body.fail('too_large')
    assert.equal(sent.end, 'cut')
  })

  it('does not let more through than was declared', async () => {
    const upstream = await startEchoUpstream()
    closeLater(upstream)
    const sent = new TestForward(poolOf([upstream.origin]), {
      method: 'POST',
      path: '/upload',
      hasBody: true,
      contentLength: 5,
      upstreamHeaders: ['content-length', '5'],
    })
    sent.exchange.body.feed('1234', false)
    await until(() => upstream.requests === 1, 'the upload to begin')
    sent.exchange.body.feed('56', true)
    await sent.settled()
    assert.equal(sent.refusal, 'invalid_request')
  })
})

describe('retry', () => {
  /** Resets the first connection's second request, as an upstream does that closes idle ones. */
  const closesIdle: RawScript = (connection) => {
    if (connection.answered > 0) {
      connection.socket.resetAndDestroy()
      return undefined
    }
    return RAW_ANSWERS.ok
  }

  it('hides that the upstream closed an idle connection just then', async () => {
    const upstream = await rawUpstream(closesIdle)
    const pool = poolOf([upstream.origin])
    assert.equal((await send(pool)).exchange.text, 'ok')
    const second = await send(pool)
    assert.equal(second.exchange.text, 'ok')
    assert.equal(pool.stats.retries, 1)
  })

  it('sends a body that came whole once more with PUT', async () => {
    const upstream = await rawUpstream(closesIdle)
    const pool = poolOf([upstream.origin])
    await send(pool)
    const sent = await send(pool, {
      method: 'PUT',
      hasBody: true,
      contentLength: 2,
      prepare: (exchange) => exchange.body.feed('up', true),
    })
    assert.equal(sent.exchange.text, 'ok')
  })

  it('never repeats POST or PATCH, nor a body that was streamed', async () => {
    for (const method of ['POST', 'PATCH', 'PUT']) {
      const upstream = await rawUpstream(closesIdle)
      const pool = poolOf([upstream.origin])
      await send(pool)
      const sent = new TestForward(pool, { method, hasBody: method === 'PUT' })
      if (method === 'PUT') sent.exchange.body.feed('half', false)
      await sent.settled()
      assert.equal(sent.refusal, 'upstream_connection_lost', method)
      assert.equal(upstream.requests, 2)
    }
  })

  it('goes to another target if there is one', async () => {
    const good = await rawUpstream(() => RAW_ANSWERS.ok)
    const pool = poolOf([await unusedOrigin(), good.origin], { ejectAfterFailures: 1_000 })
    for (let count = 0; count < 10; count += 1) {
      assert.equal((await send(pool)).exchange.text, 'ok')
    }
    assert.ok(pool.stats.retries > 0)
  })

  it('stays within its budget when everything fails', async () => {
    const upstream = await rawUpstream(reset)
    const pool = poolOf([upstream.origin], { retryPercent: 10, retryBurst: 3 })
    for (let count = 0; count < 50; count += 1) {
      assert.equal((await send(pool)).refusal, 'upstream_connection_lost')
    }
    assert.ok(upstream.requests <= 50 + 3 + 5, `${upstream.requests} requests`)
    assert.ok(pool.stats.retries >= 3)
    assert.ok(pool.stats.retriesDenied >= 40)
  })
})
