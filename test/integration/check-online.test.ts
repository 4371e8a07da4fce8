/** `sallyport check`, where it looks beyond the file: other systems, certificates, addresses. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it, type TestContext } from 'node:test'
import { IntrospectionServer } from '../support/introspection-server.ts'
import { reservePort } from '../support/reserved-port.ts'
import { SELF_SIGNED_CERTIFICATE } from '../support/self-signed-certificate.ts'
import { SpawnedCommand } from '../support/spawned-command.ts'

let directory = ''
let plain: HttpServer
let secure: Server
let introspection: IntrospectionServer
let checks = 0

before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'sallyport-check-'))
  for (const [name, text] of Object.entries(SELF_SIGNED_CERTIFICATE)) {
    writeFileSync(join(directory, `${name}.pem`), text)
  }
  plain = createHttpServer((_request, response) => response.end())
  secure = createServer(SELF_SIGNED_CERTIFICATE, (_request, response) => response.end())
  await Promise.all(
    [plain, secure].map((server) => {
      return new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    }),
  )
  introspection = await IntrospectionServer.start()
})

after(async () => {
  plain.close()
  secure.close()
  await introspection.down()
  rmSync(directory, { recursive: true })
})

function portOf(server: Server | HttpServer): number {
  return (server.address() as AddressInfo).port
}

/** Whom the check trusts besides the usual authorities. */
const TRUSTING = () => ({ NODE_EXTRA_CA_CERTS: join(directory, 'cert.pem') })

interface Asked {
  readonly targets?: readonly string[]
  readonly sections?: object
  readonly environment?: Readonly<Record<string, string>>
  readonly flags?: readonly string[]
}

async function check(test: TestContext, asked: Asked) {
  const file = join(directory, `gateway-${checks}.yaml`)
  checks += 1
  const targets = asked.targets ?? [`http://127.0.0.1:${portOf(plain)}`]
  const configuration = {
    server: { host: '127.0.0.1' },
    upstreams: { users: { targets } },
    routes: [{ name: 'a', match: { path: '/*' }, upstream: 'users', authenticate: 'none' }],
    ...asked.sections,
  }
  writeFileSync(file, JSON.stringify(configuration))
  const words = ['check', '--config', file, ...(asked.flags ?? ['--online'])]
  const command = new SpawnedCommand(words, asked.environment ?? {})
  test.after(() => command.kill())
  const { exitCode } = await command.ended()
  return { exitCode, said: [...command.output, ...command.errors].join('\n') }
}

describe('sallyport check --online', { concurrency: true }, () => {
  it('says of each upstream target whether it takes connections', async (test) => {
    const port = portOf(plain)
    const good = await check(test, {})
    assert.equal(good.exitCode, 0)
    assert.match(good.said, new RegExp(`upstreams.users: http://127.0.0.1:${port}: takes conn`))

    const closed = await reservePort()
    const targets = [`http://127.0.0.1:${port}`, `http://127.0.0.1:${closed}`]
    const bad = await check(test, { targets })
    assert.equal(bad.exitCode, 1)
    assert.match(bad.said, new RegExp(`:${port}: takes connections`))
    assert.match(bad.said, new RegExp(`:${closed}: no connection: the port is closed`))
  })

  it('says until when a certificate is valid, and refuses one that is not trusted', async (test) => {
    const targets = [`https://localhost:${portOf(secure)}`]
    const trusted = await check(test, { targets, environment: TRUSTING() })
    assert.equal(trusted.exitCode, 0, trusted.said)
    assert.match(trusted.said, /takes connections, certificate until 2126-10-30 \(\d+ days\)/)

    const untrusted = await check(test, { targets, environment: { NODE_EXTRA_CA_CERTS: '' } })
    assert.equal(untrusted.exitCode, 1)
    assert.match(untrusted.said, /no connection: the TLS handshake failed or the certificate is/)
  })

  it('says until when the certificate of the listener is valid', async (test) => {
    const tls = { certFile: 'cert.pem', keyFile: 'key.pem' }
    const good = await check(test, { sections: { server: { host: '127.0.0.1', tls } } })
    assert.equal(good.exitCode, 0)
    assert.match(good.said, /server\.tls: certificate until 2126-10-30/)

    const [key, cert] = [join(directory, 'ended-key.pem'), join(directory, 'ended.pem')]
    const made = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', key]
    const asked = ['req', '-x509', '-subj', '/CN=localhost', '-days', '1', ...made, '-out', cert]
    execFileSync('openssl', asked, { stdio: 'ignore' })
    assert.match(readFileSync(cert, 'utf8'), /BEGIN CERTIFICATE/)
    const ending = { certFile: 'ended.pem', keyFile: 'ended-key.pem' }
    const soon = await check(test, { sections: { server: { host: '127.0.0.1', tls: ending } } })
    assert.equal(soon.exitCode, 0)
    assert.match(soon.said, /server\.tls: certificate until .+ \([01] days?: renew it now\)/)
  })

  it('asks introspection endpoints about a random token, and tells a wrong secret', async (test) => {
    const issuers = { main: introspection.issuer('main') }
    const good = await check(test, { sections: { issuers } })
    assert.equal(good.exitCode, 0, good.said)
    assert.match(good.said, /issuers\.main\.introspection: answers, and knows this gateway/)
    const [first] = introspection.requests
    assert.match(first?.form.get('token') ?? '', /^[0-9a-f]{64}$/)

    introspection.reply = (response) => response.writeHead(401).end()
    const refused = await check(test, { sections: { issuers } })
    assert.equal(refused.exitCode, 1)
    assert.match(refused.said, /refuses this gateway with 401 \(clientId, clientSecret/)
    assert.doesNotMatch(refused.said, /s3cret/)
  })
})

describe('sallyport check of settings that go by addresses', { concurrency: true }, () => {
  const WARNING = /warning: server\.trustedProxies: empty, but (\S+) goes by the address/
  const ROUTE = { name: 'a', match: { path: '/*' }, upstream: 'users', authenticate: 'none' }
  const perAddress = { rateLimits: { login: { perAddress: { rate: '10/s' } } } }
  const limited = { ...perAddress, routes: [{ ...ROUTE, rateLimit: 'login' }] }
  const listed = { routes: [{ ...ROUTE, allowFrom: ['192.0.2.0/24'] }] }

  async function warned(test: TestContext, sections: object): Promise<string> {
    const { exitCode, said } = await check(test, { sections, flags: [] })
    assert.equal(exitCode, 0, said)
    return WARNING.exec(said)?.[1] ?? ''
  }

  it('warns when they are those of clients only without a balancer', async (test) => {
    const open = { server: { host: '0.0.0.0' } }
    assert.equal(await warned(test, { ...limited, ...open }), 'rateLimits.login.perAddress')
    assert.equal(await warned(test, { ...listed, ...open }), 'routes[0].allowFrom')
  })

  it('does not warn where a balancer is named, on loopback, or of unused limits', async (test) => {
    const named = { server: { host: '0.0.0.0', trustedProxies: ['10.0.0.0/8'] } }
    assert.equal(await warned(test, { ...limited, ...named }), '')
    assert.equal(await warned(test, limited), '')
    assert.equal(await warned(test, { ...perAddress, server: { host: '0.0.0.0' } }), '')
  })
})
