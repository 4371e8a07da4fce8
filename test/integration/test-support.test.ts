/** What the tests themselves stand on: ports that stay theirs, waits that end, the gateway. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { outcomeOf, upstreamField } from '../support/gateway-answer.ts'
import { reservePort, reservePortWith } from '../support/reserved-port.ts'
import { SpawnedCommand } from '../support/spawned-command.ts'
import { openGateway } from '../support/test-gateway.ts'

const RESERVED_EACH = 400
const PATIENCE_MS = 20_000

let directory = ''
before(() => {
  directory = mkdtempSync(join(tmpdir(), 'sallyport-support-'))
})
after(() => {
  rmSync(directory, { recursive: true })
})

function program(name: string, text: string): string {
  const file = join(directory, name)
  writeFileSync(file, text)
  return file
}

const RESERVING = `
  const { reservePort } = await import(process.argv[2])
  const ports = await Promise.all(Array.from({ length: ${RESERVED_EACH} }, () => reservePort()))
  console.log(JSON.stringify(ports))
  // Until all have theirs.
  setInterval(() => {}, 1_000)
`

describe('a reserved port', () => {
  it('is given out once, also among processes that reserve at the same time', async (test) => {
    const file = program('reserving.mjs', RESERVING)
    const module = new URL('../support/reserved-port.js', import.meta.url).href
    const commands = [1, 2, 3].map(() => new SpawnedCommand([module], {}, file))
    for (const command of commands) test.after(() => command.kill())
    const ports: number[] = []
    for (const command of commands) {
      await command.until('it has reserved', () => command.output.length > 0)
      ports.push(...(JSON.parse(command.output[0] ?? '') as number[]))
    }
    assert.equal(ports.length, RESERVED_EACH * commands.length)
    assert.equal(new Set(ports).size, ports.length)
  })

  it('can be listened on, again and again', async () => {
    const port = await reservePort()
    for (let time = 0; time < 3; time += 1) {
      const server = createServer((socket) => socket.end('x')).listen(port, '127.0.0.1')
      await once(server, 'listening')
      const client = connect(port, '127.0.0.1').resume()
      await once(client, 'close')
      server.close()
      await once(server, 'close')
    }
  })

  it('comes with those at a distance, as a cluster needs them', async () => {
    const port = await reservePortWith([10_000])
    for (const taken of [port, port + 10_000]) {
      const socket = createSocket('udp4').bind(taken, '127.0.0.1')
      const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException]
      assert.equal(error.code, 'EADDRINUSE')
      socket.close()
    }
  })
})

describe('a wait for something that cannot come any more', () => {
  it('tells how a command ended, and what it said last', async () => {
    const file = program('dying.mjs', "console.error('out of luck'); process.exitCode = 7")
    const command = new SpawnedCommand([], {}, file)
    await assert.rejects(
      command.until('it listens', () => false),
      { message: 'the command ended with exit code 7\nout of luck\nbefore: it listens' },
    )
  })

  it('tells how a gateway ended that had not been told to', async () => {
    const gateway = await openGateway({ upstream: ['http://127.0.0.1:1'] })
    process.kill(gateway.processId, 'SIGKILL')
    const startMs = performance.now()
    await assert.rejects(
      eventually('it logs', () => false),
      /^Error: the gateway process ended with SIGKILL\n(.*\n)*.*"event":"listening"/,
    )
    assert.ok(performance.now() - startMs < PATIENCE_MS)
  })
})

/** Opens a gateway and does not stop it. */
const FORGETFUL = `
  import { it } from 'node:test'
  const { openGateway } = await import(process.env.TEST_GATEWAY_MODULE)
  it('opens', async () => {
    const gateway = await openGateway()
    process.stderr.write('gateway ' + gateway.processId + '.')
  })
`

describe('the gateway of a test', () => {
  it('is asked, counted, and tells what its upstream got', async (test) => {
    const routes = {
      '/open/*': { authenticate: 'none' },
      '/closed/*': { authenticate: ['apiKey'] },
    }
    const apiKeys = { keys: [{ sha256: 'a'.repeat(64), userId: 'unused' }] }
    const gateway = await openGateway({ routes, apiKeys })
    test.after(() => gateway.stop())
    const passed = await gateway.ask('/open/x', { 'x-mine': 'yes' })
    assert.equal(outcomeOf(passed), 'passed')
    assert.equal(upstreamField(passed, 'x-mine'), 'yes')
    assert.equal(gateway.upstream.requests, 1)
    const refused = await gateway.ask('/closed/x', [['X-Mine', 'yes']], 'POST')
    assert.equal(outcomeOf(refused), '401 missing_token')
    assert.match(refused.field('www-authenticate') ?? '', /ApiKey/)
    assert.equal(gateway.upstream.requests, 1)
    const name = 'sallyport_requests_total'
    assert.equal(await gateway.metric(name, { route: 'atopen' }), 1)
    assert.equal(await gateway.metric(name, { route: 'atclosed' }), 1)
    assert.ok((await gateway.metric(name, {})) >= 2)
    assert.equal(await gateway.metric('sallyport_no_such_metric'), 0)
    assert.equal((await gateway.admin('/revocations')).status, 405)
  })

  it('ends with its test file when it is not stopped', () => {
    const file = program('forgetful.test.mjs', FORGETFUL)
    const { NODE_TEST_CONTEXT: _, ...environment } = process.env
    const module = new URL('../support/test-gateway.js', import.meta.url).href
    const done = spawnSync(process.execPath, ['--test', file], {
      env: { ...environment, TEST_GATEWAY_MODULE: module },
      encoding: 'utf8',
      timeout: 2 * PATIENCE_MS,
    })
    assert.equal(done.status, 0, done.stdout)
    const gateway = Number(/gateway (\d+)\./.exec(`${done.stdout}${done.stderr}`)?.[1])
    assert.throws(() => process.kill(gateway, 0), { code: 'ESRCH' })
  })
})
