/** Our own calls to providers as they are: behind firewalls, private CAs and proxies. */
import assert from 'node:assert/strict'
import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer, type ServerOptions } from 'node:https'
import { createServer as createTcpServer, type Socket } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { parseNoProxy } from '../../src/http/egress-proxy.ts'
import { OutboundHttp, type OutboundResult } from '../../src/resilience/outbound-http.ts'
import { DIRECT_PATH, type OutboundPath } from '../../src/resilience/outbound-path.ts'
import { CertificateAuthority } from '../support/certificate-authority.ts'
import { EgressProxyServer } from '../support/egress-proxy.ts'
import { listen } from '../support/listening-port.ts'
import { reservePort } from '../support/reserved-port.ts'
import { SELF_SIGNED_CERTIFICATE } from '../support/self-signed-certificate.ts'
import { watchStarvation } from '../support/starvation.ts'

/** Of a call that failed, where there is no more to say. */
const FAILED = { ok: false, cause: null, retryAfter: null } as const

const PATIENCE_MS = 10_000
const BYTES_MAX = 65_536
const HOST = 'keycloak.corp.example'
const DOCUMENT = Buffer.from(JSON.stringify({ keys: [{ kty: 'EC', kid: 'x'.repeat(400) }] }))

const closing: (() => Promise<void> | void)[] = []
after(async () => {
  for (const close of closing.reverse()) await close()
})

function serve(server: Server): Promise<number> {
  closing.push(() => {
    server.closeAllConnections()
    return new Promise<void>((resolve) => server.close(() => resolve()))
  })
  return listen(server)
}

async function httpUrl(answer: RequestListener): Promise<string> {
  return `http://127.0.0.1:${await serve(createHttpServer(answer))}/jwks`
}

function tlsPort(options: ServerOptions, answer: RequestListener): Promise<number> {
  return serve(createTlsServer(options, answer))
}

/** One call by a client of its own. */
async function get(
  url: string,
  path: Partial<OutboundPath> = {},
  timeoutMs = PATIENCE_MS,
): Promise<OutboundResult> {
  const http = new OutboundHttp({ connectionsPerOrigin: 2, path: { ...DIRECT_PATH, ...path } })
  try {
    return await http.get({ url, accept: 'application/json', bodyBytesMax: BYTES_MAX, timeoutMs })
  } finally {
    await http.close()
  }
}

function bodyOf(result: OutboundResult): string {
  assert.ok(result.ok, JSON.stringify(result))
  return Buffer.from(result.body).toString('utf8')
}

const good: RequestListener = (_request, response) => {
  response.writeHead(200, { 'content-type': 'application/json' }).end(DOCUMENT)
}

describe('a key set behind a firewall', () => {
  it('that wants to know who asks, as AWS WAF and Cloudflare do, is given out', async () => {
    const url = await httpUrl((request, response) => {
      if (request.headers['user-agent'] === undefined) response.writeHead(403).end('Forbidden')
      else good(request, response)
    })
    assert.equal(bodyOf(await get(url)), DOCUMENT.toString())
  })
})

describe('a compressed answer', () => {
  const encodings: readonly (readonly [string, string, Buffer])[] = [
    ['nginx with gzip_static', 'gzip', gzipSync(DOCUMENT)],
    ['an old proxy', 'X-GZIP', gzipSync(DOCUMENT)],
    ['Apache with mod_deflate', 'deflate', deflateSync(DOCUMENT)],
    ['old IIS, without its wrapping', 'deflate', deflateRawSync(DOCUMENT)],
    ['Cloudflare', 'br', brotliCompressSync(DOCUMENT)],
    ['an object in S3 without an encoding', 'identity', DOCUMENT],
  ]
  for (const [software, encoding, body] of encodings) {
    it(`of ${software} is read`, async () => {
      const url = await httpUrl((_request, response) => {
        response.writeHead(200, { 'content-encoding': encoding }).end(body)
      })
      assert.equal(bodyOf(await get(url)), DOCUMENT.toString())
    })
  }

  const INFLATED_BYTES = 128 * 1_048_576
  const zeros = Buffer.alloc(INFLATED_BYTES)
  const bombs: readonly (readonly [string, string, Buffer, string])[] = [
    ['is a bomb of gzip', 'gzip', gzipSync(zeros), 'too_large'],
    ['is a bomb of brotli', 'br', brotliCompressSync(zeros), 'too_large'],
    ['is a bomb of many gzip members', 'gzip', members(gzipSync(Buffer.alloc(4_096))), 'too_large'],
    ['is one byte too long', 'gzip', gzipSync(Buffer.alloc(BYTES_MAX + 1)), 'too_large'],
    ['ends too early', 'gzip', gzipSync(DOCUMENT).subarray(0, 40), 'protocol'],
    ['is something else', 'br', DOCUMENT, 'protocol'],
    ['is compressed twice', 'gzip, gzip', gzipSync(gzipSync(DOCUMENT)), 'protocol'],
    ['is in an encoding that was not asked for', 'zstd', DOCUMENT, 'protocol'],
  ]
  function members(one: Buffer): Buffer {
    return Buffer.concat(Array.from({ length: 1_000 }, () => one))
  }
  for (const [what, encoding, body, reason] of bombs) {
    it(`that ${what} is refused: ${reason}`, async () => {
      const url = await httpUrl((_request, response) => {
        response.writeHead(200, { 'content-encoding': encoding }).end(body)
      })
      const memoryBytes = process.memoryUsage().rss
      const result = await get(url)
      // Alone, because a body of this size takes minutes to print.
      assert.equal(result.ok, false)
      assert.deepEqual(result, { ...FAILED, reason, status: 200 })
      assert.ok(process.memoryUsage().rss - memoryBytes < INFLATED_BYTES / 2)
    })
  }

  it('of exactly the bound is read', async () => {
    const url = await httpUrl((_request, response) => {
      const body = gzipSync(Buffer.alloc(BYTES_MAX, 0x20))
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(body)
    })
    assert.equal(bodyOf(await get(url)).length, BYTES_MAX)
  })
})

