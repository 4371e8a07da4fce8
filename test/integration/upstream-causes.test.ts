/** What upstreams of the world send beside their answers, and why exactly an attempt failed. */
import assert from 'node:assert/strict'
import { createServer as createTlsServer } from 'node:https'
import { describe, it } from 'node:test'
import type { UpstreamCause } from '../../src/proxy/upstream-cause.ts'
import { listen } from '../support/listening-port.ts'
import { closeLater, poolOf, rawUpstream, unusedOrigin } from '../support/opened-parts.ts'
import { send } from '../support/proxy-harness.ts'
import { SELF_SIGNED_CERTIFICATE } from '../support/self-signed-certificate.ts'
import {
  RAW_ANSWERS,
  type RawScript,
  startDeafListener,
  startEchoUpstream,
} from '../support/upstream-servers.ts'

/** As IIS 10 answers each POST with a body, whether it was asked for or not. */
const IIS =
  'HTTP/1.1 100 Continue\r\n\r\n' +
  'HTTP/1.1 200 OK\r\nCache-Control: private\r\nContent-Type: text/html; charset=utf-8\r\n' +
  'Server: Microsoft-IIS/10.0\r\nX-AspNet-Version: 4.0.30319\r\nX-Powered-By: ASP.NET\r\n' +
  'Date: Fri, 27 Nov 2026 06:00:00 GMT\r\nContent-Length: 2\r\n\r\nok'
/** As PHP-FPM behind Apache with mod_http2's hints. */
const HINTS =
  'HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload; as=style\r\n\r\n' +
  'HTTP/1.1 200 OK\r\nServer: Apache/2.4.57 (Debian)\r\nX-Powered-By: PHP/8.2.7\r\n' +
  'Transfer-Encoding: chunked\r\nContent-Type: text/html; charset=UTF-8\r\n\r\n2\r\nok\r\n0\r\n\r\n'

describe('Interim answers of upstreams', () => {
  const [hint = ''] = HINTS.split(/(?<=\r\n\r\n)/)
  const answers = { IIS, HINTS, both: `${IIS.slice(0, 25)}${HINTS}`, later: `${hint}${IIS}` }
  for (const [name, bytes] of Object.entries(answers)) {
    it(`are dropped (${name}), and the connection is used again`, async () => {
      const upstream = await rawUpstream(() => bytes)
      const pool = poolOf([upstream.origin], { connectionsPerTarget: 1 })
      for (let count = 0; count < 3; count += 1) {
        const sent = await send(pool, { method: 'POST' })
        assert.equal(sent.statusCode, 200)
        assert.equal(sent.exchange.text, 'ok')
      }
      assert.equal(upstream.connections, 1)
    })
  }

  it('are dropped when they come long before the answer', async () => {
    const upstream = await rawUpstream(({ socket }) => {
      socket.write(IIS.slice(0, 9))
      setImmediate(() => socket.write(IIS.slice(9, 25), () => socket.write(IIS.slice(25))))
      return undefined
    })
    const sent = await send(poolOf([upstream.origin]), { method: 'POST' })
    assert.equal(sent.exchange.text, 'ok')
  })
})

describe('Why an attempt failed', () => {
  const causes: Readonly<Record<string, readonly [RawScript, UpstreamCause]>> = {
    'a 100 for ever': [() => 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(99), 'interim_flood'],
    'a 100 that ends in LF': [() => 'HTTP/1.1 100 Continue\n\nHTTP/1.1 200 OK\r\n\r\n', 'bad_head'],
    'a 101': [() => RAW_ANSWERS.switching, 'unexpected_101'],
    'a 101 without Upgrade': [() => RAW_ANSWERS.bareSwitching, 'unexpected_101'],
    'a large head': [() => RAW_ANSWERS.oversizeHead, 'head_too_large'],
    'a head of 1 MiB': [() => `HTTP/1.1 200 OK\r\n${'x: y\r\n'.repeat(175_000)}`, 'head_too_large'],
    'two lengths': [() => RAW_ANSWERS.twoLengths, 'bad_length'],
    'a length that is no number': [() => RAW_ANSWERS.badLength, 'bad_length'],
    'a length and chunks': [() => RAW_ANSWERS.lengthAndChunked, 'bad_length'],
    'a length beyond all': [() => RAW_ANSWERS.hugeLength, 'bad_length'],
    'a chunk that is none': [() => RAW_ANSWERS.badChunk, 'bad_chunk'],
    'another protocol': [() => RAW_ANSWERS.notHttp, 'not_http'],
    'a name with a space': [() => RAW_ANSWERS.badHeaderName, 'bad_head'],
    'a status of 777': [() => RAW_ANSWERS.statusOutOfRange, 'bad_head'],
    reset: [({ socket }) => void socket.resetAndDestroy(), 'reset'],
    'an end without an answer': [({ socket }) => void socket.end(), 'closed'],
    'an end in the head': [
      ({ socket }) => void socket.end('HTTP/1.1 200 OK\r\n'),
      'closed_in_answer',
    ],
    'an end in the body': [
      ({ socket }) => void socket.end('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf'),
      'closed_in_answer',
    ],
    silence: [() => undefined, 'response_timeout'],
    'a pause in the body': [
      () => 'HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf',
      'body_stalled',
    ],
  }
  for (const [what, [script, cause]] of Object.entries(causes)) {
    it(`is told as ${cause} for ${what}`, async () => {
      const upstream = await rawUpstream(script)
      const times = { responseTimeoutMs: 100, bodyTimeoutMs: 100, retryBurst: 0 }
      const sent = await send(poolOf([upstream.origin], times))
      assert.equal(sent.cause, cause)
    })
  }

  it('is told as connect_refused where nothing listens', async () => {
    const pool = poolOf([await unusedOrigin()], { retryBurst: 0 })
    assert.equal((await send(pool)).cause, 'connect_refused')
    assert.deepEqual([...pool.stats.failures], [['upstream_unreachable connect_refused', 1]])
  })

  it('is told as name_unresolved for a name that there is not', async () => {
    const pool = poolOf(['http://no-such-host.invalid:80'], { retryBurst: 0 })
    assert.equal((await send(pool)).cause, 'name_unresolved')
  })

  it('is told as connect_timeout where no connection is taken', async () => {
    const deaf = closeLater(await startDeafListener())
    const pool = poolOf([deaf.origin], { connectTimeoutMs: 100 })
    assert.equal((await send(pool)).cause, 'connect_timeout')
  })

  it('is told as tls for a certificate that is not trusted, and for no TLS at all', async () => {
    const server = createTlsServer({ ...SELF_SIGNED_CERTIFICATE }, (_, response) => response.end())
    const port = await listen(server)
    closeLater({ close: async () => void server.close() })
    assert.equal((await send(poolOf([`https://127.0.0.1:${port}`]))).cause, 'tls')
    const plain = closeLater(await startEchoUpstream())
    assert.equal((await send(poolOf([plain.origin.replace('http:', 'https:')]))).cause, 'tls')
  })
})
