/** A person logs out at a real OpenID provider, and has no access any more, within a second. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { jwtGatewayText } from '../support/jwt-gateway.ts'
import { LOGIN_CLIENT, type LoginProvider, startLoginProvider } from '../support/login-provider.ts'
import { AUDIENCE } from '../support/mint-token.ts'
import { RedisServer } from '../support/redis-server.ts'
import { judgedBy } from '../support/revocation-gateways.ts'
import { type RunningGateway, startGateway } from '../support/running-gateway.ts'
import { startEchoUpstream, type UpstreamServer } from '../support/upstream-servers.ts'

describe('a logout at the provider', () => {
  let provider: LoginProvider
  let redis: RedisServer
  let upstream: UpstreamServer
  let told: RunningGateway
  let other: RunningGateway

  before(async () => {
    provider = await startLoginProvider(AUDIENCE)
    redis = await RedisServer.start()
    upstream = await startEchoUpstream()
    const text = jwtGatewayText({
      upstream: upstream.origin,
      issuers: {
        provider: {
          issuer: provider.issuer,
          audiences: [AUDIENCE],
          jwks: { discovery: true },
          logoutAudiences: [LOGIN_CLIENT],
        },
      },
      routes: { '/*': {} },
    })
    const shared = JSON.stringify({
      ...(JSON.parse(text) as object),
      redis: { nodes: [redis.address] },
    })
    told = await startGateway(shared)
    other = await startGateway(shared)
    provider.tellLogoutsTo(`${told.adminOrigin}/backchannel-logout`)
  })

  after(async () => {
    await told.stop()
    await other.stop()
    await provider.stop()
    await redis.stop()
    await upstream.close()
  })

  it('ends the access of the person in every instance, and of nobody else', async () => {
    const [alice, bob] = [await provider.logIn('alice'), await provider.logIn('bob')]
    for (const gateway of [told, other]) {
      assert.equal(await judgedBy(gateway, alice.accessToken), '200')
      assert.equal(await judgedBy(gateway, bob.accessToken), '200')
    }
    await alice.logOut()
    assert.equal(await judgedBy(told, alice.accessToken), 'token_revoked')
    await eventually(
      'the other instance refuses it',
      async () => (await judgedBy(other, alice.accessToken)) === 'token_revoked',
      1_000,
    )
    for (const gateway of [told, other]) {
      assert.equal(await judgedBy(gateway, bob.accessToken), '200')
    }
  })

  it('leaves the next login alone', async () => {
    const first = await provider.logIn('carol')
    await first.logOut()
    assert.equal(await judgedBy(told, first.accessToken), 'token_revoked')
    await eventually(
      'a token of the next second passes',
      async () => {
        const { accessToken } = await provider.logIn('carol')
        return (await judgedBy(told, accessToken)) === '200'
      },
      4_000,
    )
    assert.equal(await judgedBy(told, first.accessToken), 'token_revoked')
  })
})
