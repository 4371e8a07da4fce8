/** A gateway without a server that can give every reason for which a decision refuses. */

import { type OfflineGateway, openOfflineGateway } from '../../src/cli/offline-gateway.ts'
import type { ExplainQuestion, Explanation } from '../../src/gateway/explanation.ts'
import type { RefusalReason } from '../../src/protocol/refusal-reason.ts'
import { LimitCells } from '../../src/rate-limit/limit-cells.ts'
import { RevocationIndex } from '../../src/revocation/revocation-index.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import { parseText } from './configuration-text.ts'
import { REFUSED_SESSIONS, sessionIdOf } from './explained-values.ts'
import { FaultyServer } from './faulty-server.ts'
import { gatewayText } from './gateway-text.ts'
import { IntrospectionServer } from './introspection-server.ts'
import { keySetDocument } from './key-documents.ts'
import { liveToken, publishedJwk, wallSeconds } from './live-token.ts'
import { AUDIENCE, ISSUER, type MintingKey, mintKey } from './mint-token.ts'
import { RedisServer } from './redis-server.ts'
import { entryOf } from './revocations.ts'
import { newSessionId, sha256 } from './stored-credentials.ts'

const MICROS_PER_MS = 1_000
const HOUR_SECONDS = 3_600
const LISTS = { denyFrom: ['127.0.0.1'] }
const OWN_RATE = { rate: '1/h', burst: 1 }
/** What every limit of the rig allows: one, and then none for an hour. */
const ONE = { emissionMicros: HOUR_SECONDS * 1_000_000, burst: 1 }

export const OPAQUE_ISSUER = 'https://opaque.example.com/'
/** Of the keys of sessions, by default. */
export const SESSION_PREFIX = 'sess:'
const OTHER_ISSUERS = {
  strict: 'https://strict.example.com/',
  lost: 'https://lost.example.com/',
  clients: 'https://clients.example.com/',
  tenant: 'https://login.example.com/contoso/v2.0',
}

export class ExplainRig {
  readonly key: MintingKey = mintKey('ES256', 'k1')
  /** Published for the tokens of another issuer alone. */
  readonly foreignKey: MintingKey = mintKey('ES256', 'of-another')
  readonly redis: RedisServer
  readonly endpoint: IntrospectionServer
  readonly jwks: FaultyServer
  readonly session = newSessionId()
  readonly oldSession = newSessionId()
  #gateway: OfflineGateway | null = null

  private constructor(redis: RedisServer, endpoint: IntrospectionServer, jwks: FaultyServer) {
    this.redis = redis
    this.endpoint = endpoint
    this.jwks = jwks
  }

  static async open(): Promise<ExplainRig> {
    const [redis, endpoint, jwks] = await Promise.all([
      RedisServer.start(),
      IntrospectionServer.start(),
      FaultyServer.start(),
    ])
    const rig = new ExplainRig(redis, endpoint, jwks)
    const foreign = { ...publishedJwk(rig.foreignKey), issuer: 'https://other.example.com/' }
    jwks.document = keySetDocument(publishedJwk(rig.key), foreign)
    try {
      await rig.#store()
      rig.#gateway = await openOfflineGateway(parseText(rig.#text()))
      rig.#useUp()
      return rig
    } catch (error) {
      await rig.close()
      throw error
    }
  }

