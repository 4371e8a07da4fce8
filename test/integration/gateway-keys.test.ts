/** The life of an issuer's keys through a whole gateway: rotation, withdrawal, floods of `kid`s. */
import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { FaultyServer } from '../support/faulty-server.ts'
import { ask, errorOf } from '../support/gateway-answer.ts'
import { gatewayText } from '../support/gateway-text.ts'
import { bearer, liveClaims, liveToken, publishedJwk } from '../support/live-token.ts'
import {
  AUDIENCE,
  encode,
  headerText,
  type MintingKey,
  mintKey,
  signRaw,
} from '../support/mint-token.ts'
import { watchStarvation } from '../support/starvation.ts'
import { startGateway, type TestGateway } from '../support/test-gateway.ts'
import { flood } from '../support/token-flood.ts'
import { startEchoUpstream, type UpstreamServer } from '../support/upstream-servers.ts'

const ISSUER = 'https://idp.example.com/'
const OTHER_ISSUER = 'https://other.example.com/'
const THREADS = { SALLYPORT_LISTENER_THREADS: '2' }
/** Connections of their own: each thread gets some. */
const REPETITIONS = 16
const FLOOD_TOKENS = 10_000

const old = mintKey('ES256', 'old')
const fresh = mintKey('ES256', 'fresh')

let jwks: FaultyServer
let upstream: UpstreamServer
let gateway: TestGateway

/** Refreshes only when asked, unless `settings` say otherwise. */
async function start(settings: Record<string, unknown>): Promise<void> {
  const audiences = [AUDIENCE]
  const quiet = { cacheTtl: '1h', refreshInterval: '1h' }
  const text = gatewayText({
    authenticate: ['jwt'],
    upstream: upstream.origin,
    issuers: {
      main: { issuer: ISSUER, audiences, jwks: { uri: jwks.jwksUri, ...quiet, ...settings } },
      other: {
        issuer: OTHER_ISSUER,
        audiences,
        jwks: { uri: `${jwks.origin}/other`, ...quiet, ...settings },
      },
    },
    routes: { '/*': {} },
    accessLog: 0,
  })
  gateway = await startGateway(text, THREADS)
}

beforeEach(async () => {
  upstream = await startEchoUpstream()
  jwks = await FaultyServer.start()
  jwks.publish(publishedJwk(old))
  // The same `kid` at another issuer, and there for good.
  const others = [publishedJwk(mintKey('ES256', 'old'))]
  jwks.documents.set('/other', Buffer.from(JSON.stringify({ keys: others })))
})

afterEach(async () => {
  await gateway.stop()
  await jwks.down()
  await upstream.close()
})

async function verdict(token: string): Promise<string> {
  return errorOf(await ask(gateway.port, '/any', bearer(token)))
}

/** What all threads say about a token: one word when they agree. */
async function verdicts(token: string): Promise<readonly string[]> {
  const asked = await Promise.all(Array.from({ length: REPETITIONS }, () => verdict(token)))
  return [...new Set(asked)]
}

function inTheLog(event: string, keyId: string): boolean {
  return gateway.log.some((line) => line['event'] === event && line['keyId'] === keyId)
}

