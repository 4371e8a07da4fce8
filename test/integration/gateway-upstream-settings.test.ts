/** What upstreams and routes say about requests on their way: as services of the world see them. */
import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import { after, before, describe, it } from 'node:test'
import express from 'express'
import { eventually } from '../support/eventually.ts'
import { listen, portOf } from '../support/listening-port.ts'
import { openRaw } from '../support/raw-http.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'
import {
  type Echo,
  startEchoUpstream,
  startRawUpstream,
  type UpstreamServer,
} from '../support/upstream-servers.ts'

const COOKIE = `sid=${'a'.repeat(4_000)}; Path=/`
const IDLE_MS = 300

/** With its defaults, and `trust proxy` as its users behind a gateway set it. */
async function startExpress(): Promise<Server> {
  const app = express()
  app.set('trust proxy', true)
  app.get('/shop/fat', (_request, response) => {
    for (let count = 0; count < 5; count += 1) response.append('Set-Cookie', `${count}${COOKIE}`)
    response.send('ok')
  })
  app.use((request, response) => {
    const { originalUrl, hostname, headers, rawHeaders } = request
    response.json({ originalUrl, hostname, headers, rawHeaders })
  })
  const server = createServer(app)
  await listen(server)
  return server
}

let gateway: TestGateway
let app: Server
let appPort: number
let echo: UpstreamServer
let idle: UpstreamServer
let idleTold: UpstreamServer

before(async () => {
  app = await startExpress()
  appPort = portOf(app)
  echo = await startEchoUpstream()
  // As gunicorn does after two seconds, only sooner: without a word about it, or with one.
  idle = await startRawUpstream(({ socket }) => {
    setTimeout(() => socket.destroy(), IDLE_MS)
    return 'HTTP/1.1 200 OK\r\nserver: gunicorn\r\ncontent-length: 2\r\n\r\nok'
  })
  idleTold = await startRawUpstream(
    () => 'HTTP/1.1 200 OK\r\nkeep-alive: timeout=1\r\ncontent-length: 2\r\n\r\nok',
  )
  const targets = [`http://127.0.0.1:${appPort}`]
  gateway = await openGateway({
    upstream: [echo.origin],
    upstreams: {
      express: { targets },
      shop: { targets, host: 'shop.internal', basePath: '/shop', responseHeaderBytes: 32_768 },
      narrow: { targets, basePath: '/shop' },
      // 0.29 * 100 is not whole.
      target: { targets, host: 'target', retryBudget: 0.29 },
      gunicorn: { targets: [idle.origin], idleTimeout: `${IDLE_MS / 3}ms` },
      told: { targets: [idleTold.origin] },
      dead: { targets: ['http://127.0.0.1:9'], retryBudget: 0, ejectAfterFailures: 1_000 },
      slow: { targets: [echo.origin], responseTimeout: '100ms', bodyBytes: 10 },
    },
    routes: {
      '/express/*': { upstream: 'express', stripPrefix: '/express' },
      '/shop/*': { upstream: 'shop', stripPrefix: '/shop' },
      '/narrow/*': { upstream: 'narrow', stripPrefix: '/narrow' },
      '/target/*': { upstream: 'target' },
      '/gunicorn/*': { upstream: 'gunicorn' },
      '/told/*': { upstream: 'told' },
      '/slow/*': { upstream: 'slow' },
      '/dead/*': { upstream: 'dead' },
      '/patient/*': {
        upstream: 'slow',
        stripPrefix: '/patient',
        responseTimeout: '20s',
        bodyBytes: 20,
      },
      '/orders/:id/*': { stripPrefix: '/orders/:id', addPrefix: '/v1' },
      '/plain/*': { addPrefix: '/v2' },
      '/edited/*': {
        headers: {
          request: { set: { 'X-Env': 'prod' }, add: { Via: '1.1 gate' }, remove: ['Cookie'] },
          response: {
            set: { 'Content-Type': 'text/x-edited' },
            add: { 'Strict-Transport-Security': 'max-age=60' },
            remove: ['Content-Encoding'],
          },
        },
      },
      '/*': {},
    },
    authenticate: 'none',
  })
})

after(async () => {
  await gateway.stop()
  app.close()
  app.closeAllConnections()
  await Promise.all([echo.close(), idle.close(), idleTold.close()])
})

