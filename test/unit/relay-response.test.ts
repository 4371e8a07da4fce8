import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { ResponseRelay } from '../../src/proxy/relay-response.ts'
import { RecordingExchange } from '../support/recording-exchange.ts'

function fields(...parts: string[]): Buffer[] {
  return parts.map((part) => Buffer.from(part))
}

function relayTo(exchange: RecordingExchange, method = 'GET'): ResponseRelay {
  const own = { answerHeaders: [], withheldField: null, answerCors: null, responseEdits: null }
  return new ResponseRelay(exchange, { method, ...own })
}

describe('relay of an answer', () => {
  it('hands over in one call what came in one turn, with or without a declared length', () => {
    for (const head of [fields('content-length', '2'), fields('transfer-encoding', 'chunked')]) {
      const exchange = new RecordingExchange()
      const relay = relayTo(exchange)
      assert.equal(relay.takeHead(200, head), true)
      assert.equal(relay.takeData(Buffer.from('ok')), true)
      assert.equal(exchange.started, false)
      relay.takeEnd()
      assert.equal(exchange.kind, 'send')
      assert.equal(exchange.status, '200 OK')
      assert.equal(exchange.text, 'ok')
    }
  })

  it('lets the head go at the end of the turn when no body has come', async () => {
    const exchange = new RecordingExchange()
    const relay = relayTo(exchange)
    relay.takeHead(200, fields('content-type', 'text/event-stream'))
    assert.equal(exchange.started, false)
    await nextTurn()
    assert.equal(exchange.kind, 'stream')
    assert.equal(exchange.contentLength, null)
    relay.takeData(Buffer.from('data: 1\n\n'))
    assert.equal(exchange.text, 'data: 1\n\n')
    relay.takeEnd()
    assert.equal(exchange.finished, true)
  })

  it('lets the first event go at the end of the turn in which it came with the head', async () => {
    const exchange = new RecordingExchange()
    const relay = relayTo(exchange)
    relay.takeHead(200, [])
    relay.takeData(Buffer.from('data: 1\n\n'))
    await nextTurn()
    assert.equal(exchange.kind, 'stream')
    assert.equal(exchange.text, 'data: 1\n\n')
  })

  it('streams at once when the first bytes are not all of a declared length', () => {
    const exchange = new RecordingExchange()
    const relay = relayTo(exchange)
    relay.takeHead(200, fields('content-length', '4'))
    relay.takeData(Buffer.from('ab'))
    assert.equal(exchange.kind, 'stream')
    assert.equal(exchange.contentLength, 4)
    relay.takeData(Buffer.from('cd'))
    relay.takeEnd()
    assert.equal(exchange.text, 'abcd')
  })

  it('streams when a second piece of unknown length comes', () => {
    const exchange = new RecordingExchange()
    const relay = relayTo(exchange)
    relay.takeHead(200, [])
    relay.takeData(Buffer.from('ab'))
    relay.takeData(Buffer.from('cd'))
    relay.takeEnd()
    assert.equal(exchange.kind, 'stream')
    assert.equal(exchange.text, 'abcd')
  })

  it('says when the client is slower', () => {
    const exchange = new RecordingExchange()
    const relay = relayTo(exchange)
    relay.takeHead(200, fields('content-length', '6'))
    exchange.slow = true
    assert.equal(relay.takeData(Buffer.from('abc')), false)
  })

  it('answers HEAD with the length that GET would have, and no body (RFC 9110 §9.3.2)', async () => {
    for (const [head, length] of [
      [fields('content-length', '1234'), 1234],
      [fields('transfer-encoding', 'chunked'), null],
    ] as const) {
      const exchange = new RecordingExchange({ method: 'HEAD' })
      const relay = relayTo(exchange, 'HEAD')
      relay.takeHead(200, head)
      await nextTurn()
      relay.takeEnd()
      assert.equal(exchange.kind, 'sendHead')
      assert.equal(exchange.contentLength, length)
    }
  })

  it('answers 204 and 304 without a body and without a length (§15.3.5, §15.4.5)', () => {
    for (const status of [204, 304]) {
      const exchange = new RecordingExchange()
      const relay = relayTo(exchange)
      relay.takeHead(status, fields('content-length', '4', 'ETag', '"1"'))
      relay.takeEnd()
      assert.equal(exchange.kind, 'sendHead')
      assert.equal(exchange.contentLength, null)
      assert.equal(exchange.field('etag'), '"1"')
    }
  })

  it('answers an empty body as one', () => {
    const exchange = new RecordingExchange()
    const relay = relayTo(exchange)
    relay.takeHead(404, fields('content-length', '0'))
    relay.takeEnd()
    assert.equal(exchange.kind, 'send')
    assert.equal(exchange.status, '404 Not Found')
    assert.equal(exchange.bodyBytes, 0)
  })

  it('refuses a status outside 200 to 599 (§15)', () => {
    for (const status of [0, 199, 600, 999]) {
      const exchange = new RecordingExchange()
      assert.equal(relayTo(exchange).takeHead(status, []), false)
      assert.equal(exchange.started, false)
    }
  })

  it('keeps quiet once abandoned', async () => {
    const exchange = new RecordingExchange()
    const relay = relayTo(exchange)
    relay.takeHead(200, fields('content-length', '2'))
    relay.abandon()
    await nextTurn()
    assert.equal(exchange.started, false)
  })
})