describe('rotation', () => {
  it('accepts a new kid with one fetch, however many ask at once, and no good token is lost', async () => {
    await start({ unknownKidCooldown: '30s' })
    assert.deepEqual(await verdicts(liveToken(old, ISSUER)), ['200'])
    assert.equal(jwks.fetches, 1)
    jwks.publish(publishedJwk(old), publishedJwk(fresh))
    const tokens = Array.from({ length: 48 }, () => liveToken(fresh, ISSUER))
    const asked = await Promise.all(tokens.map(verdict))
    assert.deepEqual([...new Set(asked)], ['200'])
    assert.equal(jwks.fetches, 2)
    assert.deepEqual(await verdicts(liveToken(old, ISSUER)), ['200'])
  })

  it('withdraws a key: tokens of it that are cached die at once, in all threads', async () => {
    await start({ unknownKidCooldown: '30s' })
    const cached = liveToken(old, ISSUER)
    assert.deepEqual(await verdicts(cached), ['200'])
    jwks.publish(publishedJwk(fresh))
    // The gateway does not know of it yet.
    assert.deepEqual(await verdicts(cached), ['200'])
    assert.equal(await verdict(liveToken(fresh, ISSUER)), '200')
    assert.deepEqual(await verdicts(cached), ['unknown_signing_key'])
    assert.deepEqual(await verdicts(liveToken(old, ISSUER)), ['unknown_signing_key'])
    assert.equal(jwks.fetches, 2)
    assert.ok((await gateway.metric(lookups('dead_key'))) > 0)
    await eventually('the log tells', () => inTheLog('key_removed', 'old'))
  })

  it('withdraws a key in the background, for good: once refused, a token stays refused', async () => {
    await start({ refreshInterval: '1s', cacheTtl: '10s' })
    const cached = liveToken(old, ISSUER)
    assert.deepEqual(await verdicts(cached), ['200'])
    jwks.publish(publishedJwk(fresh))
    await eventually('the key is withdrawn', () => inTheLog('key_removed', 'old'))
    assert.deepEqual(await verdicts(cached), ['unknown_signing_key'])
    assert.deepEqual(await verdicts(liveToken(fresh, ISSUER)), ['200'])
  })

  it('takes another key under an old kid for another key', async () => {
    await start({ refreshInterval: '1s', cacheTtl: '10s' })
    const cached = liveToken(old, ISSUER)
    assert.deepEqual(await verdicts(cached), ['200'])
    const replaced = mintKey('ES256', 'old')
    jwks.publish(publishedJwk(replaced))
    await eventually('the key is replaced', () => inTheLog('key_removed', 'old'))
    assert.deepEqual(await verdicts(cached), ['invalid_token'])
    assert.deepEqual(await verdicts(liveToken(replaced, ISSUER)), ['200'])
    // And back: what the first key verified is judged anew, and a refusal does not outlive it.
    jwks.publish(publishedJwk(old))
    const fetches = jwks.fetches
    await eventually('the first key is back', () => jwks.fetches >= fetches + 2)
    assert.deepEqual(await verdicts(cached), ['200'])
    assert.deepEqual(await verdicts(liveToken(replaced, ISSUER)), ['invalid_token'])
  })

  it('accepts tokens of a key that was replaced under its kid, at the first try', async () => {
    await start({})
    assert.deepEqual(await verdicts(liveToken(old, ISSUER)), ['200'])
    for (let round = 0; round < 3; round += 1) {
      const replaced = mintKey('ES256', 'old')
      jwks.publish(publishedJwk(replaced))
      assert.deepEqual(await verdicts(liveToken(replaced, ISSUER)), ['200'])
      assert.deepEqual(await verdicts(liveToken(old, ISSUER)), ['invalid_token'])
    }
  })

  it('accepts tokens of a new key of an issuer without kids, at the first try', async () => {
    const withoutKid = (key: MintingKey) =>
      signRaw(key, headerText(key, { kid: undefined }), liveClaims(ISSUER))
    const jwkWithoutKid = (key: MintingKey) => ({ ...publishedJwk(key), kid: undefined })
    jwks.publish(jwkWithoutKid(old))
    await start({})
    assert.deepEqual(await verdicts(withoutKid(old)), ['200'])
    jwks.publish(jwkWithoutKid(fresh))
    assert.deepEqual(await verdicts(withoutKid(fresh)), ['200'])
    assert.deepEqual(await verdicts(withoutKid(old)), ['invalid_token'])
  })

  it('finds a new key within seconds while a stranger makes up kids, and calls no token bad', async () => {
    await start({ unknownKidCooldown: '6s' })
    assert.deepEqual(await verdicts(liveToken(old, ISSUER)), ['200'])
    let isOver = false
    const forging = (async () => {
      while (!isOver) await verdict(strayToken(old))
    })()
    await eventually('no fetch is left', async () => {
      return (await verdict(strayToken(old))) === 'verifier_unavailable'
    })
    jwks.publish(publishedJwk(old), publishedJwk(fresh))
    const startedAtMs = performance.now()
    const said = new Set<string>()
    const token = liveToken(fresh, ISSUER)
    await eventually('the new key is found', async () => {
      const code = await verdict(token)
      said.add(code)
      return code === '200'
    })
    isOver = true
    await forging
    assert.ok(!said.has('unknown_signing_key'), [...said].join())
    assert.ok(performance.now() - startedAtMs < 5_000, 'it took most of the cooldown')
  })

  it('keeps two issuers apart that use one kid', async () => {
    await start({})
    assert.deepEqual(await verdicts(liveToken(old, OTHER_ISSUER)), ['invalid_token'])
    assert.deepEqual(await verdicts(liveToken(old, ISSUER)), ['200'])
  })
})

