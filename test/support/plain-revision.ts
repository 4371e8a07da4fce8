/**
 * A revision that decides without a server, a thread or a network: the real parts of a listener,
 * with signatures checked in place, sessions in memory, and the answers of an introspection
 * endpoint given by the test.
 */
import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { AUTHORIZATION_BEARER } from '../../src/credentials/credential-source.ts'
import { CredentialExtractor } from '../../src/credentials/extract-credential.ts'
import type { AuthenticationMethod, Revision, RouteRules } from '../../src/decision/revision.ts'
import { OriginList } from '../../src/http/origin-list.ts'
import { processIntrospectionResponse } from '../../src/protocol/introspection-response.ts'
import { EVERY_PART_USED, storedUserOf } from '../../src/protocol/stored-user.ts'
import { EMPTY_IDENTITY } from '../../src/protocol/verification.ts'
import {
  createLearntRevocationsBuffer,
  LearntRevocations,
} from '../../src/revocation/learnt-revocations.ts'
import { createRevocationBuffer, RevocationIndex } from '../../src/revocation/revocation-index.ts'
import { RevocationReader } from '../../src/revocation/revocation-reader.ts'
import { compileRoutes } from '../../src/routing/compile-routes.ts'
import { TenantResolver } from '../../src/tenants/resolve-tenant.ts'
import { TenantRegistry } from '../../src/tenants/tenant-registry.ts'
import { ApiKeyAuthenticator } from '../../src/verifiers/api-key/api-key-authenticator.ts'
import { ApiKeyList } from '../../src/verifiers/api-key/api-key-list.ts'
import type { ApiKeyRecord } from '../../src/verifiers/api-key/api-key-record.ts'
import {
  type Introspector,
  TokenAuthenticator,
} from '../../src/verifiers/bearer-token/token-authenticator.ts'
import { compileTokenProfile } from '../../src/verifiers/bearer-token/verification-profile.ts'
import { JwtVerifier } from '../../src/verifiers/jwt/jwt-verifier.ts'
import { createOpensslVerifier } from '../../src/verifiers/jwt/openssl-backend.ts'
import type { SignatureChecker } from '../../src/verifiers/jwt/signature-pool.ts'
import { MemorySessionStore } from '../../src/verifiers/session/memory-session-store.ts'
import { sallyportFormat } from '../../src/verifiers/session/sallyport-format.ts'
import { SessionAuthenticator } from '../../src/verifiers/session/session-authenticator.ts'
import {
  type SessionFirstSights,
  SessionVerifier,
} from '../../src/verifiers/session/session-verifier.ts'
import { createGenerations } from './generations.ts'
import { ISSUER_POLICY } from './jwt-policy.ts'
import { ManualClock } from './manual-clock.ts'
import { ISSUER, type MintingKey, mintKey, NOW_SECONDS } from './mint-token.ts'
import { createLimiter, limitOf } from './request-origin.ts'
import { requirementOf } from './route-requirement.ts'
import { createVerdicts } from './shared-verdicts.ts'
import { StaticKeySource } from './static-key-source.ts'
import { tenant } from './tenants.ts'

const TOKEN_LENGTH_MAX = 4_096
const COOKIE_LENGTH_MAX = 512
const DAY_SECONDS = 86_400

export const SESSION_COOKIE = 'sid'
export const API_KEY = 'a-key-of-the-list'
/** Good, but not from {@link DENIED_ADDRESS}. */
export const LISTED_API_KEY = 'a-key-for-few-addresses'
export const EXPIRED_API_KEY = 'a-key-that-has-ended'
export const LIVE_SESSION = 'live-session-0123456789'
export const OLD_SESSION = 'old-session-0123456789'
export const VISITOR_SESSION = 'visitor-session-0123456789'
export const ORIGIN = 'https://app.example.com'
/** What routes, tenants and keys with lists deny; they admit the rest of its /24. */
export const DENIED_ADDRESS = '203.0.113.66'
const LISTS = { allowFrom: ['203.0.113.0/24'], denyFrom: [DENIED_ADDRESS] }

