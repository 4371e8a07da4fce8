/** `sallyport serve` where it cannot start: it says why, once, in words, and starts nothing. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it, type TestContext } from 'node:test'
import { copyProgram, withoutBinaries } from '../support/copied-program.ts'
import { echoOf, soleAnswer } from '../support/proxied-answer.ts'
import { exchangeRaw } from '../support/raw-http.ts'
import { RedisServer } from '../support/redis-server.ts'
import { reservePort } from '../support/reserved-port.ts'
import { SELF_SIGNED_CERTIFICATE } from '../support/self-signed-certificate.ts'
import { SpawnedCommand } from '../support/spawned-command.ts'
import { startEchoUpstream } from '../support/upstream-servers.ts'

type Settings = Readonly<Record<string, unknown>>

/** Listener threads bind a port after it was chosen: none that somebody may take meanwhile. */
const LOOPBACK = { host: '127.0.0.1', port: await reservePort() }
const ADMIN = { host: '127.0.0.1', port: 0 }
/** Reserved for documentation (RFC 5737): no machine has it. */
const FOREIGN_ADDRESS = '192.0.2.1'
const ISSUER = { issuer: 'https://idp.example.com/', audiences: ['api'] }

let directory = ''
let files = 0

before(() => {
  directory = mkdtempSync(join(tmpdir(), 'sallyport-serve-'))
  writeFileSync(join(directory, 'cert.pem'), SELF_SIGNED_CERTIFICATE.cert)
  writeFileSync(join(directory, 'key.pem'), SELF_SIGNED_CERTIFICATE.key)
  writeFileSync(join(directory, 'rubbish.pem'), 'rubbish\n')
  const brokenChain = `${SELF_SIGNED_CERTIFICATE.cert}\n${SELF_SIGNED_CERTIFICATE.cert.slice(0, 100)}`
  writeFileSync(join(directory, 'broken-chain.pem'), `${brokenChain}\n-----END CERTIFICATE-----\n`)
})

after(() => {
  rmSync(directory, { recursive: true })
})

/** Writes a configuration that is good apart from these sections. JSON is YAML. */
function configFile(sections: Settings): string {
  files += 1
  const file = join(directory, `gateway-${files}.yaml`)
  const good = {
    server: LOOPBACK,
    admin: ADMIN,
    issuers: {},
    upstreams: { only: { targets: ['http://127.0.0.1:9'] } },
    routes: [{ name: 'all', match: { path: '/*' }, upstream: 'only', authenticate: 'none' }],
  }
  writeFileSync(file, JSON.stringify({ ...good, ...sections }))
  return file
}

function serve(test: TestContext, file: string, main?: string): SpawnedCommand {
  const command = new SpawnedCommand(['serve', '--config', file], {}, main)
  test.after(() => command.kill())
  return command
}

/** Expects the command to give up with these errors and nothing else. */
async function expectRefusal(
  command: SpawnedCommand,
  expected: readonly (string | RegExp)[],
): Promise<void> {
  const end = await command.ended()
  const { errors, output } = command
  assert.equal(errors.length, expected.length, errors.join('\n'))
  for (const [index, line] of expected.entries()) {
    if (typeof line === 'string') assert.equal(errors[index], line)
    else assert.match(errors[index] ?? '', line)
  }
  assert.doesNotMatch([...errors, ...output].join('\n'), /^\s+at |"stack"/m)
  assert.deepEqual(end, { exitCode: 2, signal: null })
}