function lookups(result: string): string {
  return `sallyport_token_cache_lookups_total{result="${result}"}`
}

/** Looks good in every way but that its `kid` is unknown; costs no signature to make. */
function strayToken(key: MintingKey): string {
  const header = headerText(key, { kid: randomUUID() })
  return `${encode(header)}.${encode(liveClaims(ISSUER))}.${encode(randomBytes(64))}`
}

describe('a flood of unknown kids', () => {
  it('costs the budget of fetches, and good traffic is unharmed', async () => {
    const cooldownMs = 2_000
    await start({ unknownKidCooldown: `${cooldownMs}ms` })
    const good = liveToken(old, ISSUER)
    assert.deepEqual(await verdicts(good), ['200'])
    const strays = Array.from({ length: FLOOD_TOKENS }, () => strayToken(old))
    const before = jwks.fetches
    const codes = new Map<string, number>()
    const startedAtMs = performance.now()
    const starvedMs = watchStarvation([process.pid, gateway.processId])
    let isOver = false
    let goodCount = 0
    let slowestMs = 0
    const goodTraffic = async () => {
      while (!isOver) {
        // One that is cached, and one that is not.
        await flood(gateway.origin, '/good', [good, liveToken(old, ISSUER)], 1, (_, answer) => {
          assert.equal(answer.status, 200)
          goodCount += 1
          slowestMs = Math.max(slowestMs, answer.latencyMs)
        })
      }
    }
    const traffic = goodTraffic()
    await flood(gateway.origin, '/any', strays, 32, (_, { text }) => {
      const { error } = JSON.parse(text) as { readonly error: string }
      codes.set(error, (codes.get(error) ?? 0) + 1)
    })
    const budget = 6 + Math.ceil((6 * (performance.now() - startedAtMs)) / cooldownMs)
    isOver = true
    await traffic
    const undecided = codes.get('verifier_unavailable') ?? 0
    assert.equal((codes.get('unknown_signing_key') ?? 0) + undecided, FLOOD_TOKENS)
    const fetches = jwks.fetches - before
    assert.ok(fetches >= 1 && fetches <= budget, `${fetches} fetches of ${budget}`)
    assert.ok(goodCount >= 20, `only ${goodCount} good requests meanwhile`)
    assert.ok(slowestMs < 2_000 + starvedMs(), `a good request took ${slowestMs} ms`)
    assert.equal(await gateway.metric('sallyport_listener_restarts_total'), 0)
  })

  it('does not hide a key that is published later', async () => {
    await start({ unknownKidCooldown: '1s' })
    const early = liveToken(fresh, ISSUER)
    const startedAtMs = performance.now()
    assert.deepEqual(await verdicts(early), ['unknown_signing_key'])
    jwks.publish(publishedJwk(old), publishedJwk(fresh))
    let last = ''
    const poll = setInterval(() => {
      void verdict(early).then((code) => {
        last = code
      })
    }, 50)
    await eventually('the new key is found after the cooldown', () => last === '200')
    clearInterval(poll)
    assert.deepEqual(await verdicts(early), ['200'])
    // The first one is that of the start.
    const budget = 6 + Math.ceil((6 * (performance.now() - startedAtMs)) / 1_000)
    assert.ok(jwks.fetches <= 1 + budget, `${jwks.fetches} fetches`)
  })

  it('meets a provider that fails: 503, because the key may exist, and few fetches', async () => {
    await start({ unknownKidCooldown: '2s', timeout: '300ms' })
    for (const behaviour of ['error', 'hanging'] as const) {
      jwks.behaviour = behaviour
      const before = jwks.fetches
      const startedAtMs = performance.now()
      const asked = await Promise.all(Array.from({ length: 200 }, () => verdict(strayToken(old))))
      assert.deepEqual([...new Set(asked)], ['verifier_unavailable'])
      assert.deepEqual(await verdicts(liveToken(old, ISSUER)), ['200'])
      const budget = 6 + Math.ceil((6 * (performance.now() - startedAtMs)) / 2_000)
      // Retries of the background come on top: a failed refresh is tried again with backoff.
      const retries = 4 * Math.ceil((performance.now() - startedAtMs) / 2_000)
      assert.ok(jwks.fetches - before <= budget + retries, `${jwks.fetches - before} fetches`)
    }
  })
})
