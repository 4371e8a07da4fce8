/** What the admin listener tells in tests that are about the listener. */
import type { AdminSources } from '../../src/admin/admin-endpoints.ts'
import type { Revocations } from '../../src/admin/revocations.ts'
import { emptyKeySet } from '../../src/keys/key-set.ts'
import { LogoutReplayMemory } from '../../src/revocation/logout-replay-memory.ts'
import { createRevocationBuffer, RevocationIndex } from '../../src/revocation/revocation-index.ts'
import { RevocationScope } from '../../src/revocation/revocation-scope.ts'
import { LogoutTokenVerifier } from '../../src/verifiers/logout/logout-token-verifier.ts'

const index = new RevocationIndex(createRevocationBuffer(10))
/** What was reported as a failure. */
export const adminFailures: unknown[] = []

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
