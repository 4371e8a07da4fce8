/** Keys and introspection of issuers that are not simply there, through a whole gateway. */
import assert from 'node:assert/strict'
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer, type RequestListener } from 'node:http'
import { createServer as createTlsServer, type ServerOptions } from 'node:https'
import type { Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { EgressProxies } from '../../src/http/egress-proxy.ts'
import { CertificateAuthority } from '../support/certificate-authority.ts'
import { EgressProxyServer } from '../support/egress-proxy.ts'
import { eventually } from '../support/eventually.ts'
import type { GatewayPlan } from '../support/gateway-text.ts'
import { listen } from '../support/listening-port.ts'
import { bearer, liveToken, publishedJwk } from '../support/live-token.ts'
import { AUDIENCE, mintKey } from '../support/mint-token.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'

const key = mintKey('ES256', 'key-1')
const DOCUMENT = JSON.stringify({ keys: [publishedJwk(key)] })
const QUICK = { refreshInterval: '1s', cacheTtl: '10s' }

let directory = ''
const closing: (() => unknown)[] = []

before(() => {
  directory = mkdtempSync(join(tmpdir(), 'sallyport-access-'))
})
after(async () => {
  for (const close of closing.reverse()) await close()
  rmSync(directory, { recursive: true })
})

function serve(server: Server, host?: string): Promise<number> {
  closing.push(() => void server.close())
  return listen(server, host)
}

function serveTls(options: ServerOptions, answer: RequestListener): Promise<number> {
  const server = createTlsServer(options, answer)
  closing.push(() => server.closeAllConnections())
  return serve(server)
}

/** A file of this test, there at once or not at all. */
function write(name: string, text: string): string {
  const file = join(directory, name)
  writeFileSync(`${file}.new`, text)
  renameSync(`${file}.new`, file)
  return file
}

function plan(issuer: object): GatewayPlan {
  return {
    issuers: { main: { audiences: [AUDIENCE], algorithms: ['ES256'], ...issuer } },
    routes: { '/*': { authenticate: ['jwt'] } },
  }
}

async function passes(gateway: TestGateway, iss: string): Promise<boolean> {
  return (await gateway.ask('/', bearer(liveToken(key, iss)))).status === 200
}

function logOf(gateway: TestGateway): string {
  return JSON.stringify(gateway.log)
}

describe('keys that are given out to those who show a credential', { concurrency: true }, () => {
  const ISSUER = 'https://kubernetes.default.svc.cluster.local'
  const authority = new CertificateAuthority()
  let accepted = 'Bearer service-account-1'
  let fetches = 0
  let port = 0

  before(async () => {
    port = await serveTls(authority.issue('IP:127.0.0.1'), (request, response) => {
      if (request.headers.authorization !== accepted) {
        response.writeHead(401).end('{"kind":"Status"}')
        return
      }
      fetches += 1
      response.writeHead(200, { 'content-type': 'application/jwk-set+json' }).end(DOCUMENT)
    })
  })

  it('as by the Kubernetes API server, for a service account whose token is replaced', async () => {
    const token = write('token', 'service-account-1\n')
    const headers = { Authorization: { prefix: 'Bearer ', file: token } }
    const uri = `https://127.0.0.1:${port}/openid/v1/jwks`
    const tls = { caFile: write('ca.crt', authority.certificate) }
    const gateway = await openGateway(
      plan({ issuer: ISSUER, tls, jwks: { uri, headers, ...QUICK } }),
    )
    await eventually('keys', () => passes(gateway, ISSUER))

    // The kubelet has replaced it, and the old one has ended: no reload is needed.
    accepted = 'Bearer service-account-2'
    write('token', 'service-account-2\n')
    const before = fetches
    await eventually('a fetch with the new one', () => fetches > before)
    assert.ok(await passes(gateway, ISSUER))

    accepted = 'Bearer service-account-3'
    await eventually('a refusal is told', () => logOf(gateway).includes('jwks_refresh_failed'))
    const told = gateway.log.find(({ event }) => event === 'jwks_refresh_failed')
    assert.equal(told?.['reason'], 'status')
    assert.equal(told?.['status'], 401)
    assert.doesNotMatch(logOf(gateway), /service-account/)
  })

  it('and the credential goes to no other origin, wherever metadata point', async () => {
    const secrets = new Map<string, string | undefined>()
    const note: RequestListener = (request, response) => {
      const field = request.headers['cf-access-client-secret']
      const { host = '', 'user-agent': agent } = request.headers
      assert.match(agent ?? '', /^sallyport\//)
      secrets.set(`${host}${request.url}`, typeof field === 'string' ? field : undefined)
      response.end(documents.get(request.url ?? '') ?? DOCUMENT)
    }
    const documents = new Map<string, string>()
    const own = `127.0.0.1:${await serve(createHttpServer(note))}`
    const other = `127.0.0.1:${await serve(createHttpServer(note))}`
    const jwks = { discovery: true, headers: { 'CF-Access-Client-Secret': 'cloudflare-secret' } }
    function issuerAt(path: string, keys: string) {
      const issuer = `http://${own}${path}`
      const metadata = JSON.stringify({ issuer, jwks_uri: `http://${keys}/jwks` })
      documents.set(`${path}/.well-known/openid-configuration`, metadata)
      return { issuer, jwks, audiences: [AUDIENCE], algorithms: ['ES256'] }
    }
    const [first, second] = [issuerAt('/a', other), issuerAt('/b', own)]
    const gateway = await openGateway({
      issuers: { first, second },
      routes: { '/*': { authenticate: ['jwt'] } },
    })
    for (const { issuer } of [first, second]) {
      await eventually('keys', () => passes(gateway, issuer))
    }
    assert.equal(secrets.get(`${own}/a/.well-known/openid-configuration`), 'cloudflare-secret')
    assert.equal(secrets.get(`${own}/jwks`), 'cloudflare-secret')
    assert.ok(secrets.has(`${other}/jwks`))
    assert.equal(secrets.get(`${other}/jwks`), undefined)
    assert.doesNotMatch(logOf(gateway), /cloudflare-secret/)
  })
})

describe('an issuer behind the proxy of a company', () => {
  const HOST = 'keycloak.corp.example'
  const ISSUER = `https://${HOST}`
  const authority = new CertificateAuthority()

  it('is asked through it, and upstreams are not', async () => {
    const port = await serveTls(authority.issue(`DNS:${HOST}`), (request, response) => {
      const active = { active: true, iss: ISSUER, aud: AUDIENCE, sub: 'jo', exp: 4_000_000_000 }
      response.setHeader('content-type', 'application/json')
      if (request.url === '/introspect') response.end(JSON.stringify(active))
      else if (request.url === '/jwks') response.end(DOCUMENT)
      else response.end(JSON.stringify({ issuer: ISSUER, jwks_uri: `${ISSUER}/jwks` }))
    })
    const proxy = await EgressProxyServer.start({ [`${HOST}:443`]: port })
    closing.push(() => proxy.stop())
    proxy.credentials = 'gateway:hunter2'
    const url = proxy.url.replace('//', '//gateway:hunter2@')
    const upstream = createHttpServer((_request, response) => response.end('upstream'))
    // Leads to this machine, and is no loopback by its form: a proxy would be asked for it.
    const target = `http://0.0.0.0:${await serve(upstream, '0.0.0.0')}`
    const proxies = new EgressProxies({ https: url, http: url, noProxy: [] })
    assert.notEqual(proxies.proxyOf(new URL(target)), null)
    const introspection = {
      endpoint: `${ISSUER}/introspect`,
      clientId: 'gateway',
      clientSecret: 's3cret',
      timeout: '10s',
    }
    const tls = { caFile: write('corp.pem', authority.certificate) }
    const gateway = await openGateway({
      ...plan({ issuer: ISSUER, tls, jwks: { discovery: true }, introspection }),
      routes: { '/*': { authenticate: ['jwt', 'introspection'] } },
      upstream: target,
      environment: { HTTPS_PROXY: url, http_proxy: url, NO_PROXY: 'other.example' },
    })
    await eventually('keys', () => passes(gateway, ISSUER))
    const answer = await gateway.ask('/', bearer('opaque-token'))
    assert.equal(answer.status, 200)
    assert.deepEqual([...new Set(proxy.requests.map(({ target }) => target))], [`${HOST}:443`])
    for (const { userAgent } of proxy.requests) assert.match(userAgent ?? '', /^sallyport\//)
    const status = await gateway.admin('/status')
    assert.doesNotMatch(logOf(gateway) + JSON.stringify(status), /hunter2/)
  })
})

describe('a certificate of the gateway that is replaced', () => {
  const ISSUER = 'https://keycloak.example.com/'
  const authority = new CertificateAuthority()

  it('as by cert-manager, is shown from the next fetch on, and costs no key', async () => {
    const seen: string[] = []
    let isDown = false
    const options = {
      ...authority.issue('IP:127.0.0.1'),
      ca: authority.certificate,
      requestCert: true,
      rejectUnauthorized: true,
    }
    const port = await serveTls(options, (request, response) => {
      const { fingerprint256 } = (request.socket as TLSSocket).getPeerCertificate()
      if (isDown) {
        response.writeHead(503).end()
        return
      }
      seen.push(fingerprint256)
      response.setHeader('connection', 'close')
      response.end(DOCUMENT)
    })
    function issue(): void {
      const { cert, key: privateKey } = authority.issue('DNS:gateway')
      write('tls.crt', cert)
      write('tls.key', privateKey)
    }
    issue()
    const file = (name: string) => join(directory, name)
    const caFile = write('ca.pem', authority.certificate)
    const tls = { caFile, certFile: file('tls.crt'), keyFile: file('tls.key') }
    const jwks = { uri: `https://127.0.0.1:${port}/jwks`, ...QUICK }
    const settings = plan({ issuer: ISSUER, tls, jwks })
    const gateway = await openGateway(settings)
    await eventually('keys', () => passes(gateway, ISSUER))

    // Replaced while the issuer is away: its keys stay.
    isDown = true
    issue()
    await gateway.reloaded(settings)
    assert.ok(await passes(gateway, ISSUER))
    isDown = false
    await eventually('a fetch with the new one', () => new Set(seen).size === 2)
    assert.ok(await passes(gateway, ISSUER))
    assert.doesNotMatch(logOf(gateway), /key_removed/)
  })
})
