/** Loading the configuration anew while the gateway runs. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { FaultyServer } from '../support/faulty-server.ts'
import { echoOf } from '../support/gateway-answer.ts'
import type { GatewayPlan } from '../support/gateway-text.ts'
import { bearer, liveToken, publishedJwk } from '../support/live-token.ts'
import { AUDIENCE, mintKey } from '../support/mint-token.ts'
import { ReloadLoad, requestIdNameOf, scopeOf } from '../support/reload-load.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'

/** For a long run by hand. */
const RELOADS = Number(process.env['RELOADS'] ?? 10)
const CLIENTS = 8
const ISSUER = 'https://idp.example.com/'
const OTHER_ISSUER = 'https://other.example.com/'

const key = mintKey('ES256', 'key-1')
const otherKey = mintKey('ES256', 'key-2')
let jwks: FaultyServer

before(async () => {
  jwks = await FaultyServer.start()
  jwks.documents.set('/keys', Buffer.from(JSON.stringify({ keys: [publishedJwk(key)] })))
  jwks.documents.set('/other', Buffer.from(JSON.stringify({ keys: [publishedJwk(otherKey)] })))
})

after(() => jwks.down())

function issuers(...names: readonly string[]) {
  const all: Readonly<Record<string, object>> = {
    main: { issuer: ISSUER, jwks: { uri: `${jwks.origin}/keys`, allowInsecureHttp: true } },
    other: { issuer: OTHER_ISSUER, jwks: { uri: `${jwks.origin}/other`, allowInsecureHttp: true } },
    late: { issuer: OTHER_ISSUER, jwks: { uri: `${jwks.origin}/late`, allowInsecureHttp: true } },
  }
  const rest = { audiences: [AUDIENCE], algorithms: ['ES256'] }
  return Object.fromEntries(names.map((name) => [name, { ...all[name], ...rest }]))
}

/** An alternating configuration: see {@link ReloadLoad}. */
function plan(number: number, gateway: TestGateway | null, rest: GatewayPlan = {}): GatewayPlan {
  return {
    issuers: issuers('main'),
    identity: { headers: { requestId: requestIdNameOf(number) } },
    routes: {
      '/*': { authenticate: ['jwt'], require: { scopes: { all: [scopeOf(number)] } } },
    },
    ...(gateway !== null && { upstream: gateway.upstream.origin }),
    ...rest,
  }
}

function tokens() {
  return {
    read: liveToken(key, ISSUER, { scope: 'read' }),
    write: liveToken(key, ISSUER, { scope: 'write' }),
  }
}

describe('reloads under load', () => {
  it('lose no request, decide each by one configuration, and keep what is warm', async () => {
    const gateway = await openGateway({ ...plan(0, null), waitsUntilReady: true })
    const load = new ReloadLoad(gateway.origin, tokens(), CLIENTS)
    const lookups = (result: string) =>
      gateway.metric('sallyport_token_cache_lookups_total', { result })
    await eventually('connections are warm', () => load.answers > 50 * CLIENTS)
    const [missesBefore, upstreamBefore] = [await lookups('miss'), gateway.upstream.connections]
    const [clientsBefore, fetchesBefore] = [load.connections, jwks.requests.length]

    for (let number = 1; number <= RELOADS; number += 1) {
      load.asked = number
      const { status, body } = await gateway.reload(plan(number, gateway))
      assert.deepEqual(
        [status, body],
        [200, { outcome: 'reloaded', revision: number + 1, changed: ['identity', 'routes'] }],
      )
      load.committed = number
      const answered = load.answers
      await eventually('requests are answered under it', () => load.answers > answered + CLIENTS)
    }
    await load.stop()

    assert.deepEqual(load.problems, [])
    assert.equal(await lookups('miss'), missesBefore)
    assert.ok((await lookups('hit')) > load.answers / 2)
    assert.equal(gateway.upstream.connections, upstreamBefore)
    assert.equal(load.connections, clientsBefore)
    assert.equal(jwks.requests.length, fetchesBefore)
    // Under the name of the route, whichever configuration it was of.
    const counted = await gateway.metric('sallyport_requests_total', { route: 'at' })
    assert.equal(counted, load.answers)
    assert.equal(await gateway.metric('sallyport_configuration_revision'), RELOADS + 1)
  })
})

