/** POST to other systems: the same bounds as GET, and never sent twice. */
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { OutboundHttp, type OutboundResult } from '../../src/resilience/outbound-http.ts'
import {
  cut,
  cutInBody,
  dripping,
  endless,
  garbage,
  hanging,
  huge,
  type IntrospectionReply,
  IntrospectionServer,
  json,
  redirect,
  status,
  text,
} from '../support/introspection-server.ts'
import { watchStarvation } from '../support/starvation.ts'

/** Of a call that failed, where there is no more to say. */
const FAILED = { ok: false, cause: null, retryAfter: null } as const

const TIMEOUT_MS = 300
/** For what must not look as if it timed out when the machine is busy. */
const PATIENCE_MS = 10_000

describe('outbound POST', () => {
  let http: OutboundHttp
  let server: IntrospectionServer

  before(async () => {
    http = new OutboundHttp({ connectionsPerOrigin: 2 })
    server = await IntrospectionServer.start()
  })
  after(async () => {
    await http.close()
    await server.down()
  })
  beforeEach(() => {
    server.requests.length = 0
  })

  function post(url = server.url, client = http, timeoutMs = PATIENCE_MS): Promise<OutboundResult> {
    return client.post({
      url,
      accept: 'application/json',
      contentType: 'application/x-www-form-urlencoded',
      headers: { authorization: 'Basic eDp5' },
      body: 'token=a%20b&hint=c',
      bodyBytesMax: 65_536,
      timeoutMs,
    })
  }

  it('sends the body with its type, its length and the fields asked for', async () => {
    server.reply = json({ active: true })
    const answer = await post(`${server.url}?x=1`)
    assert.ok(answer.ok)
    assert.equal(Buffer.from(answer.body).toString(), '{"active":true}')
    const [request] = server.requests
    assert.equal(request?.method, 'POST')
    assert.equal(request?.path, '/introspect?x=1')
    assert.equal(request?.form.get('token'), 'a b')
    const { headers } = request ?? { headers: {} }
    assert.equal(headers['content-type'], 'application/x-www-form-urlencoded')
    assert.equal(headers['content-length'], '18')
    assert.equal(headers['authorization'], 'Basic eDp5')
    assert.equal(headers['accept'], 'application/json')
    assert.equal(headers['accept-encoding'], 'identity')
    assert.match(headers['user-agent'] ?? '', /^sallyport\/[0-9]+\.[0-9]+\.[0-9]+$/)
  })

  it('uses a connection again after a short answer of any status', async () => {
    const alone = new OutboundHttp({ connectionsPerOrigin: 1 })
    const ports = new Set<number | undefined>()
    for (const code of [403, 500, 429, 403]) {
      server.reply = (response, token) => {
        ports.add(response.socket?.remotePort)
        text('<html>Forbidden</html>', 'text/html', code)(response, token)
      }
      assert.deepEqual(await post(server.url, alone), { ...FAILED, reason: 'status', status: code })
    }
    assert.equal(ports.size, 1)
    await alone.close()
  })

  const mediaTypes: readonly (readonly [string | null, string | null])[] = [
    ['application/json', 'application/json'],
    ['Application/JSON; charset=UTF-8', 'application/json'],
    ['text/html ;charset=x', 'text/html'],
    ['', ''],
    [null, null],
  ]
  for (const [sent, read] of mediaTypes) {
    it(`reads the media type ${JSON.stringify(sent)} as ${JSON.stringify(read)}`, async () => {
      server.reply = text('{}', sent)
      const answer = await post()
      assert.ok(answer.ok)
      assert.equal(answer.mediaType, read)
    })
  }

  const failures: readonly (readonly [string, IntrospectionReply, string, number | null])[] = [
    ['answers 500', status(500), 'status', 500],
    ['answers 401', status(401), 'status', 401],
    ['redirects', redirect, 'redirect', 307],
    ['sends 5 MB', huge, 'too_large', 200],
    ['never ends', endless, 'too_large', 200],
    ['is not HTTP', garbage, 'protocol', null],
    ['cuts the connection', cut, 'connection_lost', null],
    ['cuts its answer', cutInBody, 'connection_lost', 200],
    ['hangs', hanging, 'timeout', null],
    ['drips', dripping, 'timeout', 200],
  ]
  for (const [what, reply, reason, code] of failures) {
    it(`says ${reason} of a server that ${what}, in bounded time and after one request`, async () => {
      server.reply = reply
      const startedAtMs = performance.now()
      const starvedMs = watchStarvation()
      const timeoutMs = reason === 'timeout' ? TIMEOUT_MS : PATIENCE_MS
      const answer = await post(server.url, http, timeoutMs)
      assert.deepEqual(answer, { ...FAILED, reason, status: code })
      assert.ok(performance.now() - startedAtMs < TIMEOUT_MS + 1_000 + starvedMs())
      assert.equal(server.requests.length, 1)
    })
  }

  it('says unreachable when nothing listens, and works again when the server is back', async () => {
    // One without open connections, which would be lost first.
    const fresh = new OutboundHttp({ connectionsPerOrigin: 1 })
    await server.down()
    const answer = await post(server.url, fresh)
    const cause = 'ECONNREFUSED'
    assert.deepEqual(answer, { ...FAILED, reason: 'unreachable', status: null, cause })
    await server.up()
    server.reply = json({})
    assert.equal((await post(server.url, fresh)).ok, true)
    await fresh.close()
  })

  it('refuses what is not an http URL, and credentials in one', async () => {
    for (const url of ['', 'x', 'file:///etc/passwd', 'http://u:p@127.0.0.1/']) {
      assert.deepEqual(await post(url), { ...FAILED, reason: 'bad_url', status: null })
    }
  })
})