/** Sets up everything anew; nothing is shared between two of them. */
export async function createPlainRevision() {
  const clock = new ManualClock(NOW_SECONDS * 1_000)
  const revocationBuffer = createRevocationBuffer(30)
  const key = mintKey('ES256', 'ec')
  const sessions = new MemorySessionStore(clock)
  await sessions.set(LIVE_SESSION, SESSION_RECORD, DAY_SECONDS)
  await sessions.set(OLD_SESSION, JSON.stringify({ userId: 'bob', createdAt: 1 }), DAY_SECONDS)
  await sessions.set(VISITOR_SESSION, JSON.stringify({ createdAt: NOW_SECONDS }), DAY_SECONDS)
  const methods = createMethods(key, sessions, clock)
  const registry = new TenantRegistry(
    [{ name: 'main', issuer: ISSUER, placeholder: null }],
    [
      tenant('acme'),
      tenant('globex'),
      tenant('closed', { status: 'suspended' }),
      tenant('listed', LISTS),
    ],
  )
  const resolver = new TenantResolver([{ from: 'path', pattern: '/tenants/{tenant}/*' }])
  const policy = { required: true, readsClaim: false, allowTokensWithoutTenant: false }
  const byClaim = new TenantResolver([{ from: 'claim' }])
  const claimed = { ...policy, readsClaim: true }
  const limiter = createLimiter(clock)
  const routes: readonly (readonly [string, Partial<RouteRules>])[] = [
    ['/listed/*', { authentication: 'none', ...LISTS }],
    ['/listed-token/*', LISTS],
    ['/claim/*', { tenants: { resolver: byClaim, registry, policy: claimed } }],
    ['/token/*', {}],
    ['/admin/*', { requirement: requirementOf({ scopesAll: ['admin'] }) }],
    ['/owner/*', { requirement: requirementOf({ rolesAll: ['owner'] }) }],
    ['/open/*', { authentication: 'none' }],
    ['/optional/*', { authentication: 'optional', methods: [methods.session, methods.token] }],
    ['/session/*', { methods: [methods.session], absent: 'session_absent' }],
    ['/key/*', { methods: [methods.apiKey] }],
    ['/opaque/*', { methods: [methods.opaque] }],
    ['/tenants/*', { tenants: { resolver, registry, policy } }],
    ['/counted/*', { authentication: 'none', limits: limiter.compile(COUNTED) }],
  ]
  const learntRevocations = new LearntRevocations(createLearntRevocationsBuffer())
  const revision: Revision<RouteRules> = {
    id: 1,
    routes: compileRoutes(
      routes.map(([path, part]) => ({
        match: { path, host: null, methods: [], isCaseSensitive: false, keptForms: 0 },
        target: { ...DEFAULT_RULES, methods: [methods.token], ...part },
      })),
      [],
    ),
    revocations: new RevocationReader(revocationBuffer),
    learntRevocations,
    clock,
    limiter,
  }
  const revoked = new RevocationIndex(revocationBuffer)
  return { revision, limiter, clock, key, revoked, learntRevocations, registry }
}

/** Two requests of an address and one of a user an hour, and no guess but one. */
const COUNTED = limitOf({
  field: 'username',
  perAddress: { count: 2, periodSeconds: 3_600, burst: 2, isFleet: false },
  perUsername: { count: 1, periodSeconds: 3_600, burst: 1, isFleet: false },
  failuresPerAddress: { threshold: 1, lockoutMs: 60_000, windowMs: 60_000, isFleet: false },
})

const DEFAULT_RULES: Omit<RouteRules, 'methods'> = {
  name: 'plain',
  authentication: 'required',
  allowFrom: [],
  denyFrom: [],
  absent: 'credential_absent',
  requirement: requirementOf(),
  requiresNothing: true,
  tenants: null,
  limits: null,
  allowedOrigins: new OriginList([ORIGIN]),
  checksSite: true,
}

const SESSION_RECORD = JSON.stringify({ userId: 'alice', createdAt: NOW_SECONDS })

/** Signatures are checked at once, in this thread. */
const SIGNATURES: SignatureChecker = {
  submit(token, key, algorithm, settle) {
    const verdict = createOpensslVerifier({ ...key.material, algorithm }).verify(token)
    settle(verdict === 'failed' ? 'unavailable' : verdict)
  },
}

