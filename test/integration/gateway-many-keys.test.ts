/** Thousands of published keys of many issuers through a whole gateway, and their rotation. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { FaultyServer } from '../support/faulty-server.ts'
import { ask, errorOf } from '../support/gateway-answer.ts'
import { gatewayText } from '../support/gateway-text.ts'
import { bearer, liveToken, publishedJwk } from '../support/live-token.ts'
import { AUDIENCE, type MintingKey, mintKey } from '../support/mint-token.ts'
import { startGateway, type TestGateway } from '../support/test-gateway.ts'
import { startEchoUpstream, type UpstreamServer } from '../support/upstream-servers.ts'

/** Together 4100 keys; what a key set may have at most is 100. */
const ISSUERS = 41
const KEYS_OF_ISSUER = 100
/** Issuers that change all their keys, and how often each does. */
const ROTATING_ISSUERS = 5
const ROTATIONS = 8

let jwks: FaultyServer
let upstream: UpstreamServer
let gateway: TestGateway
const published: MintingKey[][] = []

before(async () => {
  jwks = await FaultyServer.start()
  upstream = await startEchoUpstream()
  const issuers: Record<string, unknown> = {}
  for (let issuer = 0; issuer < ISSUERS; issuer += 1) {
    publish(issuer, 0)
    issuers[`issuer${issuer}`] = {
      issuer: issuerOf(issuer),
      audiences: [AUDIENCE],
      jwks: {
        uri: `${jwks.origin}/${issuer}`,
        cacheTtl: '1h',
        refreshInterval: '1h',
        unknownKidCooldown: '1s',
      },
    }
  }
  const text = gatewayText({
    authenticate: ['jwt'],
    upstream: upstream.origin,
    issuers,
    routes: { '/*': {} },
    accessLog: 0,
  })
  gateway = await startGateway(text, { SALLYPORT_LISTENER_THREADS: '2' })
  await eventually('every issuer has its keys', () => gateway.isReady())
})

after(async () => {
  await gateway.stop()
  await jwks.down()
  await upstream.close()
})

function issuerOf(issuer: number): string {
  return `https://idp-${issuer}.example.com/`
}

/** The issuer has changed all its keys. */
function publish(issuer: number, rotation: number): void {
  const keys = Array.from({ length: KEYS_OF_ISSUER }, (_, index) =>
    mintKey('ES256', `key-${rotation}-${index}`),
  )
  published[issuer] = keys
  jwks.documents.set(`/${issuer}`, Buffer.from(JSON.stringify({ keys: keys.map(publishedJwk) })))
}

function tokenOf(issuer: number, index: number): string {
  const key = published[issuer]?.at(index)
  assert.ok(key !== undefined)
  return liveToken(key, issuerOf(issuer))
}

async function verdict(token: string): Promise<string> {
  return errorOf(await ask(gateway.port, '/any', bearer(token)))
}

describe('thousands of published keys', () => {
  it('are all used, whichever issuer is read last', async () => {
    const said = new Map<string, number>()
    for (let issuer = 0; issuer < ISSUERS; issuer += 1) {
      for (const index of [0, 50, -1]) {
        const code = await verdict(tokenOf(issuer, index))
        said.set(code, (said.get(code) ?? 0) + 1)
      }
    }
    assert.deepEqual([...said], [['200', ISSUERS * 3]])
  })

  it('may all be replaced again and again: new tokens pass, and no old one ever does', async () => {
    const withdrawn: string[] = []
    for (let rotation = 1; rotation <= ROTATIONS; rotation += 1) {
      for (let issuer = 0; issuer < ROTATING_ISSUERS; issuer += 1) {
        const cached = [tokenOf(issuer, 0), tokenOf(issuer, -1)]
        for (const token of cached) assert.equal(await verdict(token), '200')
        withdrawn.push(...cached)
        publish(issuer, rotation)
        for (const index of [0, -1]) {
          // One fetch can be had for every sixth of the cooldown, and six at once.
          const token = tokenOf(issuer, index)
          await eventually('the new key is found', async () => {
            const code = await verdict(token)
            assert.ok(['200', 'verifier_unavailable'].includes(code), code)
            return code === '200'
          })
        }
      }
      const codes = new Set(await Promise.all(withdrawn.map(verdict)))
      assert.ok(!codes.has('200'), [...codes].join())
    }
    // A verdict of an issuer whose keys never changed still stands on its own place.
    for (let issuer = ROTATING_ISSUERS; issuer < ISSUERS; issuer += 1) {
      assert.equal(await verdict(tokenOf(issuer, 7)), '200')
    }
    assert.equal(await gateway.metric('sallyport_listener_restarts_total'), 0)
  })
})