  get gateway(): OfflineGateway {
    if (this.#gateway === null) throw new Error('the rig is not open')
    return this.#gateway
  }

  /** Fields as `[name, value, …]`. */
  explain(url: string, part: Partial<ExplainQuestion> = {}): Promise<Explanation> {
    return this.gateway.explain({
      method: 'GET',
      url,
      host: null,
      headers: [],
      clientAddress: null,
      body: null,
      showValues: false,
      ...part,
    })
  }

  token(claims: Record<string, unknown> = {}, header: Record<string, unknown> = {}): string {
    return liveToken(this.key, ISSUER, claims, header)
  }

  /** Of an issuer that requires more, whose keys cannot be fetched, or that is named otherwise. */
  tokenOf(issuer: keyof typeof OTHER_ISSUERS, members: Record<string, unknown> = {}): string {
    return liveToken(this.key, OTHER_ISSUERS[issuer], members)
  }

  /** In ms, of the live one and of the one that has expired; -1 has no end, -2 is gone. */
  livesOfSessions(): Promise<unknown[]> {
    const keys = [this.session, this.oldSession].map((id) => `${SESSION_PREFIX}${sha256(id)}`)
    return Promise.all(keys.map((key) => this.redis.command('PTTL', key)))
  }

  /** Within one memory: as if the instance had just started. */
  async unlearnt<Result>(act: () => Promise<Result>): Promise<Result> {
    const gateway = await openOfflineGateway(parseText(this.#text()))
    const own = this.#gateway
    new Int32Array(gateway.buffers.learntRevocations)[0] = 0
    this.#gateway = gateway
    try {
      return await act()
    } finally {
      this.#gateway = own
      await gateway.close()
    }
  }

  async close(): Promise<void> {
    await this.#gateway?.close()
    await Promise.all([this.redis.stop(), this.endpoint.down(), this.jwks.down()])
  }

  async #store(): Promise<void> {
    const put = (key: string, value: object | string) =>
      this.redis.command('SET', key, typeof value === 'string' ? value : JSON.stringify(value))
    const nowSeconds = wallSeconds()
    await put(`${SESSION_PREFIX}${sha256(this.session)}`, {
      userId: 'alice',
      createdAt: nowSeconds,
      // Sooner than a request would prolong it to.
      expiresAt: nowSeconds + 600,
    })
    await put(`${SESSION_PREFIX}${sha256(this.oldSession)}`, { userId: 'alice', createdAt: 1 })
    for (const [reason, record] of REFUSED_SESSIONS) {
      await put(`${SESSION_PREFIX}${sha256(sessionIdOf(reason))}`, record)
    }
    await put(`apikey:${sha256('broken key')}`, '{}')
    await put(`apikey:${sha256('redis key')}`, { userId: 'batch' })
    await this.redis.command('HSET', 'tenants', 'unreadable', '{"status":"?"}')
  }

  /** Takes what limits allow, and revokes, as requests and operators would have done. */
  #useUp(): void {
    const { limitCells, totalCells, revocations } = this.gateway.buffers
    const totals = new LimitCells(totalCells)
    const cells = new LimitCells(limitCells)
    const nowMicros = systemClock.processMs() * MICROS_PER_MS
    const take = (name: string, key: string, from = cells) =>
      from.take(from.group(name), key, ONE, nowMicros)
    take('address/address', '192.0.2.1')
    take('global/global', '', totals)
    take('validation/validation', '', totals)
    take('user/username', 'ann')
    take('/tenant', 'slow')
    take('/key', 'slow key')
    const failures = { threshold: 1, windowMicros: 6e7, lockoutMicros: 6e7 }
    cells.fail(cells.group('user/address lock'), '192.0.2.2', failures, nowMicros)
    cells.fail(cells.group('user/username lock'), 'eve', failures, nowMicros)
    const index = new RevocationIndex(revocations)
    const nowSeconds = wallSeconds()
    const until = nowSeconds + HOUR_SECONDS
    index.add(entryOf({ kind: 'jti', issuer: ISSUER, value: 'gone' }, until), nowSeconds)
    const user = { kind: 'sub', issuer: ISSUER, value: 'revoked-user' } as const
    index.add(entryOf(user, until, nowSeconds), nowSeconds)
  }

  #text(): string {
    const jwks = { uri: this.jwks.jwksUri }
    const audiences = [AUDIENCE]
    const credentials = { clientId: 'gateway', clientSecret: 's3cret' }
    const opaque = { audiences, credentialLifetimeMax: '1h' }
    const endpoint = { endpoint: this.endpoint.url, ...credentials }
    const dead = { endpoint: 'http://127.0.0.1:1/introspect', ...credentials }
    const bearer = { authenticate: ['jwt'], issuers: ['main'] }
    const claims = { organisation: ['org_id', 'org'], clientId: ['azp', 'client_id'] }
    const byEmail = { requiredClaims: [], claims: { subject: ['sub', 'email'] } }
    const introspected = (issuer: string) => ({
      authenticate: ['introspection'],
      issuers: [issuer],
    })
    const limited = (rateLimit: string) => ({ authenticate: 'none', rateLimit })
    return gatewayText({
      upstream: 'http://127.0.0.1:9500',
      redis: this.redis,
      issuers: {
        main: { issuer: ISSUER, audiences, algorithms: ['ES256'], jwks, claims },
        strict: { issuer: OTHER_ISSUERS.strict, audiences, jwks, requiredClaims: ['department'] },
        clients: { issuer: OTHER_ISSUERS.clients, clientIds: ['web'], jwks },
        tenants: {
          issuer: 'https://login.example.com/{tenantid}/v2.0',
          issuerValues: { claim: 'tid', values: ['contoso', 'fabrikam'] },
          audiences,
          jwks,
        },
        lost: { issuer: OTHER_ISSUERS.lost, audiences, jwks: { uri: 'http://127.0.0.1:1/keys' } },
        opaque: { ...opaque, ...byEmail, issuer: OPAQUE_ISSUER, introspection: endpoint },
        down: { ...opaque, issuer: 'https://down.example.com/', introspection: dead },
        open: {
          ...opaque,
          issuer: 'https://open.example.com/',
          introspection: { ...dead, onOutage: 'pass-through', iUnderstand: true },
        },
      },
      identity: { headers: { roles: 'X-Roles', custom: { 'X-Department': '/department' } } },
      sessions: { cookie: 'sid', allowedOrigins: ['https://app.example.com'] },
      apiKeys: {
        redis: true,
        keys: [
          { sha256: sha256('good key'), userId: 'batch' },
          { sha256: sha256('old key'), userId: 'batch', expiresAt: '2020-01-01T00:00:00Z' },
          { sha256: sha256('denied key'), userId: 'batch', ...LISTS },
          { sha256: sha256('slow key'), userId: 'batch', rateLimit: OWN_RATE },
        ],
      },
      tenants: {
        resolve: [
          { from: 'path', pattern: '/tenants/{tenant}/*' },
          { from: 'header', name: 'X-Tenant' },
        ],
        redis: true,
        registry: {
          acme: {},
          globex: { issuers: ['strict'] },
          closed: { status: 'suspended' },
          denied: LISTS,
          slow: { rateLimit: OWN_RATE },
        },
      },
      rateLimits: {
        address: { perAddress: OWN_RATE },
        global: { global: OWN_RATE },
        validation: { validation: OWN_RATE },
        user: {
          perUsername: { ...OWN_RATE, field: 'username' },
          failures: {
            perAddress: { threshold: 1, lockout: '1m' },
            perUsername: { threshold: 1, lockout: '1m' },
            upstreamStatuses: [401],
          },
        },
      },
      routes: Object.fromEntries(
        Object.entries({
          '/token/*': bearer,
          '/kept/*': { ...bearer, match: { path: '/kept/*', encodedSlash: 'keep' } },
          '/write/*': { ...bearer, match: { path: '/write/*', methods: ['POST'] } },
          '/strict/*': { ...bearer, issuers: ['strict'] },
          '/orders/*': { ...bearer, audiences: ['orders'] },
          '/clients/*': { ...bearer, issuers: ['clients', 'tenants'] },
          '/lost/*': { ...bearer, issuers: ['lost'] },
          '/opaque/*': introspected('opaque'),
          '/down/*': introspected('down'),
          '/open/*': { ...introspected('open'), require: { scopes: { all: ['read'] } } },
          '/session/*': { authenticate: ['session'] },
          '/key/*': { authenticate: ['apiKey'] },
          '/limit-key/*': { authenticate: ['apiKey'], rateLimit: 'validation' },
          '/denied/*': { authenticate: 'none', ...LISTS },
          '/scopes/*': { ...bearer, require: { scopes: { all: ['admin'] } } },
          '/roles/*': { ...bearer, require: { roles: { any: ['owner'] } } },
          '/issuers/*': {
            ...bearer,
            issuers: ['main', 'strict'],
            require: { issuers: ['strict'] },
          },
          '/claims/*': { ...bearer, require: { claims: [{ claim: 'email', matches: '*@corp' }] } },
          '/tenants/*': { ...bearer, issuers: ['main', 'strict'], tenant: 'required' },
          '/limit-address/*': limited('address'),
          '/limit-global/*': limited('global'),
          '/limit-user/*': limited('user'),
          '/limit-validation/*': { ...bearer, rateLimit: 'validation' },
          '/shadow/*': { ...bearer, mode: 'shadow' },
        }).map(([path, settings]) => [path, { tenant: 'none', ...settings }]),
      ),
    })
  }
}