describe('a configuration that cannot be served', () => {
  it('is refused with every problem at its place', async (test) => {
    const file = configFile({
      server: { ...LOOPBACK, port: 'http' },
      issuers: {
        a: { ...ISSUER, jwks: { file: 'no-keys.json' } },
        b: { ...ISSUER, issuer: 'b', algorithms: ['HS256'], secretFile: '.' },
      },
      admin: { ...ADMIN, tokenFile: 'no-token' },
    })
    await expectRefusal(serve(test, file), [
      /:1:\d+ server\.port must be a whole number from 0 to 65535$/,
      /:1:\d+ admin\.tokenFile names a file that cannot be read \(ENOENT\)$/,
      /:1:\d+ issuers\.a\.jwks\.file names a file that cannot be read \(ENOENT\)$/,
      /:1:\d+ issuers\.b\.secretFile names something that is not a file$/,
      '4 problems; nothing was started',
    ])
  })

  it('is refused when it is not there', async (test) => {
    const file = join(directory, 'nowhere.yaml')
    await expectRefusal(serve(test, file), [
      `${file}: cannot be read (ENOENT)`,
      '1 problem; nothing was started',
    ])
  })

  for (const [certFile, keyFile, problem] of [
    ['no.pem', 'key.pem', 'server.tls.certFile names a file that cannot be read (ENOENT)'],
    ['cert.pem', 'no.pem', 'server.tls.keyFile names a file that cannot be read (ENOENT)'],
    ['rubbish.pem', 'key.pem', 'server.tls.certFile holds no PEM certificate'],
    ['cert.pem', 'rubbish.pem', 'server.tls.keyFile holds no PEM private key without a passphrase'],
  ] as const) {
    it(`is refused for TLS with ${certFile} and ${keyFile}`, async (test) => {
      const file = configFile({ server: { ...LOOPBACK, tls: { certFile, keyFile } } })
      const command = serve(test, file)
      await expectRefusal(command, [/./, '1 problem; nothing was started'])
      assert.ok(command.errors[0]?.endsWith(` ${problem}`), command.errors[0])
    })
  }

  it('is refused for TLS files that only the native server finds fault with', async (test) => {
    const tls = { certFile: 'broken-chain.pem', keyFile: 'key.pem' }
    const command = serve(test, configFile({ server: { ...LOOPBACK, tls } }))
    await expectRefusal(command, [/^sallyport: server: a listener thread ended while it started: /])
  })
})

describe('an address that cannot be listened on', () => {
  for (const setting of ['server', 'admin'] as const) {
    it(`is named when another process has the ${setting} port`, async (test) => {
      const holder = createServer()
      holder.listen(0, '127.0.0.1')
      await once(holder, 'listening')
      test.after(() => holder.close())
      const { port } = holder.address() as AddressInfo
      const file = configFile({ [setting]: { ...LOOPBACK, port } })
      await expectRefusal(serve(test, file), [
        `sallyport: ${setting}: cannot listen on 127.0.0.1:${port}: the port is taken by another process`,
      ])
    })

    it(`is named when the ${setting} host is not on this machine`, async (test) => {
      const token = setting === 'admin' ? { token: 't'.repeat(32) } : {}
      const { port } = LOOPBACK
      const file = configFile({ [setting]: { host: FOREIGN_ADDRESS, port, ...token } })
      await expectRefusal(serve(test, file), [
        `sallyport: ${setting}: cannot listen on ${FOREIGN_ADDRESS}:${port}: this machine does not have that address`,
      ])
    })
  }

  it('does not keep the command waiting for what it has connected to already', async (test) => {
    const redis = await RedisServer.start()
    test.after(() => redis.stop())
    const holder = createServer()
    holder.listen(0, '127.0.0.1')
    await once(holder, 'listening')
    test.after(() => holder.close())
    const { port } = holder.address() as AddressInfo
    const sessions = { redis: { nodes: [redis.address] }, sessions: {} }
    for (const setting of ['server', 'admin'] as const) {
      const file = configFile({ ...sessions, [setting]: { ...LOOPBACK, port } })
      await expectRefusal(serve(test, file), [/the port is taken by another process$/])
    }
  })

  it('is not shared with a gateway that runs already', async (test) => {
    const running = serve(test, configFile({}))
    const { port } = await running.logged('listening')
    assert.equal(port, LOOPBACK.port)
    const second = serve(test, configFile({}))
    await expectRefusal(second, [/the port is taken by another process$/])
    assert.equal(running.hasEnded, false)
  })
})

