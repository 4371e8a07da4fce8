/** Copies of keys on disk, after a restart with other settings while the issuer is away. */
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { CertificateAuthority } from '../support/certificate-authority.ts'
import { eventually } from '../support/eventually.ts'
import { listen } from '../support/listening-port.ts'
import { bearer, liveToken, publishedJwk } from '../support/live-token.ts'
import { AUDIENCE, mintKey } from '../support/mint-token.ts'
import { openGateway } from '../support/test-gateway.ts'

const ISSUER = 'https://keycloak.example.com/'
const key = mintKey('ES256', 'key-1')

let directory = ''

before(() => {
  directory = mkdtempSync(join(tmpdir(), 'sallyport-copies-'))
})
after(() => rmSync(directory, { recursive: true }))

describe('a copy of keys on disk', () => {
  it('serves no configuration that trusts other authorities than those it came by', async () => {
    const [corporate, other] = [new CertificateAuthority(), new CertificateAuthority()]
    const server = createServer(corporate.issue('IP:127.0.0.1'), (_request, response) => {
      response.setHeader('connection', 'close')
      response.end(JSON.stringify({ keys: [publishedJwk(key)] }))
    })
    const port = await listen(server)
    const copies = join(directory, 'copies')
    const write = (name: string, text: string): string => {
      const file = join(directory, name)
      writeFileSync(file, text)
      return file
    }

    /** What the first request of a gateway that is started with these authorities comes to. */
    async function statusUnder(caFile: string): Promise<number> {
      const gateway = await openGateway({
        authenticate: ['jwt'],
        environment: { SALLYPORT_LISTENER_THREADS: '1' },
        issuers: {
          main: {
            issuer: ISSUER,
            audiences: [AUDIENCE],
            algorithms: ['ES256'],
            tls: { caFile },
            jwks: { uri: `https://127.0.0.1:${port}/jwks`, diskCache: copies },
          },
        },
      })
      const answer = await gateway.ask('/', bearer(liveToken(key, ISSUER)))
      await gateway.stop()
      return answer.status
    }

    const ours = write('corporate.pem', corporate.certificate)
    const theirs = write('other.pem', other.certificate)
    assert.equal(await statusUnder(ours), 200)
    await eventually('the copy', () => readdirSync(copies).some((it) => it.endsWith('.json')))
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    assert.equal(await statusUnder(theirs), 503)
    assert.equal(await statusUnder(ours), 200)
  })
})
