import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent, request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { connect } from 'node:net'
import { after, describe, it } from 'node:test'
import { AdminApp } from '../../src/admin/admin-app.ts'
import type { AdminSources } from '../../src/admin/admin-endpoints.ts'
import { isLoopbackHost } from '../../src/http/http-url.ts'
import { adminFailures, adminSources } from '../support/admin-sources.ts'

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

interface Question {
  readonly method?: string
  readonly path: string
  readonly headers?: Record<string, string>
  readonly body?: string
}

function ask(
  port: number,
  { method = 'GET', path, headers = {}, body }: Question,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, method, path, headers, agent: false }
    const request = httpRequest(options, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks).toString(),
        }),
      )
    })
    request.on('error', reject)
    request.end(body)
  })
}

const apps: AdminApp[] = []

async function startApp(
  token: string | null,
  changed: Partial<AdminSources> = {},
): Promise<number> {
  const app = new AdminApp({ host: '127.0.0.1', port: 0, token }, { ...adminSources, ...changed })
  apps.push(app)
  return app.listen()
}

after(async () => {
  for (const app of apps) await app.close()
})

describe('Admin listener', () => {
  it('answers probes and scrapes without waiting for a body that was announced', async () => {
    const port = await startApp(null)
    for (const path of ['/health/live', '/health/ready', '/metrics', '/status']) {
      const socket = connect(port, '127.0.0.1')
      const head = `GET ${path} HTTP/1.1\r\nHost: localhost:${port}\r\nContent-Length: 10\r\n\r\n`
      const answered = once(socket, 'data', { signal: AbortSignal.timeout(5_000) })
      socket.write(head)
      const [bytes] = (await answered) as [Buffer]
      assert.match(bytes.toString(), /^HTTP\/1\.1 200 /, path)
      socket.destroy()
    }
  })

  it('serves metrics, status and liveness', async () => {
    const port = await startApp(null)
    const metrics = await ask(port, { path: '/metrics' })
    assert.equal(metrics.status, 200)
    assert.equal(metrics.headers['content-type'], adminSources.metricsContentType)
    assert.equal(metrics.body, 'sallyport_ready 1\n')
    const status = await ask(port, { path: '/status?pretty=1' })
    assert.deepEqual(JSON.parse(status.body), { version: '1.2.3' })
    assert.equal((await ask(port, { path: '/health/live' })).status, 200)
  })

  it('tells the state of the issuers along with readiness', async () => {
    const port = await startApp(null)
    const { status, body } = await ask(port, { path: '/health/ready' })
    assert.equal(status, 200)
    assert.deepEqual(JSON.parse(body), {
      status: 'ready',
      issuers: [{ issuer: 'main', condition: 'degraded', keys: 'stale' }],
    })
  })

  it('answers 503 while the instance is not ready', async () => {
    const port = await startApp(null, {
      readiness: () => ({ ready: false, status: 'draining', issuers: [] }),
    })
    const { status, body } = await ask(port, { path: '/health/ready' })
    assert.equal(status, 503)
    assert.deepEqual(JSON.parse(body), { status: 'draining', issuers: [] })
  })

  it('explains what it does not have, and which methods it takes (RFC 9110 §15.5.6)', async () => {
    const port = await startApp(null)
    const missing = await ask(port, { path: '/admin' })
    assert.equal(missing.status, 404)
    assert.equal(missing.headers['content-type'], 'application/problem+json')
    assert.match(missing.body, /\/metrics/)
    const posted = await ask(port, { method: 'POST', path: '/metrics', body: 'x'.repeat(100_000) })
    assert.equal(posted.status, 405)
    assert.equal(posted.headers.allow, 'GET, HEAD')
  })

  it('sends no body to HEAD, but its length', async () => {
    const port = await startApp(null)
    const { status, headers, body } = await ask(port, { method: 'HEAD', path: '/metrics' })
    assert.deepEqual([status, headers['content-length'], body], [200, '18', ''])
  })

  it('refuses a foreign Host, so that no page can re-point its name here', async () => {
    const port = await startApp(null)
    for (const host of [
      'evil.example',
      'localhost.evil.example',
      `127.0.0.1.nip.io:${port}`,
      '@',
    ]) {
      const { status } = await ask(port, { path: '/status', headers: { host } })
      assert.equal(status, 403, host)
    }
    for (const host of ['localhost', `LOCALHOST:${port}`, '127.0.0.1', '[::1]:9090']) {
      const { status } = await ask(port, { path: '/status', headers: { host } })
      assert.equal(status, 200, host)
    }
  })

  it('demands the token where one is set, and only the health checks do without', async () => {
    const port = await startApp('correct horse'.replace(' ', '-'))
    for (const path of ['/metrics', '/status', '/nothing']) {
      const bare = await ask(port, { path })
      assert.equal(bare.status, 401, path)
      assert.match(bare.headers['www-authenticate'] ?? '', /^Bearer/)
      for (const authorization of [
        'Bearer wrong',
        'Bearer',
        'Basic correct-horse',
        'correct-horse',
      ]) {
        assert.equal((await ask(port, { path, headers: { authorization } })).status, 401)
      }
    }
    const headers = { authorization: 'bearer correct-horse' }
    assert.equal((await ask(port, { path: '/metrics', headers })).status, 200)
    assert.equal((await ask(port, { path: '/health/live' })).status, 200)
    assert.equal((await ask(port, { path: '/health/ready' })).status, 200)
  })

  it('answers 500 and reports it when an answer cannot be put together', async () => {
    const broken = new Error('secret detail')
    const port = await startApp(null, { metrics: () => Promise.reject(broken) })
    const { status, body } = await ask(port, { path: '/metrics' })
    assert.equal(status, 500)
    assert.ok(!body.includes('secret'))
    assert.ok(adminFailures.includes(broken))
  })

  it('takes a client that leaves while it sends for no defect', async () => {
    const port = await startApp(null)
    const before = adminFailures.length
    const socket = connect({ host: '127.0.0.1', port })
    const lines = ['POST /backchannel-logout HTTP/1.1', `Host: 127.0.0.1:${port}`]
    const type = 'Content-Type: application/x-www-form-urlencoded'
    socket.write([...lines, type, 'Content-Length: 900', '', 'abc'].join('\r\n'))
    await once(socket, 'connect')
    socket.resetAndDestroy()
    // Answered behind it, over a connection of its own.
    assert.equal((await ask(port, { path: '/health/live' })).status, 200)
    assert.equal(adminFailures.length, before)
  })

  it('answers a malformed request with 400 and stays up', async () => {
    const port = await startApp(null)
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port }, () => socket.write('NONSENSE\r\n\r\n'))
      let text = ''
      socket.on('data', (chunk) => {
        text += chunk.toString()
      })
      socket.on('close', () => resolve(text))
      socket.on('error', reject)
    })
    assert.match(answer, /^HTTP\/1\.1 400 /)
    assert.equal((await ask(port, { path: '/health/live' })).status, 200)
  })

  it('closes a connection on which requests are sent ahead of their answers', async () => {
    let scrapes = 0
    const port = await startApp(null, {
      metrics: () => {
        scrapes += 1
        return Promise.resolve('x'.repeat(1_024))
      },
    })
    await new Promise<void>((resolve) => {
      const socket = connect({ host: '127.0.0.1', port }, () => {
        socket.write('GET /metrics HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n'.repeat(1_000))
      })
      socket.on('error', () => {})
      socket.once('close', () => resolve())
      socket.resume()
    })
    assert.equal(scrapes, 1)
    assert.equal((await ask(port, { path: '/health/live' })).status, 200)
  })

  it('takes one request after the other on a connection', async () => {
    const port = await startApp(null)
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    for (let count = 0; count < 20; count += 1) {
      const status = await new Promise((resolve, reject) => {
        const options = { host: '127.0.0.1', port, path: '/metrics', agent }
        httpRequest(options, (response) => {
          response.resume().once('end', () => resolve(response.statusCode))
        })
          .once('error', reject)
          .end()
      })
      assert.equal(status, 200)
    }
    agent.destroy()
  })

  it('says so when its port is taken', async () => {
    const port = await startApp(null)
    const second = new AdminApp({ host: '127.0.0.1', port, token: null }, adminSources)
    await assert.rejects(second.listen(), { code: 'EADDRINUSE' })
  })

  it('knows which addresses only this machine can reach', () => {
    for (const host of ['127.0.0.1', '127.8.0.1', '::1', 'localhost'])
      assert.ok(isLoopbackHost(host))
    for (const host of ['0.0.0.0', '::', '10.0.0.1', '127.0.0.1.example']) {
      assert.ok(!isLoopbackHost(host))
    }
  })
})