describe('a command line that says nothing', () => {
  for (const [words, problem] of [
    [['frobnicate'], 'unknown command "frobnicate"'],
    [['serve'], '--config FILE is missing'],
    [['serve', '--config'], '--config needs a value: --config FILE'],
    [['serve', 'gateway.yaml'], 'an argument belongs to no option'],
    [['serve', '--config', 'a', '--config', 'b'], '--config is given twice'],
    [['serve', '--config', 'a', '--port', '80'], 'unknown option --port'],
  ] as const) {
    it(`is explained: ${words.join(' ')}`, async () => {
      const command = new SpawnedCommand(words)
      await command.ended()
      assert.ok(command.errors.includes(`sallyport: ${problem}`), command.errors.join())
      assert.equal(command.errors.at(-1), 'sallyport --help lists commands and options')
      assert.equal((await command.ended()).exitCode, 2)
    })
  }
})

describe('a machine without the native server', () => {
  it('is told what to do about it', async (test) => {
    const program = copyProgram(join(directory, 'program'), {
      'uWebSockets.js': withoutBinaries,
    })
    const command = serve(test, configFile({}), program)
    await expectRefusal(command, [
      /^sallyport: (the native server is not prepared|there is no native server) for /,
    ])
  })
})

describe('flags of Node', () => {
  it('reach the engine, and keep no thread from starting', async (test) => {
    writeFileSync(join(directory, 'secret'), 's'.repeat(64))
    const issuer = { ...ISSUER, algorithms: ['HS256'], secretFile: join(directory, 'secret') }
    const file = configFile({
      issuers: { main: issuer },
      server: { ...LOOPBACK, drain: { delay: '0s', timeout: '1s' } },
      routes: [{ name: 'all', match: { path: '/*' }, upstream: 'only', authenticate: ['jwt'] }],
    })
    const flags = ['--max-old-space-size=256', '--trace-gc', '--enable-source-maps']
    const command = new SpawnedCommand(['serve', '--config', file], {}, undefined, flags)
    test.after(() => command.kill())
    const port = Number((await command.logged('listening'))['port'])
    const token = 'authorization: Bearer eyJhbGciOiJIUzI1NiJ9.e30.AAAA'
    const reply = await exchangeRaw(port, `GET /x HTTP/1.1\r\nhost: a\r\n${token}\r\n\r\n`)
    assert.equal(soleAnswer(reply.answers).status, 401)
    command.signal('SIGTERM')
    assert.deepEqual(await command.ended(), { exitCode: 0, signal: null })
  })
})

describe('TLS', () => {
  it('serves https with the files that the configuration names', async (test) => {
    const upstream = await startEchoUpstream()
    test.after(() => upstream.close())
    const tls = { certFile: 'cert.pem', keyFile: 'key.pem' }
    const command = serve(
      test,
      configFile({
        server: { ...LOOPBACK, tls, drain: { delay: '0s', timeout: '1s' } },
        upstreams: { only: { targets: [upstream.origin] } },
      }),
    )
    const port = Number((await command.logged('listening'))['port'])
    const ca = SELF_SIGNED_CERTIFICATE.cert
    const reply = await exchangeRaw({ port, ca }, 'GET /x HTTP/1.1\r\nhost: a\r\n\r\n')
    const { headers } = echoOf(soleAnswer(reply.answers))
    assert.equal(headers['x-forwarded-proto'], 'https')
    assert.match(headers['forwarded'] ?? '', /;proto=https$/)
    const ready = await exchangeRaw({ port, ca }, 'GET /health/ready HTTP/1.1\r\nhost: a\r\n\r\n')
    assert.equal(soleAnswer(ready.answers).status, 200)

    const plain = await exchangeRaw(port, 'GET /x HTTP/1.1\r\nhost: a\r\n\r\n', {
      deadlineMs: 1_000,
    })
    assert.deepEqual(plain.answers, [])
    command.signal('SIGTERM')
    assert.deepEqual(await command.ended(), { exitCode: 0, signal: null })
  })
})