interface Seen {
  readonly originalUrl: string
  readonly hostname: string
  readonly headers: Readonly<Record<string, string>>
}

async function seen(path: string, fields: Readonly<Record<string, string>> = {}): Promise<Seen> {
  const answer = await gateway.ask(path, fields)
  assert.equal(answer.status, 200, answer.text)
  return JSON.parse(answer.text) as Seen
}

async function echoed(path: string, fields: Readonly<Record<string, string>> = {}): Promise<Echo> {
  return JSON.parse((await gateway.ask(path, fields)).text) as Echo
}

describe('Host of requests, as Express sees it', () => {
  it('is what the client sent, unless the upstream says otherwise', async () => {
    const { headers, hostname } = await seen('/express/a', { Host: 'api.example.com' })
    assert.equal(headers['host'], 'api.example.com')
    assert.equal(hostname, 'api.example.com')
  })

  it('is the target’s own with host: target, and the client’s is told beside it', async () => {
    const { headers, hostname } = await seen('/target/a', { Host: 'api.example.com' })
    assert.equal(headers['host'], `127.0.0.1:${appPort}`)
    assert.equal(headers['x-forwarded-host'], 'api.example.com')
    assert.equal(hostname, 'api.example.com')
  })

  it('is the text of the upstream, and never two', async () => {
    const { headers } = await seen('/shop/a', { Host: 'api.example.com' })
    assert.equal(headers['host'], 'shop.internal')
    assert.equal(headers['x-forwarded-host'], 'api.example.com')
  })
})

describe('Paths of requests, as Express sees them', () => {
  const paths = {
    '/express': ['/', '/express'],
    '/express/': ['/', '/express'],
    '/express/a/b?x=/express/y': ['/a/b?x=/express/y', '/express'],
    '/express/express': ['/express', '/express'],
    '/shop': ['/shop', '/shop'],
    '/shop/': ['/shop/', '/shop'],
    '/shop/a': ['/shop/a', '/shop'],
  } as const
  for (const [path, [sent, prefix]] of Object.entries(paths)) {
    it(`are without their prefix, behind the base path: ${path}`, async () => {
      const { originalUrl, headers } = await seen(path)
      assert.equal(originalUrl, sent)
      assert.equal(headers['x-forwarded-prefix'], prefix)
    })
  }

  it('tell a prefix of the gateway alone, whatever the client sends', async () => {
    const { headers } = await seen('/express/a', { 'X-Forwarded-Prefix': '/evil' })
    assert.equal(headers['x-forwarded-prefix'], '/express')
    const plain = await echoed('/a', { 'X-Forwarded-Prefix': '/evil' })
    assert.equal(plain.headers['x-forwarded-prefix'], undefined)
  })

  it('have the value of a parameter in the prefix, and another path in front', async () => {
    const { url, headers } = await echoed('/orders/17/a?b')
    assert.equal(url, '/v1/a?b')
    assert.equal(headers['x-forwarded-prefix'], '/orders/17')
    assert.equal((await echoed('/orders/17')).url, '/v1')
    assert.equal((await echoed('/plain/a')).url, '/v2/plain/a')
  })

  it('are not matched again: a path without its prefix gets to no other route', async () => {
    assert.equal((await seen('/express/narrow/fat')).originalUrl, '/narrow/fat')
  })
})

describe('Edits of fields', () => {
  it('are made once to requests, and beside what the client sent', async () => {
    const fields = { 'X-Env': 'dev', Cookie: 'a=b', Via: '1.0 fred', 'X-Kept': 'yes' }
    const { rawHeaders } = await echoed('/edited/a', fields)
    const pairs = rawHeaders.flatMap((name, index) =>
      index % 2 === 0 ? [`${name.toLowerCase()}: ${rawHeaders[index + 1]}`] : [],
    )
    const of = (name: string) => pairs.filter((pair) => pair.startsWith(`${name}: `))
    assert.deepEqual(of('x-env'), ['x-env: prod'])
    assert.deepEqual(of('via'), ['via: 1.0 fred', 'via: 1.1 gate'])
    assert.deepEqual(of('cookie'), [])
    assert.deepEqual(of('x-kept'), ['x-kept: yes'])
  })

  it('are not undone by a Connection field of the client', async () => {
    const { headers } = await echoed('/edited/a', { Connection: 'x-env, x-forwarded-for' })
    assert.equal(headers['x-env'], 'prod')
    assert.equal(headers['x-forwarded-for'], '127.0.0.1')
  })

  it('are made to answers of the service, and leave those of the gateway alone', async () => {
    const answer = await gateway.ask('/edited/a')
    assert.deepEqual(answer.values('content-type'), ['text/x-edited'])
    assert.deepEqual(answer.values('strict-transport-security'), ['max-age=60'])
    assert.equal(answer.values('x-request-id').length, 1)
    const refusal = await gateway.ask('/edited/%2e%2e')
    assert.equal(refusal.field('strict-transport-security'), null)
  })
})

