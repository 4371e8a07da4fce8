/** Services with https whose authority is private, and that ask the gateway who it is. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { createServer as createTlsServer, type TLSSocket } from 'node:tls'
import { CertificateAuthority } from '../support/certificate-authority.ts'
import { listen, portOf } from '../support/listening-port.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'

const directory = mkdtempSync(join(tmpdir(), 'sallyport-upstream-tls-'))
const file = (name: string) => join(directory, name)
const authority = new CertificateAuthority()
const service = authority.issue('DNS:orders.internal', 'IP:127.0.0.1')
const named = authority.issue('DNS:orders.internal')

/** Asks for a certificate, and tells which one it got, and which name it was asked for. */
const mutual = createServer(
  {
    ...service,
    ca: authority.certificate,
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
  },
  (request, response) => {
    const socket = request.socket as TLSSocket & { readonly servername?: string | false }
    response.end(`${String(socket.getPeerCertificate().subject.CN)} ${socket.servername || 'none'}`)
  },
)
/** As IIS answers every POST, over TLS, with a certificate that has a name and no address. */
const iis = createTlsServer({ ...named }, (socket) => {
  socket.on('error', () => {})
  socket.on('data', () => {
    socket.write('HTTP/1.1 100 Con')
    setImmediate(() =>
      socket.write('tinue\r\n\r\nHTTP/1.1 200 OK\r\nServer: IIS\r\nContent-Length: 2\r\n\r\nok'),
    )
  })
})

let gateway: TestGateway

function plan(): Parameters<typeof openGateway>[0] {
  const target = (server: Server) => `https://127.0.0.1:${portOf(server)}`
  const tls = { caFile: file('ca.pem'), certFile: file('cert.pem'), keyFile: file('key.pem') }
  const once = { ejectAfterFailures: 1_000, retryBudget: 0 }
  return {
    upstream: { targets: [target(mutual)], tls, host: 'orders.internal:8443' },
    upstreams: {
      address: { targets: [target(mutual)], tls },
      distrusted: { targets: [target(mutual)], ...once },
      anonymous: { targets: [target(mutual)], tls: { caFile: tls.caFile }, ...once },
      iis: { targets: [target(iis)], host: 'orders.internal', tls: { caFile: tls.caFile } },
      misnamed: { targets: [target(iis)], tls: { caFile: tls.caFile }, ...once },
      othername: {
        targets: [target(iis)],
        host: 'evil.internal',
        tls: { caFile: tls.caFile },
        ...once,
      },
    },
    // Has no say.
    environment: { NODE_TLS_REJECT_UNAUTHORIZED: '0' },
  }
}

before(async () => {
  const { cert, key } = authority.issue('DNS:gateway.internal')
  writeFileSync(file('ca.pem'), authority.certificate)
  writeFileSync(file('cert.pem'), cert)
  writeFileSync(file('key.pem'), key)
  for (const server of [mutual, iis]) await listen(server)
  gateway = await openGateway(plan())
})

after(async () => {
  await gateway.stop()
  mutual.close()
  mutual.closeAllConnections()
  iis.close()
  rmSync(directory, { recursive: true })
})

async function causesOf(upstream: string): Promise<number> {
  const labels = { upstream, cause: 'tls', reason: 'upstream_unreachable' }
  return gateway.metric('sallyport_upstream_failures_total', labels)
}

describe('A service with https', () => {
  it('is trusted by the private authority, shown a certificate, and asked for the name of Host', async () => {
    const answer = await gateway.ask('/a')
    assert.deepEqual([answer.status, answer.text], [200, 'gateway.internal orders.internal'])
  })

  it('is asked for no name where the target is an address, which the certificate must have', async () => {
    assert.equal((await gateway.ask('/address/a')).text, 'gateway.internal none')
  })

  it('gets nothing from a gateway that does not trust its authority, whatever the environment says', async () => {
    assert.equal((await gateway.ask('/distrusted/a')).status, 502)
    assert.equal(await causesOf('distrusted'), 1)
  })

  it('gets nothing without the certificate that it asks for', async () => {
    assert.equal((await gateway.ask('/anonymous/a')).status, 502)
  })

  it('gets nothing when its certificate has another name, or not the address', async () => {
    for (const name of ['misnamed', 'othername']) {
      assert.equal((await gateway.ask(`/${name}/a`)).status, 502)
      assert.equal(await causesOf(name), 1)
    }
  })

  it('may send the 100 of IIS over TLS, in two pieces', async () => {
    for (let count = 0; count < 3; count += 1) {
      const answer = await gateway.ask('/iis/a', [], 'POST')
      assert.deepEqual([answer.status, answer.text], [200, 'ok'])
    }
  })

  it('sees the new certificate once a reload finds other contents in its files', async () => {
    const { cert, key } = authority.issue('DNS:renewed.internal')
    writeFileSync(file('cert.pem'), cert)
    writeFileSync(file('key.pem'), key)
    assert.equal((await gateway.ask('/a')).text, 'gateway.internal orders.internal')
    const reloaded = await gateway.admin('/reload', { method: 'POST' })
    assert.equal(reloaded.status, 200, JSON.stringify(reloaded.body))
    assert.equal((await gateway.ask('/a')).text, 'renewed.internal orders.internal')
  })

  it('is not changed by files that do not belong together', async () => {
    const { key } = authority.issue('DNS:gateway.internal')
    writeFileSync(file('key.pem'), key)
    const refused = await gateway.admin('/reload', { method: 'POST' })
    assert.notEqual(refused.status, 200)
    assert.match(JSON.stringify(refused.body), /keyFile holds a key that does not belong/)
    assert.equal((await gateway.ask('/a')).text, 'renewed.internal orders.internal')
  })
})
