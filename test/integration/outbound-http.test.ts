/** Our own calls to other systems, against a server that misbehaves in every way. */
import assert from 'node:assert/strict'
import { createServer as createTlsServer } from 'node:https'
import { after, before, describe, it } from 'node:test'
import { OutboundHttp, type OutboundResult } from '../../src/resilience/outbound-http.ts'
import { type Behaviour, FaultyServer } from '../support/faulty-server.ts'
import { es256Jwk } from '../support/key-documents.ts'
import { listen } from '../support/listening-port.ts'
import { SELF_SIGNED_CERTIFICATE } from '../support/self-signed-certificate.ts'
import { watchStarvation } from '../support/starvation.ts'

/** Of a call that failed, where there is no more to say. */
const FAILED = { ok: false, cause: null, retryAfter: null } as const

const TIMEOUT_MS = 300
/** For what must not look as if it timed out when the machine is busy. */
const PATIENCE_MS = 10_000

describe('outbound HTTP', () => {
  let http: OutboundHttp
  let server: FaultyServer

  before(async () => {
    http = new OutboundHttp({ connectionsPerOrigin: 2 })
    server = await FaultyServer.start()
    server.publish(es256Jwk('k'))
  })
  after(async () => {
    await http.close()
    await server.down()
  })

  function get(
    url: string,
    bodyBytesMax = 65_536,
    timeoutMs = PATIENCE_MS,
  ): Promise<OutboundResult> {
    return http.get({ url, accept: 'application/json', bodyBytesMax, timeoutMs })
  }

  async function getWhile(behaviour: Behaviour, timeoutMs = PATIENCE_MS): Promise<OutboundResult> {
    server.behaviour = behaviour
    try {
      return await get(server.jwksUri, 65_536, timeoutMs)
    } finally {
      server.behaviour = 'good'
    }
  }

  it('gives status and body of a good answer', async () => {
    const answer = await get(server.jwksUri)
    assert.ok(answer.ok)
    assert.equal(answer.status, 200)
    assert.deepEqual(Buffer.from(answer.body), server.document)
  })

  const failures: readonly (readonly [Behaviour, string, number | null])[] = [
    ['error', 'status', 500],
    ['missing', 'status', 404],
    ['redirect', 'redirect', 302],
    ['huge', 'too_large', 200],
    ['endless', 'too_large', 200],
    ['garbage', 'protocol', null],
    ['cut', 'connection_lost', 200],
    ['compressed', 'protocol', 200],
    ['hanging', 'timeout', null],
    ['slow', 'timeout', 200],
  ]
  for (const [behaviour, reason, status] of failures) {
    it(`says ${reason} of a server that is "${behaviour}", in bounded time`, async () => {
      const startedAtMs = performance.now()
      const starvedMs = watchStarvation()
      const timeoutMs = reason === 'timeout' ? TIMEOUT_MS : PATIENCE_MS
      const answer = await getWhile(behaviour, timeoutMs)
      assert.deepEqual(answer, { ...FAILED, reason, status })
      assert.ok(performance.now() - startedAtMs < TIMEOUT_MS + 1_000 + starvedMs())
    })
  }

  it('does not follow a redirect', async () => {
    const before = server.requests.length
    await getWhile('redirect')
    assert.deepEqual(server.requests.slice(before), ['/jwks'])
  })

  it('accepts a body of exactly the limit, and not a byte more', async () => {
    const sizeBytes = server.document.byteLength
    assert.equal((await get(server.jwksUri, sizeBytes)).ok, true)
    const over = await get(server.jwksUri, sizeBytes - 1)
    assert.deepEqual(over, { ...FAILED, reason: 'too_large', status: 200 })
  })

  it('says unreachable when nothing listens', async () => {
    await server.down()
    const answer = await get(server.jwksUri)
    await server.up()
    const cause = 'ECONNREFUSED'
    assert.deepEqual(answer, { ...FAILED, reason: 'unreachable', status: null, cause })
  })

  it('still works after all of that', async () => {
    assert.equal((await get(server.jwksUri)).ok, true)
  })

  it('refuses what is not an http URL, and credentials in one', async () => {
    for (const url of [
      '',
      'jwks',
      'file:///etc/passwd',
      'ftp://127.0.0.1/',
      'http://u:p@127.0.0.1/',
    ]) {
      assert.deepEqual(await get(url), { ...FAILED, reason: 'bad_url', status: null })
    }
  })

  it('does not trust a self-signed certificate, even if Node is told to', async () => {
    const tls = createTlsServer(SELF_SIGNED_CERTIFICATE, (_request, response) => response.end('{}'))
    const port = await listen(tls)
    const { NODE_TLS_REJECT_UNAUTHORIZED: old = '1' } = process.env
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0'
    try {
      const answer = await get(`https://127.0.0.1:${port}/`)
      const cause = 'DEPTH_ZERO_SELF_SIGNED_CERT'
      assert.deepEqual(answer, { ...FAILED, reason: 'tls', status: null, cause })
    } finally {
      process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = old
      await new Promise((resolve) => tls.close(resolve))
    }
  })
})
