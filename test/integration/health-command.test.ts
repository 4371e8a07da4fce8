/** `sallyport health` against gateways that really listen where their configurations say. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it, type TestContext } from 'node:test'
import { FaultyServer } from '../support/faulty-server.ts'
import { gatewayText } from '../support/gateway-text.ts'
import { reservePort } from '../support/reserved-port.ts'
import { SELF_SIGNED_CERTIFICATE } from '../support/self-signed-certificate.ts'
import { SpawnedCommand } from '../support/spawned-command.ts'

const UPSTREAM = 'http://127.0.0.1:9'
const TLS = { certFile: 'cert.pem', keyFile: 'key.pem' }
let directory = ''
let files = 0

before(() => {
  directory = mkdtempSync(join(tmpdir(), 'sallyport-health-'))
  writeFileSync(join(directory, TLS.certFile), SELF_SIGNED_CERTIFICATE.cert)
  writeFileSync(join(directory, TLS.keyFile), SELF_SIGNED_CERTIFICATE.key)
})

after(() => {
  rmSync(directory, { recursive: true })
})

function configFile(text: string): string {
  files += 1
  const file = join(directory, `gateway-${files}.yaml`)
  writeFileSync(file, text)
  return file
}

async function checkHealth(file: string): Promise<SpawnedCommand> {
  const command = new SpawnedCommand(['health', '--config', file])
  await command.ended()
  return command
}

async function expectAlive(file: string): Promise<void> {
  const command = await checkHealth(file)
  assert.deepEqual(command.errors, [])
  assert.deepEqual(command.output, [])
  assert.deepEqual(await command.ended(), { exitCode: 0, signal: null })
}

async function expectDead(file: string, error: RegExp): Promise<void> {
  const command = await checkHealth(file)
  assert.match(command.errors.join('\n'), error)
  assert.deepEqual(await command.ended(), { exitCode: 1, signal: null })
}

async function serve(test: TestContext, file: string): Promise<SpawnedCommand> {
  const gateway = new SpawnedCommand(['serve', '--config', file])
  test.after(() => gateway.kill())
  await gateway.logged('listening')
  return gateway
}

describe('sallyport health', () => {
  for (const [what, server] of [
    ['on another port', { host: '127.0.0.1' }],
    ['on another address of this machine', { host: '127.0.0.2' }],
    ['on all addresses', { host: '0.0.0.0' }],
    ['on IPv6', { host: '::1' }],
    ['on all addresses, IPv6 included', { host: '::' }],
    ['with TLS, whatever name its certificate has', { host: '127.0.0.1', tls: TLS }],
  ] as const) {
    it(`finds a gateway ${what}, and misses it when it is gone`, async (test) => {
      const file = configFile(
        gatewayText({ upstream: [UPSTREAM], server: { ...server, port: await reservePort() } }),
      )
      const gateway = await serve(test, file)
      await expectAlive(file)
      gateway.signal('SIGTERM')
      assert.deepEqual(await gateway.ended(), { exitCode: 0, signal: null })
      await expectDead(file, /^sallyport: not alive at .+: ECONNREFUSED$/)
    })
  }

  it('calls an instance alive that is not ready', async (test) => {
    const issuer = await FaultyServer.start()
    test.after(() => issuer.down())
    issuer.behaviour = 'error'
    const file = configFile(
      gatewayText({
        upstream: [UPSTREAM],
        server: { port: await reservePort() },
        issuers: { main: { issuer: 'x', audiences: ['y'], jwks: { uri: issuer.jwksUri } } },
        authenticate: ['jwt'],
      }),
    )
    await serve(test, file)
    await expectAlive(file)
  })

  it('waits no longer than a container does', async (test) => {
    const silent = createServer((socket) => socket.on('error', () => {}).resume())
    silent.listen(0, '127.0.0.1')
    await once(silent, 'listening')
    test.after(() => silent.close())
    const { port } = silent.address() as AddressInfo
    const file = configFile(gatewayText({ upstream: [UPSTREAM], server: { port } }))
    await expectDead(file, /no answer within 2000 ms$/)
  })

  it('does not end with 2, which Docker has reserved', async () => {
    await expectDead(configFile('nonsense: true'), /problems?; nothing was started$/)
    await expectDead(
      configFile(gatewayText({ upstream: [UPSTREAM] })),
      /port 0 means any free port/,
    )
  })
})
