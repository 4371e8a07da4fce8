/**
 * Real programs that the native engine has nothing for, against the one on node:http: nginx and
 * HAProxy as they come, `ab`, curl with HTTP/1.0, and a connection that is idle for longer than the
 * native server keeps it.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { eventually } from '../support/eventually.ts'
import { bareNginx, checkingHaproxy } from '../support/front-proxies.ts'
import { echoOf } from '../support/gateway-answer.ts'
import { missingProgram } from '../support/missing-program.ts'
import { answerHeader, openRaw } from '../support/raw-http.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'

const run = promisify(execFile)
const directory = mkdtempSync(join(tmpdir(), 'sallyport-programs-'))
const nginx = bareNginx(directory)
const haproxy = checkingHaproxy(directory)
/** The native server closes after 8 to 12 s, and Node by default after 5 s. */
const IDLE_MS = 13_000

let gateway: TestGateway

before(async () => {
  gateway = await openGateway({
    server: { engine: 'node', timeouts: { keepAlive: '120s' } },
    routes: { '/*': { authenticate: 'none' } },
  })
})

after(async () => {
  await nginx.stop()
  await haproxy.stop()
  rmSync(directory, { recursive: true })
})

describe('programs that speak HTTP/1.0', () => {
  it('nginx with nothing but proxy_pass is served', { skip: nginx.missing }, async () => {
    const port = await nginx.start(gateway.port)
    const origin = `http://127.0.0.1:${port}`
    const got = await fetch(`${origin}/x`)
    assert.equal(got.status, 200)
    assert.match(await got.text(), /"url":"\/x"/)
    const posted = await fetch(`${origin}/upload`, { method: 'POST', body: 'x'.repeat(100_000) })
    assert.match(await posted.text(), /100000/)
    const events = await fetch(`${origin}/events?count=3&ms=5`)
    assert.equal((await events.text()).match(/^data:/gm)?.length, 3)
    const downloaded = await fetch(`${origin}/download?bytes=3000000`)
    assert.equal((await downloaded.arrayBuffer()).byteLength, 3_000_000)
  })

  it('HAProxy finds it well, by its default check too', { skip: haproxy.missing }, async () => {
    const port = await haproxy.start(gateway.port)
    for (const path of ['/x', '/asked/x']) {
      await eventually(`${path} is served`, async () => {
        const { status } = await fetch(`http://127.0.0.1:${port}${path}`)
        return status === 200
      })
      // It would be taken out by now if a check had failed.
      await eventually('checks have run', () => gateway.upstream.requests > 3)
      assert.equal((await fetch(`http://127.0.0.1:${port}${path}`)).status, 200)
    }
  })

  it('curl --http1.0 is served', { skip: missingProgram('curl') }, async () => {
    const url = `http://127.0.0.1:${gateway.port}/mirror`
    const { stdout } = await run('curl', ['-sS', '--http1.0', '-d', 'hello', url])
    assert.equal(stdout, 'hello')
  })

  it('ab gets all of its answers, with -k and without', {
    skip: missingProgram('ab', ['-V']),
  }, async () => {
    for (const flags of [['-k'], []]) {
      const url = `http://127.0.0.1:${gateway.port}/x`
      const { stdout } = await run('ab', [...flags, '-q', '-n', '500', '-c', '10', url])
      assert.match(stdout, /Complete requests: +500\n/)
      assert.match(stdout, /Failed requests: +0\n/)
      assert.doesNotMatch(stdout, /Non-2xx/)
    }
  })
})

describe('a connection that is idle for longer than the native engine keeps it', () => {
  it('is told for how long it is kept, and serves the next request', async () => {
    const connection = await openRaw({ port: gateway.port })
    connection.send('GET /one HTTP/1.1\r\nHost: a\r\n\r\n')
    const [first] = await connection.waitForAnswers(1)
    assert.ok(first !== undefined)
    assert.deepEqual(answerHeader(first, 'keep-alive'), ['timeout=120'])
    await new Promise((resolve) => setTimeout(resolve, IDLE_MS))
    connection.send('GET /two HTTP/1.1\r\nHost: a\r\n\r\n')
    const second = (await connection.waitForAnswers(2)).at(-1)
    assert.ok(second !== undefined)
    assert.equal(echoOf(second).url, '/two')
    connection.destroy()
  })
})
