/** What the admin listener tells in tests that are about the listener. */
import type { AdminSources } from '../../src/admin/admin-endpoints.ts'
import type { LiveSecond, LiveWords } from '../../src/admin/live-sample.ts'
import type { Revocations } from '../../src/admin/revocations.ts'
import { emptyKeySet } from '../../src/keys/key-set.ts'
import { LogoutReplayMemory } from '../../src/revocation/logout-replay-memory.ts'
import { createRevocationBuffer, RevocationIndex } from '../../src/revocation/revocation-index.ts'
import { RevocationScope } from '../../src/revocation/revocation-scope.ts'
import { LogoutTokenVerifier } from '../../src/verifiers/logout/logout-token-verifier.ts'

const index = new RevocationIndex(createRevocationBuffer(10))
/** What was reported as a failure. */
export const adminFailures: unknown[] = []

const LIVE_WORDS: LiveWords = {
  version: '1.2.3',
  node: 'v20.0.0',
  startedAtMs: 0,
  outcomes: [],
  phases: [],
  percentiles: [],
  cacheResults: [],
  reasons: {},
}

/** A second in which nothing happened. */
export const LIVE_SECOND: LiveSecond = {
  sample: null,
  state: {
    ready: true,
    status: 'ready',
    revision: { id: 1, sinceMs: 0, problems: [] },
    residentBytes: 0,
    issuers: [],
    introspection: [],
    upstreams: [],
    threads: { expected: 1, restarts: 0, listeners: [], signatures: null },
    redis: null,
    limits: { counted: 0, locked: 0, capacity: 1, lockouts: 0, fallbacks: 0, evicted: 0 },
    cache: { entries: 0, slotsUsed: 0, slots: 1 },
    revocations: { active: 0, capacity: 1, feed: null },
    tenants: null,
    linesDropped: 0,
  },
  routes: { count: 0, matching: 0, routes: [] },
  events: [],
}

export const adminSources: AdminSources = {
  metrics: () => Promise.resolve('sallyport_ready 1\n'),
  metricsContentType: 'text/plain; version=0.0.4; charset=utf-8',
  readiness: () => ({
    ready: true,
    status: 'ready',
    issuers: [{ issuer: 'main', condition: 'degraded', keys: 'stale' }],
  }),
  status: () => Promise.resolve({ version: '1.2.3' }),
  sessions: () => null,
  revocations: () => revocations,
  reload: () => Promise.resolve({ outcome: 'unchanged', revision: 1, changed: [], problems: [] }),
  live: {
    start: () => ({ words: LIVE_WORDS, history: [], now: LIVE_SECOND }),
    watch: () => () => {},
    routes: () => LIVE_SECOND.routes,
  },
  explanations: { explain: () => Promise.resolve(null), refusals: () => Promise.resolve([]) },
  onAudit: () => undefined,
  onFailure: (error) => void adminFailures.push(error),
}

const revocations: Revocations = {
  scope: new RevocationScope({ issuers: [], sessionLifeMaxSeconds: 3_600, hasApiKeys: true }),
  liftOf: (key) => index.liftOf(key, 1_000),
  verifier: new LogoutTokenVerifier([], {
    keySet: emptyKeySet,
    resolveUnknownKey: () => Promise.resolve('unknown'),
  }),
  replays: new LogoutReplayMemory(),
  nowSeconds: () => 1_000,
  revoke: (entry) => ({ outcome: index.add(entry, 1_000), isSent: Promise.resolve(false) }),
  issuersWithSessions: new Set(),
}
