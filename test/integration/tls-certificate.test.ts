/** The certificate of the listener, replaced while clients are connected. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { Agent, request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { eventually } from '../support/eventually.ts'
import { gatewayText } from '../support/gateway-text.ts'
import { metricSample } from '../support/metric-sample.ts'
import { reservePort } from '../support/reserved-port.ts'
import { OTHER_CERTIFICATE, SELF_SIGNED_CERTIFICATE } from '../support/self-signed-certificate.ts'
import { SpawnedCommand } from '../support/spawned-command.ts'
import { startEchoUpstream, type UpstreamServer } from '../support/upstream-servers.ts'

const CLIENTS = 4
const EXPIRES = 'sallyport_tls_certificate_expires_timestamp_seconds'

let directory: string
let upstream: UpstreamServer
let command: SpawnedCommand
let port: number
let admin: string

before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'sallyport-tls-'))
  upstream = await startEchoUpstream()
  port = await reservePort()
  write('cert', SELF_SIGNED_CERTIFICATE)
  write('key', SELF_SIGNED_CERTIFICATE)
  const tls = { certFile: 'cert.pem', keyFile: 'key.pem' }
  const file = join(directory, 'gateway.yaml')
  writeFileSync(file, gatewayText({ server: { port, tls }, upstream: upstream.origin }))
  command = new SpawnedCommand(['serve', '--config', file], { SALLYPORT_LISTENER_THREADS: '2' })
  await command.logged('listening')
  admin = `http://127.0.0.1:${String((await command.logged('admin_listening'))['port'])}`
})

after(async () => {
  await command.kill()
  await upstream.close()
  rmSync(directory, { recursive: true })
})

function write(part: 'cert' | 'key', pair: { readonly cert: string; readonly key: string }): void {
  writeFileSync(join(directory, `${part}.pem`), pair[part])
}

async function handshake(options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options })
  await once(socket, 'secureConnect')
  return socket
}

/** Common name of the certificate that a new connection gets. */
async function servedName(servername: string): Promise<string> {
  const socket = await handshake({ servername })
  const { subject } = socket.getPeerCertificate()
  socket.destroy()
  return String(subject.CN)
}

/** Clients with connections that they keep, which ask without pause. */
class Clients {
  answers = 0
  connections = 0
  readonly problems: string[] = []
  readonly #agent = new Agent({ keepAlive: true, maxSockets: CLIENTS, rejectUnauthorized: false })
  #isOver = false
  readonly #runs = Array.from({ length: CLIENTS }, () => this.#run())

  async stop(): Promise<void> {
    this.#isOver = true
    await Promise.all(this.#runs)
    this.#agent.destroy()
  }

  async #run(): Promise<void> {
    while (!this.#isOver) {
      try {
        const outgoing = request({ host: '127.0.0.1', port, path: '/x', agent: this.#agent })
        outgoing.once('socket', (socket) => {
          if (socket.connecting) this.connections += 1
        })
        outgoing.end()
        const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
        await answer.toArray()
        if (answer.statusCode !== 200) this.problems.push(`status ${answer.statusCode}`)
        this.answers += 1
      } catch (error) {
        this.problems.push(String(error))
      }
    }
  }
}

describe('The certificate of the listener', () => {
  it('is replaced when both of its files are, without a connection noticing', async () => {
    const clients = new Clients()
    await eventually('connections are there', () => clients.answers > 20 * CLIENTS)
    assert.deepEqual(
      [await servedName(''), await servedName('localhost')],
      ['localhost', 'localhost'],
    )
    const expiredBefore = await metricSample(admin, EXPIRES)

    // One after the other, with all the time in between that a look at them takes.
    write('key', OTHER_CERTIFICATE)
    const refused = await command.logged('tls_certificate_refused')
    assert.match(String(refused['problems']), /keyFile holds a key that does not belong/)
    assert.deepEqual(
      [await servedName(''), await servedName('localhost')],
      ['localhost', 'localhost'],
    )
    write('cert', OTHER_CERTIFICATE)
    await command.logged('tls_certificate_replaced')
    for (let round = 0; round < 10; round += 1) {
      assert.equal(await servedName(round % 2 === 0 ? '' : 'localhost'), 'other.localhost')
    }
    assert.ok((await metricSample(admin, EXPIRES)) !== expiredBefore)

    const { answers } = clients
    await eventually('clients go on', () => clients.answers > answers + 20 * CLIENTS)
    await clients.stop()
    assert.deepEqual([clients.problems, clients.connections], [[], CLIENTS])
  })

  it('is spoken for in TLS 1.2 and 1.3 alone, with ciphers that keep what was said secret', async () => {
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const socket = await handshake({ minVersion: version, maxVersion: version })
      assert.equal(socket.getProtocol(), version)
      socket.destroy()
    }
    const weak = { ciphers: 'ALL:@SECLEVEL=0' }
    await assert.rejects(handshake({ ...weak, minVersion: 'TLSv1', maxVersion: 'TLSv1.1' }))
    for (const ciphers of ['ECDHE-ECDSA-AES128-SHA', 'AES128-GCM-SHA256']) {
      await assert.rejects(handshake({ ciphers: `${ciphers}:@SECLEVEL=0`, maxVersion: 'TLSv1.2' }))
    }
  })

  it('ends a gateway that was told to stop after connections under both have ended', async () => {
    command.signal('SIGTERM')
    assert.deepEqual(await command.ended(), { exitCode: 0, signal: null })
  })
})
