import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { promptly } from '../support/eventually.ts'
import {
  Browser,
  LOGIN_AUDIENCE,
  LOGIN_CLIENT,
  type LoginProvider,
  startLoginProvider,
} from '../support/login-provider.ts'
import { reservePort } from '../support/reserved-port.ts'
import { judgedBy } from '../support/revocation-gateways.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'

describe('a logout at a real provider', () => {
  let provider: LoginProvider
  let gateway: TestGateway
  before(async () => {
    const adminPort = await reservePort()
    provider = await startLoginProvider(`http://127.0.0.1:${adminPort}/backchannel-logout`)
    gateway = await openGateway({
      admin: { host: '127.0.0.1', port: adminPort },
      issuers: {
        main: {
          issuer: provider.issuer,
          audiences: [LOGIN_AUDIENCE],
          algorithms: ['ES256'],
          jwks: { discovery: true },
          logoutAudiences: [LOGIN_CLIENT],
        },
      },
      routes: { '/*': { authenticate: ['jwt'] } },
    })
  })
  after(async () => {
    await gateway.stop()
    await provider.stop()
  })

  it('ends the access of that user within a second, and of no other user', async () => {
    const alice = new Browser(provider.issuer)
    const bob = new Browser(provider.issuer)
    const token = await alice.logIn('alice')
    const other = await bob.logIn('bob')
    assert.equal(await judgedBy(gateway, token), '200')
    assert.equal(await judgedBy(gateway, other), '200')
    await alice.logOut()
    const isOver = async () => (await judgedBy(gateway, token)) === 'token_revoked'
    await promptly('revoked', 1_000, [gateway.processId], isOver)
    assert.equal(await judgedBy(gateway, other), '200')
  })
})
