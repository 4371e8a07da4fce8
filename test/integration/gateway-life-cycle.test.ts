/** `sallyport serve` as a process: signals, probes and draining. */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, before, describe, it, type TestContext } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { eventually } from '../support/eventually.ts'
import { FaultyServer } from '../support/faulty-server.ts'
import { type GatewayPlan, gatewayText } from '../support/gateway-text.ts'
import { HeldUpstream } from '../support/held-upstream.ts'
import { es256Jwk } from '../support/key-documents.ts'
import { announcesClose, soleAnswer } from '../support/proxied-answer.ts'
import { exchangeRaw, openRaw } from '../support/raw-http.ts'
import { type ServedGateway, serveGateway } from '../support/served-gateway.ts'
import { slowness } from '../support/starvation.ts'

/** Long enough for all that is asked meanwhile. */
const DRAIN_DELAY_MS = Math.ceil(1_500 * slowness())
const POLL_MS = 20

let upstream: HeldUpstream

before(async () => {
  upstream = await HeldUpstream.start()
})

after(() => upstream.close())

function serve(test: TestContext, options: GatewayPlan = {}): Promise<ServedGateway> {
  return serveGateway(test, gatewayText({ ...options, upstream: upstream.origin }))
}

function draining(delay: string, timeout: string): GatewayPlan {
  return { server: { drain: { delay, timeout } } }
}

async function get(port: number, path: string, fields = ''): Promise<string> {
  const reply = await exchangeRaw(port, `GET ${path} HTTP/1.1\r\nhost: a\r\n${fields}\r\n`)
  return reply.text
}

function isRefused(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(false)
    })
    socket.once('error', () => resolve(true))
  })
}

/** Asks for `/held`, and settles when the upstream has the request. */
async function holdRequest(port: number) {
  const before = upstream.heldCount
  const client = await openRaw({ port })
  client.send('GET /held HTTP/1.1\r\nhost: a\r\n\r\n')
  await eventually('the upstream has the request', () => upstream.heldCount > before)
  return client
}

describe('health', () => {
  it('is live before it is ready, and ready when every issuer has had keys', async (test) => {
    const issuer = await FaultyServer.start()
    test.after(() => issuer.down())
    issuer.publish(es256Jwk('k'))
    issuer.behaviour = 'error'
    const { port } = await serve(test, {
      issuers: { main: { issuer: 'x', audiences: ['y'], jwks: { uri: issuer.jwksUri } } },
      authenticate: ['jwt'],
    })
    assert.match(await get(port, '/health/live'), /^HTTP\/1\.1 200 OK\r\n/)
    const unready = await get(port, '/health/ready')
    assert.match(unready, /^HTTP\/1\.1 503 /)
    assert.match(unready, /"status":"waiting_for_keys"/)
    assert.match(unready, /"issuer":"main","condition":"waiting"/)

    issuer.behaviour = 'good'
    await eventually('it is ready', async () => / 200 OK/.test(await get(port, '/health/ready')))
    assert.match(await get(port, '/health/ready'), /"status":"ready"/)

    issuer.behaviour = 'error'
    assert.match(await get(port, '/health/ready'), /^HTTP\/1\.1 200 OK\r\n/)
  })
})

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  describe(signal, () => {
    it('drains: unready at once, refusing after the delay, finishing what runs', async (test) => {
      const { command, port } = await serve(test, draining(`${DRAIN_DELAY_MS}ms`, '10s'))
      const kept = await openRaw({ port })
      kept.send('GET /x HTTP/1.1\r\nhost: a\r\n\r\n')
      assert.equal(announcesClose(soleAnswer(await kept.waitForAnswers(1))), false)
      const slow = await holdRequest(port)

      const signalledAtMs = performance.now()
      command.signal(signal)
      await command.logged('draining')
      await eventually('it is unready', async () =>
        (await get(port, '/health/ready')).includes(' 503 '),
      )
      assert.match(await get(port, '/health/ready'), /"status":"draining"/)
      assert.match(await get(port, '/health/live'), / 200 OK/)

      // Who comes all the same is served, and told to come no more.
      const late = await exchangeRaw(port, 'GET /late HTTP/1.1\r\nhost: a\r\n\r\n')
      assert.equal(soleAnswer(late.answers).body.toString(), 'ok')
      assert.ok(announcesClose(soleAnswer(late.answers)))
      kept.send('GET /x HTTP/1.1\r\nhost: a\r\n\r\n')
      const [, keptAnswer] = await kept.waitForAnswers(2)
      assert.ok(keptAnswer !== undefined && announcesClose(keptAnswer))
      await kept.waitForClose()

      await eventually('new connections are refused', () => isRefused(port))
      assert.ok(performance.now() - signalledAtMs >= DRAIN_DELAY_MS * 0.9)
      assert.equal(command.hasEnded, false)
      upstream.answerAfter(upstream.heldCount - 1)
      assert.equal(soleAnswer(await slow.waitForAnswers(1)).body.toString(), 'at last')
      assert.deepEqual(await command.ended(), { exitCode: 0, signal: null })
      assert.notEqual(command.logLine('stopped'), null)
      assert.deepEqual(command.errors, [])
    })
  })
}

describe('draining', () => {
  it('cuts what still runs when its time is up', async (test) => {
    const { command, port } = await serve(test, draining('0s', '500ms'))
    const slow = await holdRequest(port)
    command.signal('SIGTERM')
    await slow.waitForClose()
    assert.equal(slow.text, '')
    assert.deepEqual(await command.ended(), { exitCode: 0, signal: null })
  })

  it('is over at once on a second signal', async (test) => {
    const { command, port } = await serve(test, draining('1m', '1m'))
    await holdRequest(port)
    command.signal('SIGINT')
    await command.logged('draining')
    command.signal('SIGINT')
    assert.deepEqual(await command.ended(), { exitCode: 130, signal: null })
  })
})

describe('SIGHUP', () => {
  it('loads the configuration anew, and does not end the gateway', async (test) => {
    const { command, port } = await serve(test)
    command.signal('SIGHUP')
    const told = await command.logged('configuration_unchanged')
    assert.deepEqual([told['cause'], told['revision']], ['signal', 1])
    assert.deepEqual(command.errors, [])
    assert.match(await get(port, '/x'), / 200 OK/)
    command.signal('SIGTERM')
    assert.deepEqual(await command.ended(), { exitCode: 0, signal: null })
  })

  it('does not end a gateway whose terminal has gone', async (test) => {
    const { command, port } = await serve(test)
    command.closeErrors()
    for (let times = 0; times < 3; times += 1) {
      command.signal('SIGHUP')
      await delay(POLL_MS)
      assert.match(await get(port, '/x'), / 200 OK/)
    }
    command.signal('SIGTERM')
    assert.deepEqual(await command.ended(), { exitCode: 0, signal: null })
  })
})
