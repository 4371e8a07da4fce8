/** What the tests themselves stand on: ports that stay theirs, and waits that end. */
import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { gatewayText } from '../support/open-gateway.ts'
import { reservePort, reservePortWith } from '../support/reserved-port.ts'
import { startGateway } from '../support/running-gateway.ts'
import { SpawnedCommand } from '../support/spawned-command.ts'

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
  it('is nobody else’s, in any process that reserves at the same time', async (test) => {
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

  it('tells how a gateway ended that nobody had told to', async () => {
    const gateway = await startGateway(gatewayText(['http://127.0.0.1:1']))
    process.kill(gateway.processId, 'SIGKILL')
    const startMs = performance.now()
    await assert.rejects(
      eventually('it logs', () => false),
      /^Error: the gateway process ended with SIGKILL\n(.*\n)*.*"event":"listening"/,
    )
    assert.ok(performance.now() - startMs < PATIENCE_MS)
  })
})