export type Asked = Partial<ExplainQuestion>

export const bearer = (token: string): Asked => ({ headers: ['authorization', `Bearer ${token}`] })
export const cookie = (value: string): Asked => ({ headers: ['cookie', `sid=${value}`] })
export const apiKey = (key: string) => (): Asked => ({ headers: ['x-api-key', key] })
export const form = (body: string, clientAddress = '192.0.2.9'): Asked => ({
  method: 'POST',
  headers: ['content-type', 'application/x-www-form-urlencoded'],
  body,
  clientAddress,
})

/**
 * What takes a race, too much load, too many keys or another format of sessions, and what an
 * upstream or a body does.
 */
export const NOT_OF_A_DECISION: readonly RefusalReason[] = [
  ...(['decision_peer_untrusted', 'decision_call_malformed'] as const),
  ...(['token_kind_not_accepted', 'key_withdrawn', 'key_without_place'] as const),
  ...(['verification_failed', 'verification_overloaded', 'verification_crowded'] as const),
  ...(['session_cookie_foreign', 'session_undated'] as const),
  ...(['body_malformed', 'body_too_large', 'body_too_slow', 'body_memory_full'] as const),
  'upstream_crowded',
  ...(['upstream_unreachable', 'upstream_connection_lost', 'upstream_protocol_error'] as const),
  ...(['upstream_connect_timeout', 'upstream_timeout'] as const),
]

