/**
 * Faults that end: what does not need the broken part goes on meanwhile, and within a second of the
 * end everything works again, without a restart.
 */
import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { after, before, describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { eventually, promptly } from '../support/eventually.ts'
import { FaultyServer } from '../support/faulty-server.ts'
import { outcomeOf } from '../support/gateway-answer.ts'
import { hanging, IntrospectionServer, json, status } from '../support/introspection-server.ts'
import { liveToken, publishedJwk } from '../support/live-token.ts'
import { AUDIENCE, type MintingKey, mintKey } from '../support/mint-token.ts'
import { RedisServer } from '../support/redis-server.ts'
import { RestartableServer } from '../support/restartable-server.ts'
import { revoke } from '../support/revocation-gateways.ts'
import { newSessionId, sha256 } from '../support/stored-credentials.ts'
import { openGateway, type TestGateway } from '../support/test-gateway.ts'

const ISSUER = 'https://idp.example.com/'
const OPAQUE_ISSUER = 'https://opaque.example.com/'
const TENANT = 'acme'
const BACK_WITHIN_MS = 1_000
/** Long enough for breakers to open and for back-offs to grow. */
const FAULT_MS = 3_000
const STOPPED_MS = 3_000
const PAUSE_MS = 20
/** Over connections of their own, so that every listener thread is asked. */
const ASKED_AT_ONCE = 8
/** Of one or two it could be meant that they are gone. */
const OTHER_TENANTS = 20
const SESSION = newSessionId()
const API_KEY = 'a-secret-of-a-machine'
const ACTIVE = { active: true, iss: OPAQUE_ISSUER, sub: 'bob', aud: AUDIENCE, tenant_id: TENANT }

class Upstream extends RestartableServer {
  protected answer(_request: IncomingMessage, response: ServerResponse): void {
    response.end('{}')
  }
}

let redis: RedisServer
let jwks: FaultyServer
let endpoint: IntrospectionServer
let parts: TestGateway
const upstream = new Upstream()
const oldKey = mintKey('ES256', 'old')
const newKey = mintKey('ES256', 'new')
let key: MintingKey = oldKey
let made = 0

before(async () => {
  ;[redis, jwks, endpoint] = await Promise.all([
    RedisServer.start(),
    FaultyServer.start(),
    IntrospectionServer.start(),
    upstream.up(),
  ])
  jwks.publish(publishedJwk(oldKey))
  endpoint.reply = json(ACTIVE)
  await fillRedis()
  const audiences = [AUDIENCE]
  const introspection = { endpoint: endpoint.url, clientId: 'gateway', clientSecret: 's3cret' }
  parts = await openGateway({
    redis: { nodes: [redis.address] },
    upstreams: { echo: { targets: [upstream.origin] } },
    issuers: {
      main: { issuer: ISSUER, audiences, jwks: { uri: jwks.jwksUri } },
      opaque: { issuer: OPAQUE_ISSUER, audiences, introspection },
    },
    sessions: { ttl: '600s' },
    apiKeys: { redis: true },
    revocation: { redis: true },
    tenants: { resolve: [{ from: 'header' }], redis: true },
    routes: {
      '/jwt/*': { authenticate: ['jwt'], issuers: ['main'] },
      '/opaque/*': { authenticate: ['introspection'], issuers: ['opaque'] },
      '/session/*': { authenticate: ['session'] },
      '/key/*': { authenticate: ['apiKey'] },
    },
  })
  await eventually('everything works', async () => {
    const said = await Promise.all(Object.values(KINDS).map((works) => works()))
    return said.every((outcome) => outcome === 'passed')
  })
})

after(async () => {
  await parts.stop()
  await Promise.all([redis.stop(), jwks.down(), endpoint.down(), upstream.down()])
})

async function fillRedis(): Promise<void> {
  const user = { userId: 'alice', tenantId: TENANT }
  await redis.command('set', `sess:${sha256(SESSION)}`, JSON.stringify(user), 'EX', '600')
  await redis.command('set', `apikey:${sha256(API_KEY)}`, JSON.stringify(user))
  const names = [TENANT, ...Array.from({ length: OTHER_TENANTS }, (_, index) => `other-${index}`)]
  const records = names.flatMap((name) => [name, '{"status":"active"}'])
  await redis.command('hset', 'tenants', ...records)
  await redis.command('incr', 'tenants:version')
}

async function ask(kind: string, headers: Readonly<Record<string, string>>): Promise<string> {
  try {
    return outcomeOf(await parts.ask(`/${kind}/x`, { 'x-tenant-id': TENANT, ...headers }))
  } catch (error) {
    return `no answer: ${String(error)}`
  }
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

function newOpaqueToken(): string {
  made += 1
  return `opaque-${made}`
}

/** Each asks for what no cache can know. */
const KINDS = {
  jwt: () => ask('jwt', bearer(liveToken(key, ISSUER, { tenant_id: TENANT }))),
  opaque: () => ask('opaque', bearer(newOpaqueToken())),
  session: () => ask('session', { cookie: `__Host-sid=${SESSION}` }),
  key: () => ask('key', { 'x-api-key': API_KEY }),
  async revocation() {
    made += 1
    const { status: code, body } = await revoke(parts, { jti: `${made}`, issuer: ISSUER })
    return code === 201 && body['sentToOtherInstances'] === true ? 'passed' : JSON.stringify(body)
  },
} as const

type Kind = keyof typeof KINDS

interface Fault {
  readonly what: string
  /** What it must not touch. */
  readonly spared: readonly Kind[]
  readonly begin: () => Promise<void> | void
  readonly end: () => Promise<void> | void
  /** Asked about while it lasts, besides what it spares. */
  readonly during?: () => Promise<unknown>
}

const NO_REDIS: readonly Kind[] = ['jwt', 'opaque']
const NO_ENDPOINT: readonly Kind[] = ['jwt', 'session', 'key', 'revocation']
const NO_KEYS: readonly Kind[] = ['jwt', 'opaque', 'session', 'key', 'revocation']

const FAULTS: readonly Fault[] = [
  {
    what: 'Redis is killed and comes back empty',
    spared: NO_REDIS,
    begin: () => redis.kill(),
    async end() {
      await redis.up()
      await fillRedis()
    },
  },
  {
    what: 'Redis stands still',
    spared: NO_REDIS,
    begin: () => redis.freeze(),
    end: () => redis.thaw(),
  },
  {
    what: 'Redis is replaced by an empty one at once',
    spared: NO_REDIS,
    async begin() {
      await redis.kill()
      await redis.up()
    },
    end: () => fillRedis(),
  },
  {
    what: 'Redis is demoted and promoted again',
    spared: NO_REDIS,
    begin: () => redis.becomeReplica(),
    end: () => redis.becomeMaster(),
  },
  {
    what: 'the introspection endpoint is down',
    spared: NO_ENDPOINT,
    begin: () => endpoint.down(),
    end: () => endpoint.up(),
  },
  {
    what: 'the introspection endpoint hangs',
    spared: NO_ENDPOINT,
    begin: () => {
      endpoint.reply = hanging
    },
    end: () => {
      endpoint.reply = json(ACTIVE)
    },
  },
  {
    what: 'the introspection endpoint answers 500',
    spared: NO_ENDPOINT,
    begin: () => {
      endpoint.reply = status(500)
    },
    end: () => {
      endpoint.reply = json(ACTIVE)
    },
  },
  {
    what: 'the key endpoint is down, and comes back with another key',
    spared: NO_KEYS,
    begin: () => jwks.down(),
    // Tokens of the new key come before the gateway can know it.
    during: () => ask('jwt', bearer(liveToken(newKey, ISSUER, { tenant_id: TENANT }))),
    async end() {
      jwks.publish(publishedJwk(newKey))
      key = newKey
      await jwks.up()
    },
  },
  {
    what: 'the upstream is down',
    spared: ['revocation'],
    begin: () => upstream.down(),
    end: () => upstream.up(),
  },
  {
    what: 'a listener thread dies',
    spared: ['revocation'],
    begin: () => parts.crashListener(0),
    end: () => {},
  },
  {
    what: 'the gateway itself is stopped for three seconds',
    spared: [],
    async begin() {
      process.kill(parts.processId, 'SIGSTOP')
      await delay(STOPPED_MS)
    },
    end: () => {
      process.kill(parts.processId, 'SIGCONT')
    },
  },
]

/** Keeps asking for everything, so that whatever grows with failures grows. */
async function live({ spared, during, what }: Fault): Promise<void> {
  const isStopped = spared.length === 0
  const endsAtMs = performance.now() + (isStopped ? 0 : FAULT_MS)
  while (performance.now() < endsAtMs) {
    const all = Object.entries(KINDS).map(async ([kind, works]) => {
      const outcome = await works()
      if (spared.includes(kind as Kind)) assert.equal(outcome, 'passed', `${kind} while ${what}`)
    })
    await Promise.all([...all, during?.()])
    await delay(PAUSE_MS)
  }
}

describe('everything works within a second', () => {
  for (const fault of FAULTS) {
    it(`after ${fault.what}`, async () => {
      await fault.begin()
      try {
        await live(fault)
      } finally {
        await fault.end()
      }
      const processIds = [parts.processId, redis.processId]
      const said = new Map<string, string>()
      const all = Object.entries(KINDS).map(async ([kind, works]) => {
        await promptly(`${kind} works`, BACK_WITHIN_MS, processIds, async () => {
          const outcomes = await Promise.all(Array.from({ length: ASKED_AT_ONCE }, () => works()))
          const refused = outcomes.find((outcome) => outcome !== 'passed')
          said.set(kind, refused ?? 'passed')
          return refused === undefined
        })
      })
      const settled = await Promise.allSettled(all)
      const failed = settled.filter(({ status: end }) => end === 'rejected')
      assert.equal(failed.length, 0, JSON.stringify([...said]))
    })
  }
})