describe('a reload', () => {
  let gateway: TestGateway

  before(async () => {
    gateway = await openGateway({ ...plan(0, null), waitsUntilReady: true })
  })

  const statusOf = async (token: string) => (await gateway.ask('/x', bearer(token))).status

  it('is refused whole with every problem, and says so everywhere', async () => {
    const refused = await gateway.reload(plan(1, gateway, { server: { port: 'x', nonsense: 1 } }))
    assert.equal(refused.status, 422)
    const { outcome, revision, problems } = refused.body
    assert.deepEqual([outcome, revision], ['refused', 1])
    assert.equal((problems as string[]).length, 2)
    assert.equal(await statusOf(tokens().read), 200)
    assert.equal(await statusOf(tokens().write), 403)
    const last = 'sallyport_configuration_last_reload_successful'
    assert.equal(await gateway.metric(last), 0)
    const status = await gateway.admin('/status')
    assert.deepEqual((status.body['configuration'] as { problems: unknown }).problems, problems)
    await eventually('the log says why', () =>
      gateway.log.some((line) => line['event'] === 'configuration_refused' && line['count'] === 2),
    )
    const back = await gateway.reload(plan(0, gateway))
    assert.deepEqual(back.body, { outcome: 'unchanged', revision: 1, changed: [] })
    assert.equal(await gateway.metric(last), 1)
  })

  it('names each setting that needs a restart, and takes nothing over', async () => {
    const next = plan(1, gateway, {
      server: { limits: { headerBytes: 32_768, tokenBytes: 4_096 }, drain: { delay: '1s' } },
      cache: { sizeMiB: 8, refusalTtl: '5s' },
      logging: { level: 'error' },
    })
    const { status, body } = await gateway.reload(next)
    assert.equal(status, 422)
    assert.deepEqual(body['problems'], [
      'server.limits.headerBytes needs a restart',
      'cache.sizeMiB needs a restart',
      'logging.level needs a restart',
    ])
    assert.equal(await statusOf(tokens().read), 200)
  })

  it('brings issuers with their keys, and takes them away', async () => {
    const token = liveToken(otherKey, OTHER_ISSUER, { scope: 'read' })
    assert.equal(await statusOf(token), 401)
    const fetches = jwks.requests.length
    await gateway.reload(plan(0, gateway, { issuers: issuers('other', 'main') }))
    assert.equal(await statusOf(token), 200)
    assert.equal(jwks.requests.length, fetches + 1)
    await gateway.reload(plan(0, gateway))
    assert.equal(await statusOf(token), 401)
    assert.equal(await statusOf(tokens().read), 200)
  })

  it('goes ahead without the keys of a new issuer, and stays ready', async () => {
    jwks.documents.set('/late', Buffer.from(JSON.stringify({ keys: [publishedJwk(otherKey)] })))
    jwks.behaviours.set('/late', 'error')
    const token = liveToken(otherKey, OTHER_ISSUER, { scope: 'read' })
    const both = plan(0, gateway, { issuers: issuers('main', 'late') })
    assert.equal((await gateway.reload(both)).status, 200)
    assert.equal(await statusOf(token), 503)
    assert.ok(await gateway.isReady())
    jwks.behaviours.delete('/late')
    await eventually('its keys are there', async () => (await statusOf(token)) === 200)
  })

  it('tells of a caller in the new fields from then on, though the decision is cached', async () => {
    const { read } = tokens()
    const told = async (name: string) => {
      const { headers } = echoOf(await gateway.ask('/x', bearer(read)))
      return headers[name.toLowerCase()]
    }
    const renamed = (name: string) =>
      plan(0, gateway, { identity: { headers: { requestId: 'X-Even-Id', userId: name } } })
    await gateway.reload(renamed('X-One'))
    for (let times = 0; times < 8; times += 1) assert.ok((await told('X-One')) !== undefined)
    await gateway.reload(renamed('X-Two'))
    for (let times = 0; times < 8; times += 1) {
      assert.ok((await told('X-Two')) !== undefined)
      assert.equal(await told('X-One'), undefined)
    }
  })

  it('counts on under the names of routes that were added, moved and removed', async () => {
    const route = { authenticate: 'none' }
    const count = (name: string) => gateway.metric('sallyport_requests_total', { route: name })
    await gateway.reload(plan(0, gateway, { routes: { '/b/*': route, '/a/*': route } }))
    for (const path of ['/a/1', '/b/1', '/b/2']) await gateway.ask(path)
    await gateway.reload(plan(0, gateway, { routes: { '/a/*': route, '/c/*': route } }))
    for (const path of ['/a/1', '/c/1', '/b/1']) await gateway.ask(path)
    assert.deepEqual([await count('ata'), await count('atb'), await count('atc')], [2, 2, 1])
  })

  it('is what a listener thread begins with that takes the place of another', async () => {
    const started = () => gateway.log.filter((line) => line['event'] === 'listener_started').length
    await Promise.all([gateway.crashListener(0), gateway.crashListener(1)])
    await eventually('both have successors', () => started() === 4)
    const answers = await Promise.all(Array.from({ length: 20 }, () => gateway.ask('/c/1')))
    assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200])
  })

  it('takes POST alone', async () => {
    assert.equal((await gateway.admin('/reload')).status, 405)
  })
})