describe('Limits of upstreams and routes', () => {
  it('take five fat cookies from Express where responseHeaderBytes lets them', async () => {
    const answer = await gateway.ask('/shop/fat')
    assert.equal(answer.status, 200)
    assert.equal(answer.values('set-cookie').length, 5)
    const narrow = await gateway.ask('/narrow/fat')
    assert.equal(narrow.status, 502)
    const labels = {
      upstream: 'narrow',
      cause: 'head_too_large',
      reason: 'upstream_protocol_error',
    }
    assert.equal(await gateway.metric('sallyport_upstream_failures_total', labels), 1)
  })

  it('are the route’s where it says something, else the upstream’s', async () => {
    assert.equal((await gateway.ask('/slow/x?ms=1', [])).status, 200)
    const [late, patient] = await Promise.all([
      gateway.ask('/slow', { 'X-A': 'b' }).then(() => gateway.ask('/slow?ms=2000')),
      gateway.ask('/patient/slow?ms=2000'),
    ])
    assert.equal(late.status, 504)
    assert.equal(patient.status, 200)
  })

  for (const [path, most] of [
    ['/slow/a', 10],
    ['/patient/a', 20],
  ] as const) {
    it(`refuse a body of more than ${most} bytes at ${path}, declared or in chunks`, async () => {
      const declared = async (bytes: number) => {
        const connection = await openRaw({ port: gateway.port })
        const head = `POST ${path} HTTP/1.1\r\nhost: a\r\ncontent-length: ${bytes}\r\n\r\n`
        connection.send(head + 'x'.repeat(bytes))
        const [answer] = await connection.waitForAnswers(1)
        connection.destroy()
        return answer?.status
      }
      const chunked = async (bytes: number) => {
        const connection = await openRaw({ port: gateway.port })
        connection.send(`POST ${path} HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n`)
        for (let sent = 0; sent < bytes; sent += 1) connection.send('1\r\nx\r\n')
        connection.send('0\r\n\r\n')
        const [answer] = await connection.waitForAnswers(1)
        connection.destroy()
        return answer?.status
      }
      assert.deepEqual([await declared(most), await chunked(most)], [200, 200])
      assert.deepEqual([await declared(most + 1), await chunked(most + 1)], [413, 413])
    })
  }
})

describe('A retry budget of 0', () => {
  it('has nothing repeated', async () => {
    assert.equal((await gateway.ask('/dead/a')).status, 502)
    const labels = { upstream: 'dead', cause: 'connect_refused', reason: 'upstream_unreachable' }
    assert.equal(await gateway.metric('sallyport_upstream_failures_total', labels), 1)
    assert.equal(await gateway.metric('sallyport_upstream_retries_total', { upstream: 'dead' }), 0)
  })
})

describe('Idle connections', () => {
  it('are closed before a service as gunicorn closes them', async () => {
    assert.equal((await gateway.ask('/gunicorn/a', [], 'POST')).status, 200)
    await eventually('no connection', async () => {
      return (
        (await gateway.metric('sallyport_upstream_connections', { upstream: 'gunicorn' })) === 0
      )
    })
    assert.equal((await gateway.ask('/gunicorn/a', [], 'POST')).status, 200)
  })

  it('are not used again when the service says that it closes them within a second', async () => {
    for (let count = 1; count <= 3; count += 1) {
      assert.equal((await gateway.ask('/told/a', [], 'POST')).status, 200)
      assert.equal(idleTold.connections, count)
    }
  })
})
