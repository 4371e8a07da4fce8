/** A forged token that is sent again and again, where no `kid` says which key it would be of. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { FaultyServer } from '../support/faulty-server.ts'
import { errorOf } from '../support/gateway-answer.ts'
import { bearer, liveToken, publishedJwk } from '../support/live-token.ts'
import { AUDIENCE, type MintingKey, mintKey } from '../support/mint-token.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'

const FLOOD = 100
const ISSUERS = {
  nameless: 'https://teleport.example.com/',
  single: 'https://single.example.com/',
  shared: 'https://shared.example.com/',
} as const
/** Of a key for all tenants of a provider, which `shared` is one of. */
const ALL_TENANTS = 'https://{tenant}.example.com/'

type Issuer = keyof typeof ISSUERS
type NamelessIssuer = Exclude<Issuer, 'shared'>

const published: Record<NamelessIssuer, MintingKey[]> = {
  nameless: [mintKey('ES256'), mintKey('ES256'), mintKey('ES256')],
  single: [mintKey('ES256')],
}

const FOR_ALL = mintKey('ES256', 'one-name')

let jwks: FaultyServer
let gateway: TestGateway

before(async () => {
  jwks = await FaultyServer.start()
  for (const issuer of ['nameless', 'single'] as const) publish(issuer)
  publishAll('shared', [{ ...publishedJwk(FOR_ALL), issuer: ALL_TENANTS }])
  const issuerAt = (issuer: Issuer) => ({
    issuer: ISSUERS[issuer],
    audiences: [AUDIENCE],
    algorithms: ['ES256'],
    jwks: { uri: `${jwks.origin}/${issuer}`, cacheTtl: '1h', refreshInterval: '1h' },
  })
  gateway = await openGateway({
    authenticate: ['jwt'],
    // So long that nothing here can be forgotten because its time is up.
    cache: { refusalTtl: '60s' },
    issuers: {
      nameless: issuerAt('nameless'),
      single: issuerAt('single'),
      shared: issuerAt('shared'),
    },
    environment: { SALLYPORT_LISTENER_THREADS: '2' },
    waitsUntilReady: true,
  })
})

after(async () => {
  await gateway.stop()
  await jwks.down()
})

/** @param named Published under its `kid`; all others without one. */
function publish(issuer: NamelessIssuer, named: readonly MintingKey[] = []): void {
  const nameless = published[issuer].map((key) => ({ ...publishedJwk(key), kid: undefined }))
  publishAll(issuer, [...nameless, ...named.map(publishedJwk)])
}

function publishAll(issuer: Issuer, keys: readonly object[]): void {
  jwks.documents.set(`/${issuer}`, Buffer.from(JSON.stringify({ keys })))
}

/** Another forged token causes the fetch that brings what was published. */
async function fetchAnew(issuer: Issuer): Promise<void> {
  const fetched = () => jwks.requests.filter((path) => path === `/${issuer}`).length
  const before = fetched()
  await verdict(tokenOf(mintKey('ES256'), issuer, 'another'))
  await eventually('the keys are fetched', () => fetched() > before)
}

/** Issued before the keys were fetched, so that they settle it. */
function tokenOf(key: MintingKey, issuer: Issuer, kid?: string): string {
  return liveToken(key, ISSUERS[issuer], {}, { kid })
}

async function verdict(token: string): Promise<string> {
  return errorOf(await gateway.ask('/any', bearer(token)))
}

function checks(): Promise<number> {
  return gateway.metric('sallyport_verification_tokens_total')
}

describe('a flood of one forged token', () => {
  const kinds = [
    ['without kid, at an issuer that tries several keys', 'nameless', undefined],
    ['with a kid that is none, at an issuer that tries several keys', 'nameless', 'made-up'],
    ['without kid, at an issuer with one key', 'single', undefined],
  ] as const
  for (const [name, issuer, kid] of kinds) {
    it(`${name}, is verified once under each key`, async () => {
      const forged = tokenOf(mintKey('ES256'), issuer, kid)
      const before = await checks()
      for (let sent = 0; sent < FLOOD; sent += 1) {
        assert.equal(await verdict(forged), 'invalid_token')
      }
      const made = (await checks()) - before
      // Two threads may have begun at once.
      assert.ok(made <= 2 * published[issuer].length, `${made} checks of ${FLOOD} requests`)
      const good = published[issuer][0]
      assert.equal(good && (await verdict(tokenOf(good, issuer))), '200')
    })
  }

  it('ends in the moment in which a key that made its signature is published', async () => {
    for (const [issuer, kid] of [
      ['nameless', undefined],
      ['single', 'late'],
      ['single', undefined],
    ] as const) {
      const late = mintKey('ES256', 'late')
      const token = tokenOf(late, issuer, kid)
      for (const _time of [1, 2]) assert.equal(await verdict(token), 'invalid_token')
      if (kid === undefined) published[issuer].push(late)
      publish(issuer, kid === undefined ? [] : [late])
      await fetchAnew(issuer)
      await eventually('it passes', async () => (await verdict(token)) === '200')
    }
  })

  it('ends so too where the key is another one of a kid that there is, for its issuer', async () => {
    const own = mintKey('ES256', 'one-name')
    const token = tokenOf(own, 'shared', 'one-name')
    for (const _time of [1, 2]) assert.equal(await verdict(token), 'invalid_token')
    const forAll = { ...publishedJwk(FOR_ALL), issuer: ALL_TENANTS }
    publishAll('shared', [forAll, { ...publishedJwk(own), issuer: ISSUERS.shared }])
    await fetchAnew('shared')
    await eventually('it passes', async () => (await verdict(token)) === '200')
    assert.equal(await verdict(tokenOf(FOR_ALL, 'shared', 'one-name')), '200')
    const forged = mintKey('ES256', 'one-name')
    assert.equal(await verdict(tokenOf(forged, 'shared', 'one-name')), 'invalid_token')
  })
})
