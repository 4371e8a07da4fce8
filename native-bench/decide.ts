/**
 * What it costs to decide about one request, by what is known of its credential. Run:
 * `node build/native-bench/decide.js`.
 */
import { AUTHORIZATION_BEARER } from '../src/credentials/credential-source.ts'
import { CredentialExtractor } from '../src/credentials/extract-credential.ts'
import { decide } from '../src/decision/decide.ts'
import type { Decision, RequestFacts } from '../src/decision/decision.ts'
import type { Revision, RouteRules } from '../src/decision/revision.ts'
import { OriginList } from '../src/http/origin-list.ts'
import { EMPTY_IDENTITY, type Verified } from '../src/protocol/verification.ts'
import {
  createLearntRevocationsBuffer,
  LearntRevocations,
} from '../src/revocation/learnt-revocations.ts'
import { createRevocationBuffer } from '../src/revocation/revocation-index.ts'
import { RevocationReader } from '../src/revocation/revocation-reader.ts'
import { compileRoutes } from '../src/routing/compile-routes.ts'
import { systemClock } from '../src/runtime/clock.ts'
import {
  createKeyGenerationsBuffer,
  KeyGenerationAllocator,
  KeyGenerations,
} from '../src/shared-memory/key-generations.ts'
import { createInFlightBuffer, InFlight } from '../src/token-cache/in-flight.ts'
import { createRefusalCacheBuffer, RefusalCache } from '../src/token-cache/refusal-cache.ts'
import { createTokenCacheBuffer, TokenCache } from '../src/token-cache/token-cache.ts'
import { tokenDigest } from '../src/token-cache/token-digest.ts'
import { LongLivedTokens } from '../src/verifiers/bearer-token/long-lived-tokens.ts'
import { RefusalDetails } from '../src/verifiers/bearer-token/refusal-details.ts'
import { SharedVerdicts } from '../src/verifiers/bearer-token/shared-verdicts.ts'
import { TokenAuthenticator } from '../src/verifiers/bearer-token/token-authenticator.ts'
import { compileTokenProfile } from '../src/verifiers/bearer-token/verification-profile.ts'
import { createLimiter, originAt } from '../test/support/request-origin.ts'
import { type BenchCase, runBench } from './bench.ts'

const TIMES_PER_ROUND = 100_000
/** Characters of a token: an RS256 one with a dozen claims. */
const TOKEN_LENGTH = 900
const TOKEN_LENGTH_MAX = 8_192

const keyBuffer = createKeyGenerationsBuffer(1)
const keys = new KeyGenerations(keyBuffer)
const key = new KeyGenerationAllocator(keyBuffer).allocate() ?? { slot: 0, generation: 0 }
const verdicts = new SharedVerdicts({
  cache: new TokenCache({ buffer: createTokenCacheBuffer(1), keys, memoEntries: 1_024 }),
  refusals: new RefusalCache({ buffer: createRefusalCacheBuffer(65_536), keys, ttlSeconds: 3_600 }),
  inFlight: new InFlight(createInFlightBuffer()),
  keys,
  clock: systemClock,
  lookups: { countCacheLookup: () => undefined },
  longLived: new LongLivedTokens((issuer) => ({ issuer, lastsSeconds: Number.MAX_VALUE }), {
    security: () => undefined,
  }),
  details: new RefusalDetails([]),
})
const profile = compileTokenProfile({ jwt: null, introspection: null, answerMsMax: 0 })

/** Nothing that is decided here needs to be verified: all of it is known. */
const unasked = () => Promise.reject(new Error('this bench verifies nothing'))
const authenticator = new TokenAuthenticator(
  { verdicts, jwt: { verify: unasked }, introspector: { introspect: unasked } },
  profile,
  null,
)

/** As a listener asks for it: where no list is, it must not be. */
const limiter = createLimiter(systemClock)
const origin = originAt('203.0.113.7', limiter)

/** A thousand ranges, as an operator may write them. */
const ranges = Array.from(
  { length: 1_000 },
  (_, index) => `10.${index >> 2}.${(index & 3) * 64}.0/24`,
)

