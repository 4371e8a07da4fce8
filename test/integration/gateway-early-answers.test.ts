/**
 * An answer that is sent before the request is complete arrives, at clients of several languages
 * and through the proxies that stand in front of gateways.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { frontProxies } from '../support/front-proxies.ts'
import { listen, portOf } from '../support/listening-port.ts'
import { SELF_SIGNED_CERTIFICATE } from '../support/self-signed-certificate.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'
import { type Upload, uploadClients } from '../support/upload-clients.ts'

const UPLOAD_BYTES = 5_000_000
const TIMES = 20

const directory = mkdtempSync(join(tmpdir(), 'sallyport-uploads-'))
const caFile = join(directory, 'cert.pem')
const keyFile = join(directory, 'key.pem')
writeFileSync(caFile, SELF_SIGNED_CERTIFICATE.cert)
writeFileSync(keyFile, SELF_SIGNED_CERTIFICATE.key)

const clients = uploadClients(directory)
const proxies = frontProxies(directory)

let upstream: Server
let plain: TestGateway
let encrypted: TestGateway

const plan = () => ({
  upstream: `http://127.0.0.1:${portOf(upstream)}`,
  apiKeys: { keys: [{ sha256: 'ab'.repeat(32), userId: 'u' }] },
  routes: { '/closed/*': { authenticate: ['apiKey'] }, '/open/*': { authenticate: 'none' } },
})

before(async () => {
  // Answers at once and reads nothing, as a service does that looks at the head alone.
  upstream = createServer((_request, response) => {
    response.writeHead(422, { 'content-type': 'text/plain' }).end('not this')
  })
  await listen(upstream)
  plain = await openGateway({ ...plan(), server: { limits: { bodyBytes: 6_000_000 } } })
  encrypted = await openGateway({ ...plan(), server: { tls: { certFile: caFile, keyFile } } })
})

after(() => {
  upstream.closeAllConnections()
  upstream.close()
  rmSync(directory, { recursive: true })
})

/** What comes, by path, and where it comes from. */
const ANSWERS = [
  ['/closed/x', '401', UPLOAD_BYTES, 'a missing credential'],
  ['/open/x', '413', 2 * UPLOAD_BYTES, 'a body that is too large'],
  ['/open/x', '422', UPLOAD_BYTES, 'what an upstream does not want'],
  ['/closed//x', '400', UPLOAD_BYTES, 'a malformed path'],
] as const

for (const { name, missing, upload } of clients) {
  describe(`the answer to an upload by ${name}`, { skip: missing }, () => {
    for (const [path, status, bytes, what] of ANSWERS) {
      it(`arrives for ${what}`, async () => {
        const url = `http://127.0.0.1:${plain.port}${path}`
        assert.deepEqual(
          await upload({ url, bytes, times: TIMES, caFile }),
          Array<string>(TIMES).fill(status),
        )
      })
    }

    it('arrives over TLS', async () => {
      const url = `https://localhost:${encrypted.port}/closed/x`
      assert.deepEqual(
        await upload({ url, bytes: UPLOAD_BYTES, times: TIMES, caFile }),
        Array<string>(TIMES).fill('401'),
      )
    })
  })
}

for (const proxy of proxies) {
  describe(`the answer to an upload through ${proxy.name}`, { skip: proxy.missing }, () => {
    let port = 0

    before(async () => {
      port = await proxy.start(plain.port)
    })

    after(() => proxy.stop())

    for (const [path, status, bytes, what] of ANSWERS.slice(0, 3)) {
      it(`arrives for ${what}`, async () => {
        const url = `http://127.0.0.1:${port}${path}`
        assert.deepEqual(
          await uploadBy('Node http', { url, bytes, times: TIMES, caFile }),
          Array<string>(TIMES).fill(status),
        )
      })
    }
  })
}

function uploadBy(name: string, upload: Upload): Promise<readonly string[]> {
  const client = clients.find((one) => one.name === name)
  assert.ok(client)
  return client.upload(upload)
}
