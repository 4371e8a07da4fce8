/** `sallyport check`, where it looks beyond the file: other systems, certificates, addresses. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import {
  createServer as createHttpServer,
  type Server as HttpServer,
  type RequestListener,
} from 'node:http'
import { createServer, type Server } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it, type TestContext } from 'node:test'
import { startIdentityProvider } from '../../src/demo/identity-provider.ts'
import { EgressProxyServer } from '../support/egress-proxy.ts'
import { IntrospectionServer } from '../support/introspection-server.ts'
import { listen, portOf } from '../support/listening-port.ts'
import { publishedJwk } from '../support/live-token.ts'
import { mintKey } from '../support/mint-token.ts'
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
  await Promise.all([listen(plain), listen(secure)])
  introspection = await IntrospectionServer.start()
})

after(async () => {
  plain.close()
  secure.close()
  await introspection.down()
  rmSync(directory, { recursive: true })
})

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
    const where = `issuers.main.introspection: ${introspection.url}`
    assert.ok(good.said.includes(`${where}: answers, and knows this gateway`), good.said)
    const [first] = introspection.requests
    assert.match(first?.form.get('token') ?? '', /^[0-9a-f]{64}$/)

    introspection.reply = (response) => response.writeHead(401).end()
    const refused = await check(test, { sections: { issuers } })
    assert.equal(refused.exitCode, 1)
    assert.match(refused.said, /refuses this gateway with 401 \(clientId, clientSecret/)
    assert.doesNotMatch(refused.said, /s3cret/)
  })
})

describe('sallyport check --online of issuers', { concurrency: true }, () => {
  const KEYS = JSON.stringify({ keys: [] })

  async function serve(test: TestContext, answer: RequestListener): Promise<string> {
    const server = createHttpServer(answer)
    test.after(() => server.close())
    return `http://127.0.0.1:${await listen(server)}`
  }

  /** What is said of an issuer that cannot be used. */
  async function refused(
    test: TestContext,
    issuer: object,
    environment: Readonly<Record<string, string>> = {},
  ): Promise<string> {
    const main = { issuer: 'https://idp.example.com/', audiences: ['api'], ...issuer }
    const { exitCode, said } = await check(test, { sections: { issuers: { main } }, environment })
    assert.equal(exitCode, 1, said)
    return said
  }

  it('names the URL, the status and the cause: Akamai, a moved Keycloak, a page', async (test) => {
    const elsewhere = await serve(test, (_request, response) => response.writeHead(401).end())
    const origin = await serve(test, ({ url = '' }, response) => {
      const metadata = { issuer: `${origin}/cluster`, jwks_uri: `${elsewhere}/openid/v1/jwks` }
      if (url.startsWith('/cluster')) response.end(JSON.stringify(metadata))
      else if (url === '/akamai') response.writeHead(403).end()
      else if (url === '/page') response.end('<html>Sign in</html>')
      else response.writeHead(404).end()
    })
    const issuer = `${origin}/realms/a`
    const issuers = {
      akamai: { issuer: 'a', audiences: ['api'], jwks: { uri: `${origin}/akamai` } },
      keycloak: { issuer, audiences: ['api'], jwks: { discovery: true } },
      kubernetes: {
        issuer: `${origin}/cluster`,
        audiences: ['api'],
        jwks: { discovery: true, headers: { Authorization: 'Bearer s3cret' } },
      },
      page: { issuer: 'b', audiences: ['api'], jwks: { uri: `${origin}/page` } },
    }
    const { exitCode, said } = await check(test, { sections: { issuers } })
    assert.equal(exitCode, 1)
    const metadata = `${origin}/.well-known/oauth-authorization-server/realms/a`
    for (const line of [
      `akamai: no key set: ${origin}/akamai: answers with 403: it refuses this gateway, or a f`,
      `keycloak: no key set: ${metadata}: answers with 404: there is nothing at this URL`,
      `kubernetes: no key set: ${elsewhere}/openid/v1/jwks: answers with 401: it wants creden`,
      `page: no key set: ${origin}/page: the document is not JSON`,
    ]) {
      assert.ok(said.includes(`issuers.${line}`), said)
    }
    assert.match(said, /401: it wants credentials \(jwks\.headers are not sent there/)
    assert.doesNotMatch(said, /s3cret/)
  })

  it('names the URL where TLS fails, and trusts `tls.caFile` (a private CA)', async (test) => {
    const uri = `https://localhost:${portOf(secure)}/jwks`
    const said = await refused(test, { jwks: { uri } })
    assert.ok(said.includes(`no key set: ${uri}: the TLS handshake failed or the cert`), said)
    assert.match(said, /SELF_SIGNED_CERT/)
    const trusted = await refused(test, { jwks: { uri }, tls: { caFile: 'cert.pem' } })
    assert.match(trusted, /takes connections, certificate until 2126/)
    assert.match(trusted, /jwks: the document is not JSON/)
  })

  it('tells keys apart that are published for other issuers (Entra ID)', async (test) => {
    const entra = 'https://login.microsoftonline.com'
    const issuersOfKeys = [`${entra}/{tenantid}/v2.0`, `${entra}/9188040d/v2.0`, undefined]
    const keys = issuersOfKeys.map((issuer, index) => {
      return { ...publishedJwk(mintKey('ES256', `key-${index}`)), issuer }
    })
    const origin = await serve(test, (request, response) => {
      response.end(JSON.stringify({ keys: request.url === '/v2.0' ? keys.slice(0, 2) : keys }))
    })
    const issuer = (name: string, path: string) => {
      const jwks = { uri: `${origin}${path}` }
      return { issuer: name, audiences: ['a'], algorithms: ['ES256'], jwks }
    }
    const issuers = {
      version1: issuer('https://sts.windows.net/72f988bf/', '/v2.0'),
      version2: issuer(`${entra}/72f988bf/v2.0`, '/all'),
      many: {
        ...issuer(`${entra}/{tenantid}/v2.0`, '/all'),
        issuerValues: { claim: 'tid', values: 'any', iUnderstand: true },
      },
    }
    const { exitCode, said } = await check(test, { sections: { issuers } })
    assert.equal(exitCode, 1)
    assert.match(
      said,
      /version1: 0 usable, 2 for other issuers, 0 skipped\n {2}foreign {2}kid "key-0": /,
    )
    assert.match(said, /version2: 2 usable, 1 for other issuers, 0 skipped\n/)
    assert.match(said, /foreign {2}kid "key-1": it is published with another issuer/)
    assert.match(said, /many: 3 usable, 0 skipped\n/)
    assert.match(said, /keys: 8 usable, room for/)
  })

  it('says what an egress proxy answers, and no password (Squid)', async (test) => {
    const proxy = await EgressProxyServer.start({})
    test.after(() => proxy.stop())
    proxy.credentials = 'gateway:right'
    const HTTPS_PROXY = proxy.url.replace('//', '//gateway:hunter2@')
    const uri = 'https://keycloak.corp.example/jwks'
    const said = await refused(test, { jwks: { uri } }, { HTTPS_PROXY })
    assert.ok(said.includes(`${uri}: the egress proxy answers with 407: it wants other`), said)
    assert.match(said, /keycloak\.corp\.example: no connection: the egress proxy answers with 407/)
    assert.doesNotMatch(said, /hunter2/)
  })

  it('names a file of `jwks.headers` that is not there', async (test) => {
    const origin = await serve(test, (_request, response) => response.end(KEYS))
    const headers = { Authorization: { file: 'absent', prefix: 'Bearer ' } }
    const issuers = { main: { issuer: 'x', audiences: ['a'], jwks: { uri: origin, headers } } }
    const { exitCode, said } = await check(test, { sections: { issuers }, flags: [] })
    assert.equal(exitCode, 2)
    assert.match(said, /issuers\.main\.jwks\.headers\.Authorization\.file/)
  })

  it('hints at paths of claims that the metadata of a real provider do not list', async (test) => {
    const provider = await startIdentityProvider({ audience: 'api', algorithms: ['ES256'] })
    test.after(() => provider.stop())
    const { issuer } = provider
    const algorithms = ['ES256']
    const main = { issuer, audiences: ['api'], algorithms, jwks: { discovery: true } }
    const claims = { roles: '/realm_acess/roles' }
    const identity = { headers: { custom: { 'X-Department': '/departement', 'X-Scope': 'scope' } } }
    const match = { path: '/*' }
    const rules = { claims: [{ path: 'levl', equals: '3' }] }
    const routes = [{ name: 'a', match, upstream: 'users', require: rules }]
    const sections = { issuers: { main: { ...main, claims } }, identity, routes }
    const { exitCode, said } = await check(test, { sections })
    assert.equal(exitCode, 0, said)
    const hints = said.split('\n').filter((line) => line.startsWith('  hint'))
    assert.deepEqual(hints, [
      '  hint     issuers.main.claims.roles: "/realm_acess/roles" is not among claims_supported of the issuer',
      '  hint     identity.headers.custom.X-Department: "/departement" is not among claims_supported of the issuer',
      '  hint     routes[0].require.claims[0]: "levl" is not among claims_supported of the issuer',
    ])
    const plainly = await check(test, { sections: { issuers: { main } } })
    assert.doesNotMatch(plainly.said, /hint/)
  })

  it('tells a wrong client secret by the 401 of a real provider (oidc-provider)', async (test) => {
    const provider = await startIdentityProvider({ audience: 'api', algorithms: ['ES256'] })
    test.after(() => provider.stop())
    const { issuer, clientId, introspectionEndpoint: endpoint } = provider
    const settings = (clientSecret: string) => {
      const introspection = { endpoint, clientId, clientSecret, timeout: '10s' }
      return { issuer, introspection, algorithms: ['ES256'], jwks: { discovery: true } }
    }
    const said = await refused(test, settings('wrong-secret'))
    assert.ok(said.includes(`${endpoint}: refuses this gateway with 401 (clientId, clientS`), said)
    assert.doesNotMatch(said, /wrong-secret/)
    const main = { audiences: ['api'], ...settings(provider.clientSecret) }
    const right = await check(test, { sections: { issuers: { main } } })
    assert.equal(right.exitCode, 0, right.said)
    assert.ok(right.said.includes(`${endpoint}: answers, and knows this gateway`), right.said)
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