function rulesOf(part: Partial<RouteRules>): RouteRules {
  return {
    name: 'bench',
    authentication: 'required',
    allowFrom: [],
    denyFrom: [],
    methods: [
      {
        extractor: new CredentialExtractor([AUTHORIZATION_BEARER], TOKEN_LENGTH_MAX),
        authenticator,
        isApiKey: false,
      },
    ],
    absent: 'credential_absent',
    requirement: {
      scopesAll: ['read'],
      scopesAny: [],
      rolesAll: [],
      rolesAny: [],
      claims: [],
      issuers: [],
    },
    requiresNothing: false,
    tenants: null,
    limits: null,
    allowedOrigins: new OriginList([]),
    checksSite: true,
    ...part,
  }
}

const revision: Revision<RouteRules> = {
  id: 1,
  routes: compileRoutes(
    [
      { path: '/public/*', rules: rulesOf({ authentication: 'none' }) },
      {
        path: '/listed/*',
        rules: rulesOf({
          authentication: 'none',
          allowFrom: ['203.0.113.0/24', '2001:db8::/32'],
          denyFrom: ranges,
        }),
      },
      { path: '/*', rules: rulesOf({}) },
    ].map(({ path, rules }) => ({
      match: { path, host: null, methods: [], isCaseSensitive: false, keptForms: 0 },
      target: rules,
    })),
    [],
  ),
  revocations: new RevocationReader(createRevocationBuffer(262_144)),
  learntRevocations: new LearntRevocations(createLearntRevocationsBuffer()),
  clock: systemClock,
  limiter,
}
revision.learntRevocations.markLearnt()

function tokenOf(name: string): string {
  return `${name}.`.padEnd(TOKEN_LENGTH, 'x')
}

function remembered(name: string, scopes: readonly string[]): string {
  const nowSeconds = systemClock.nowSeconds()
  const verified: Verified = {
    kind: 'verified',
    identity: {
      ...EMPTY_IDENTITY,
      issuer: 'https://login.example.com/realms/main',
      subject: '248289761001',
      email: 'person@example.com',
      roles: ['admin', 'billing'],
      scopes,
      tenant: 'acme',
      organisation: null,
      clientId: 'app',
      tokenId: '6f1f2c9e-4c1f-4f3e-9f10-1',
      sessionId: null,
      issuedAtSeconds: nowSeconds,
      expiresAtSeconds: nowSeconds + 3_600,
    },
    deadAtSeconds: nowSeconds + 3_605,
    keySlot: key.slot,
    keyGeneration: key.generation,
  }
  verdicts.keepCopy(tokenDigest(profile.key, tokenOf(name)), verified, nowSeconds)
  return tokenOf(name)
}

/** A browser's fields around the credential. */
function factsOf(path: string, token: string | null): RequestFacts {
  return {
    method: 'GET',
    path,
    query: 'page=1',
    host: 'api.example.com',
    headers: [
      ...['host', 'api.example.com', 'user-agent', 'Mozilla/5.0 (X11; Linux x86_64)'],
      ...['accept', 'application/json', 'accept-language', 'en', 'cookie', 'theme=dark; seen=1'],
      ...(token === null ? [] : ['authorization', `Bearer ${token}`]),
    ],
  }
}

let sink: unknown = null

function deciding(name: string, facts: RequestFacts, expected: string): BenchCase {
  const decision = decide(revision, facts, origin) as Decision<RouteRules>
  const found = decision.kind === 'passed' ? decision.caller : decision.refusal.code
  if (found !== expected) throw new Error(`${name}: ${found}, not ${expected}`)
  return {
    name,
    timesPerRound: TIMES_PER_ROUND,
    run: (times) => {
      for (let index = 0; index < times; index += 1) sink = decide(revision, facts, origin)
    },
  }
}

await runBench('CPU for deciding about one request', [
  deciding(
    'token whose verdict is cached',
    factsOf('/orders', remembered('good', ['read'])),
    'established',
  ),
  deciding(
    'the same, without the scope',
    factsOf('/orders', remembered('poor', [])),
    'insufficient_scope',
  ),
  deciding('no credential', factsOf('/orders', null), 'missing_token'),
  deciding('route that asks for none', factsOf('/public/a', null), 'anonymous'),
  deciding('the same, with address lists', factsOf('/listed/a', null), 'anonymous'),
])
void sink