interface Methods {
  readonly token: AuthenticationMethod
  readonly opaque: AuthenticationMethod
  readonly session: AuthenticationMethod
  readonly apiKey: AuthenticationMethod
}

function createMethods(key: MintingKey, store: MemorySessionStore, clock: ManualClock): Methods {
  const { table: keys, allocator } = createGenerations()
  const place = allocator.allocate()
  assert.ok(place !== null)
  const generation = { generationSlot: place.slot, generation: place.generation }
  const parts = {
    verdicts: createVerdicts(keys, clock, DAY_SECONDS),
    jwt: new JwtVerifier({
      keys: new StaticKeySource().setKeys('main', [{ ...key.verificationKey, ...generation }]),
      signatures: SIGNATURES,
      claimPaths: null,
    }),
    introspector: INTROSPECTOR,
  }
  const bearer = new CredentialExtractor([AUTHORIZATION_BEARER], TOKEN_LENGTH_MAX)
  const jwt = compileTokenProfile({ jwt: [ISSUER_POLICY], introspection: null, answerMsMax: 0 })
  const opaque = compileTokenProfile({ jwt: null, introspection: INTROSPECTION, answerMsMax: 0 })
  const cookie = [{ kind: 'cookie', name: SESSION_COOKIE }] as const
  const header = [{ kind: 'header', name: 'x-api-key', scheme: null }] as const
  return {
    token: {
      extractor: bearer,
      authenticator: new TokenAuthenticator(parts, jwt, null),
      isApiKey: false,
    },
    opaque: {
      extractor: bearer,
      authenticator: new TokenAuthenticator(parts, opaque, null),
      isApiKey: false,
    },
    session: {
      extractor: new CredentialExtractor(cookie, COOKIE_LENGTH_MAX, 'session_cookie_too_long'),
      authenticator: new SessionAuthenticator(createSessions(store), clock),
      isApiKey: false,
    },
    apiKey: {
      extractor: new CredentialExtractor(header, TOKEN_LENGTH_MAX, 'api_key_too_long'),
      authenticator: new ApiKeyAuthenticator(API_KEYS, null, clock),
      isApiKey: true,
    },
  }
}

/** What the endpoint answers is what the token says, in base64url. */
const INTROSPECTOR: Introspector = {
  introspect(token, policy, nowSeconds) {
    const body = Buffer.from(token.text, 'base64url')
    return Promise.resolve(processIntrospectionResponse(body, token.text, policy, nowSeconds))
  },
}

const INTROSPECTION = {
  asks: { endpoint: 'https://idp.example.com/introspect', clientId: 'gateway' },
  policy: { ...ISSUER_POLICY, requireAudience: false },
  asksAboutJwts: false,
  onOutage: 'reject-all',
  cacheTtlSeconds: 10,
  inactiveTtlSeconds: 10,
  staleMaxAgeSeconds: 60,
} as const

const API_KEYS = new ApiKeyList(
  new Map([
    [hash('sha256', API_KEY, 'hex'), apiKeyRecord(null)],
    [hash('sha256', LISTED_API_KEY, 'hex'), { ...apiKeyRecord(null), ...LISTS }],
    [hash('sha256', EXPIRED_API_KEY, 'hex'), apiKeyRecord(NOW_SECONDS)],
  ]),
)

function apiKeyRecord(expiresAtSeconds: number | null): ApiKeyRecord {
  return {
    ...storedUserOf(EMPTY_IDENTITY),
    userId: 'batch',
    expiresAtSeconds,
    claims: {},
    allowFrom: [],
    denyFrom: [],
    rate: null,
  }
}

function createSessions(store: MemorySessionStore): SessionVerifier {
  return new SessionVerifier(store, SIGHTS, {
    format: sallyportFormat(EVERY_PART_USED),
    keyPrefix: '',
    keyHash: 'none',
    ttlSeconds: DAY_SECONDS,
    absoluteTtlSeconds: DAY_SECONDS,
    keepsAbsoluteTtl: true,
  })
}

/** Every session of these says when it began. */
const SIGHTS: SessionFirstSights = {
  of: () => Promise.resolve(null),
  peek: () => Promise.resolve(null),
}