/** Reason, URL, the request, and what a step must say of the cause. */
export type Case = readonly [RefusalReason, string, () => Asked, RegExp]

/** Of a token of the introspecting issuer, whose subject may be an address. */
export const UNVERIFIED_SUBJECT = { sub: undefined, email: 'a@b.c', email_verified: 'false' }

/** Claims of the wrong type, all of which the rig uses; and what a step says of them. */
export const MISTYPED_CLAIMS: readonly (readonly [
  RefusalReason,
  Record<string, unknown>,
  RegExp,
])[] = [
  ['roles_mistyped', { roles: { a: 1 } }, /no claim roles: present, an object, at "roles"/],
  ['subject_mistyped', { sub: undefined }, /no claim sub: absent/],
  ['client_id_mistyped', { azp: {} }, /no claim clientId: present, an object/],
  ['email_mistyped', { email: {} }, /no claim email: .*, at "email"/],
  ['scopes_mistyped', { scope: 1 }, /no claim scopes: present, a number/],
  ['tenant_mistyped', { tenant_id: {} }, /no claim tenant: .* "tenant_id"/],
  ['organisation_mistyped', { org_id: [1] }, /no claim organisation: .*list/],
  ['jti_mistyped', { jti: 1 }, /no claim jti: present, a number/],
  ['sid_mistyped', { sid: {} }, /no claim sid: present, an object/],
]

export function linesOf({ steps }: Explanation): string {
  return steps.map(({ step, mark, text }) => `${mark} ${step} ${text}`).join('\n')
}
