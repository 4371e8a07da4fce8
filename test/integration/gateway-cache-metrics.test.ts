/** A cache that is too small must be seen from outside. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { gatewayText } from '../support/gateway-text.ts'
import { liveToken } from '../support/live-token.ts'
import { AUDIENCE, type MintingKey, mintKey } from '../support/mint-token.ts'
import { startGateway, type TestGateway } from '../support/test-gateway.ts'
import { flood } from '../support/token-flood.ts'
import { startEchoUpstream, type UpstreamServer } from '../support/upstream-servers.ts'

const ISSUER = 'https://shared.example.com/'
const SECRET = 'thirty-two bytes and some more, for HS256'
const CONNECTIONS = 16

const key: MintingKey = {
  ...mintKey('HS256', 'shared'),
  signingKey: new Uint8Array(Buffer.from(SECRET)),
}

describe('the metrics of a gateway with the smallest cache', () => {
  let upstream: UpstreamServer
  let gateway: TestGateway

  before(async () => {
    upstream = await startEchoUpstream()
    const issuer = { issuer: ISSUER, audiences: [AUDIENCE], algorithms: ['HS256'], secret: SECRET }
    const text = gatewayText({
      authenticate: ['jwt'],
      upstream: upstream.origin,
      issuers: { shared: issuer },
      routes: { '/*': {} },
      cache: { sizeMiB: 1 },
      accessLog: 0,
    })
    gateway = await startGateway(text)
  })
  after(async () => {
    await gateway.stop()
    await upstream.close()
  })

  const metric = (name: string, labels: string) =>
    gateway.metric(`sallyport_cache_${name}{${labels}}`)
  const token = 'cache="token"'

  /** Sends each token once; all pass. */
  async function sendAll(tokens: readonly string[]): Promise<void> {
    const statuses = new Set<number>()
    await flood(gateway.origin, '/any', tokens, CONNECTIONS, (_, { status }) => {
      statuses.add(status)
    })
    assert.deepEqual([...statuses], [200])
  }

  it('tell how many entries there are, and that none was pushed out yet', async () => {
    const slots = await metric('slots', token)
    assert.equal(await metric('size_bytes', token), 2 ** 20)
    assert.ok(slots > 1_900 && slots <= 2 ** 20 / 512, `${slots} slots`)
    await sendAll(Array.from({ length: 200 }, () => liveToken(key, ISSUER)))
    const stored = await metric('writes_total', `${token},result="stored"`)
    const conflicts = await metric('writes_total', `${token},result="conflict"`)
    assert.equal(stored + conflicts, 200)
    assert.equal(await metric('entries', token), stored)
    assert.equal(await metric('evictions_total', token), 0)
  })

  it('tell of every live entry that was pushed out once there are too many', async () => {
    await sendAll(Array.from({ length: 3_000 }, () => liveToken(key, ISSUER)))
    const [stored, entries, pushedOut] = await Promise.all([
      metric('writes_total', `${token},result="stored"`),
      metric('entries', token),
      metric('evictions_total', token),
    ])
    assert.ok(pushedOut >= 1_000, `${pushedOut} were pushed out`)
    assert.equal(stored - pushedOut, entries)
  })

  it('tell that large identities take several slots', async () => {
    const roles = Array.from({ length: 150 }, (_, index) => `a-role-with-a-long-name-${index}`)
    await sendAll([liveToken(key, ISSUER, { roles })])
    const used = await metric('slots_used', token)
    assert.ok(used > (await metric('entries', token)), 'it takes several slots')
  })

  it('tell of refusals that push each other out, which cost no good verdict', async () => {
    const forged = { ...key, signingKey: new Uint8Array(64) }
    const tokens = Array.from({ length: 2_000 }, () => liveToken(forged, ISSUER))
    const pushedOutBefore = await metric('evictions_total', token)
    await flood(gateway.origin, '/any', tokens, CONNECTIONS, () => {})
    assert.ok((await metric('evictions_total', 'cache="refusal"')) > 500)
    assert.equal(await metric('evictions_total', token), pushedOutBefore)
  })
})