describe('an issuer behind a private CA', () => {
  const authority = new CertificateAuthority()
  const server = authority.issue(`DNS:${HOST}`, 'IP:127.0.0.1')
  const client = authority.issue('DNS:gateway')
  const mutual = {
    ...server,
    ca: authority.certificate,
    requestCert: true,
    rejectUnauthorized: true,
  }
  const own = { certificate: client.cert, key: client.key }
  const ca = authority.certificate

  it('as Keycloak in a company, is trusted by that CA and by no other', async () => {
    const url = `https://127.0.0.1:${await tlsPort(server, good)}/jwks`
    assert.equal(bodyOf(await get(url, { ca })), DOCUMENT.toString())
    const untrusted = await get(url)
    assert.equal(untrusted.ok, false)
    assert.equal(!untrusted.ok && untrusted.reason, 'tls')
    assert.equal(!untrusted.ok && untrusted.cause, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE')
    const other = await get(url, { ca: new CertificateAuthority().certificate })
    assert.equal(!other.ok && other.reason, 'tls')
  })

  it('takes the place of the usual ones: what those vouch for is no longer trusted', async () => {
    const port = await tlsPort(SELF_SIGNED_CERTIFICATE, good)
    const url = `https://127.0.0.1:${port}/jwks`
    assert.ok((await get(url, { ca: SELF_SIGNED_CERTIFICATE.cert })).ok)
    assert.equal((await get(url, { ca })).ok, false)
  })

  it('must be the host that its certificate names', async () => {
    const port = await tlsPort(authority.issue('DNS:other.corp.example'), good)
    const result = await get(`https://127.0.0.1:${port}/jwks`, { ca })
    assert.equal(!result.ok && result.cause, 'ERR_TLS_CERT_ALTNAME_INVALID')
  })

  it('as an Istio sidecar with strict mTLS, is shown the certificate of the gateway', async () => {
    const port = await tlsPort(mutual, good)
    const url = `https://127.0.0.1:${port}/jwks`
    assert.equal(bodyOf(await get(url, { ca, ...own })), DOCUMENT.toString())
    const without = await get(url, { ca })
    assert.equal(without.ok, false)
    const foreign = new CertificateAuthority().issue('DNS:gateway')
    const stranger = { certificate: foreign.cert, key: foreign.key }
    assert.equal((await get(url, { ca, ...stranger })).ok, false)
  })
})

describe('a server that takes connections and says nothing', () => {
  it('costs no more than the deadline, also while TLS begins', async () => {
    const server = createTcpServer((socket) => socket.on('error', () => {}))
    const sockets = new Set<Socket>()
    server.on('connection', (socket: Socket) => sockets.add(socket))
    closing.push(() => {
      for (const socket of sockets) socket.destroy()
      server.close()
    })
    const port = await listen(server)
    const startedAtMs = performance.now()
    const starvedMs = watchStarvation()
    const late = { ...FAILED, reason: 'timeout', status: null }
    assert.deepEqual(await get(`https://127.0.0.1:${port}/`, {}, 200), late)
    // The client would try to connect for ten seconds.
    assert.ok(performance.now() - startedAtMs < 5_000 + starvedMs())
  })
})

describe('an egress proxy', () => {
  const authority = new CertificateAuthority()
  const ca = authority.certificate
  const url = `https://${HOST}/jwks`
  let proxy: EgressProxyServer

  before(async () => {
    const port = await tlsPort(authority.issue(`DNS:${HOST}`), good)
    const interceptor = await tlsPort(new CertificateAuthority().issue(`DNS:false.${HOST}`), good)
    const plain = new URL(await httpUrl(good)).port
    proxy = await EgressProxyServer.start({
      [`${HOST}:443`]: port,
      [`false.${HOST}:443`]: interceptor,
      'plain.corp.example': Number(plain),
    })
    closing.push(() => proxy.stop())
  })

  /** @param userInfo With its `@`. */
  function through(userInfo = '', except = ''): Partial<OutboundPath> {
    const at = proxy.url.replace('//', `//${userInfo}`)
    return { ca, proxies: { https: at, http: at, noProxy: parseNoProxy(except) ?? [] } }
  }

  it('as Squid, is asked for a connection to a name that only it knows', async () => {
    proxy.requests.length = 0
    assert.equal(bodyOf(await get(url, through())), DOCUMENT.toString())
    const [request] = proxy.requests
    assert.equal(request?.method, 'CONNECT')
    assert.equal(request?.target, `${HOST}:443`)
    assert.match(request?.userAgent ?? '', /^sallyport\//)
    assert.equal(proxy.requests.length, 1)
  })

  it('of a company with passwords gets those of its URL, and says when they are wrong', async () => {
    proxy.credentials = 'gate:p@ss'
    try {
      assert.ok((await get(url, through('gate:p%40ss@'))).ok)
      const cause = 'PROXY_STATUS_407'
      const refused = { ...FAILED, reason: 'proxy', status: null, cause }
      assert.deepEqual(await get(url, through('gate:wrong@')), refused)
      assert.deepEqual(await get('http://plain.corp.example/', through()), refused)
    } finally {
      proxy.credentials = null
    }
  })

  it('is sent the whole URL of what is asked for in clear', async () => {
    proxy.requests.length = 0
    const plain = 'http://plain.corp.example/jwks?x=1'
    assert.equal(bodyOf(await get(plain, through())), DOCUMENT.toString())
    assert.equal(proxy.requests[0]?.method, 'GET')
    assert.equal(proxy.requests[0]?.target, plain)
  })

  it('that puts another certificate in the way is noticed', async () => {
    const result = await get(`https://false.${HOST}/jwks`, through())
    assert.equal(!result.ok && result.reason, 'tls')
  })

  it('that does not reach the host, or cannot be reached itself, says so', async () => {
    const failed = { ...FAILED, reason: 'proxy', status: null }
    const cause = 'PROXY_STATUS_502'
    assert.deepEqual(await get('https://unknown.example/', through()), { ...failed, cause })
    const closed = `http://127.0.0.1:${await reservePort()}`
    const proxies = { https: closed, http: closed, noProxy: [] }
    const unreachable = { ...failed, cause: 'PROXY_ERROR_ECONNREFUSED' }
    assert.deepEqual(await get(url, { ca, proxies }), unreachable)
    assert.deepEqual(await get('http://plain.corp.example/', { proxies }), unreachable)
  })

  it('that hangs or is none costs no more than the deadline', async () => {
    try {
      proxy.mood = 'hangs'
      const late = { ...FAILED, reason: 'timeout', status: null }
      const startedAtMs = performance.now()
      const starvedMs = watchStarvation()
      assert.deepEqual(await get(url, through(), 200), late)
      assert.ok(performance.now() - startedAtMs < 5_000 + starvedMs())
      proxy.mood = 'rubbish'
      const rubbish = await get(url, through())
      assert.equal(!rubbish.ok && rubbish.reason, 'proxy')
    } finally {
      proxy.mood = 'works'
    }
    assert.ok((await get(url, through())).ok)
  })

  it('is left out for what NO_PROXY names, and for this machine', async () => {
    proxy.requests.length = 0
    const direct = await get(url, through('', '.corp.example'))
    // Without the proxy, the name is not known.
    assert.equal(!direct.ok && direct.reason, 'unreachable')
    assert.ok((await get(await httpUrl(good), through())).ok)
    assert.equal(proxy.requests.length, 0)
  })

  it('that wants TLS itself is verified by the usual authorities', async () => {
    const at = `https://localhost:${await tlsPort(authority.issue('DNS:localhost'), good)}`
    const untrusted = await get(url, { ca, proxies: { https: at, http: null, noProxy: [] } })
    // Vouched for by the CA of the issuer, which has no say about the proxy.
    assert.equal(!untrusted.ok && untrusted.reason, 'proxy')
  })

  it('that closes at once is one that cannot be reached', async () => {
    const server = createTcpServer((socket) => socket.destroy())
    closing.push(() => void server.close())
    const at = `http://127.0.0.1:${await listen(server)}`
    const result = await get(url, { ca, proxies: { https: at, http: null, noProxy: [] } })
    assert.equal(!result.ok && result.cause, 'PROXY_ERROR_ECONNRESET')
  })
})
