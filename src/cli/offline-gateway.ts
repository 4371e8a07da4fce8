/**
 * A gateway without a server, for `explain`: the parts of a listener thread and of its supervisor
 * in this process, with small memory. Keys are fetched as the gateway does; Redis and introspection
 * endpoints are asked as it would. Nothing is listened on, and nothing is written: not to the disk
 * cache, not to the spool of revocations, not to the log.
 */
import type { GatewayConfiguration } from '../config/sections.ts'
import type { ExplainQuestion, Explanation } from '../gateway/explanation.ts'
import { KeyRing } from '../keys/key-ring.ts'
import { composeListener } from '../listener/compose.ts'
import { Explainer } from '../listener/explainer.ts'
import { RemoteSessions } from '../listener/remote-sessions.ts'
import { needSignatures } from '../listener/signature-problem.ts'
import { createThreadMemory } from '../listener/thread-memory.ts'
import { Logger } from '../observability/logger.ts'
import type { TraceStep } from '../protocol/trace.ts'
import { systemClock } from '../runtime/clock.ts'
import { KeyGenerationAllocator } from '../shared-memory/key-generations.ts'
import { withKeyStandings } from '../supervisor/explain-keys.ts'
import { IssuerKeys } from '../supervisor/issuer-keys.ts'
import { createBuffers } from '../supervisor/shared-buffers.ts'
import { SupervisorStores } from '../supervisor/supervisor-stores.ts'
import { createIntrospectionMemory } from '../threads/introspection-memory.ts'
import type { ComposedStart, SharedBuffers } from '../threads/listener-start.ts'

const CACHE_MIB = 1
const REVOCATIONS_MAX = 1_024
const SIGNATURES_START_MS = 10_000
const ASK_TIMEOUT_MS = 60_000

export interface OfflineGateway {
  /** What listener threads share, for who has to put something there. */
  readonly buffers: SharedBuffers
  explain(question: ExplainQuestion): Promise<Explanation>
  close(): Promise<void>
}

/** Settles when each issuer and Redis were asked once, whether they answered or not. */
export async function openOfflineGateway(given: GatewayConfiguration): Promise<OfflineGateway> {
  const configuration = smallOf(given)
  const buffers = createBuffers(configuration)
  const sink = { append: () => undefined }
  const logger = new Logger({ level: 'error', thread: null, sink, alerts: null }, systemClock)
  const keys = new IssuerKeys(configuration, {
    generations: new KeyGenerationAllocator(buffers.keyGenerations),
    clock: systemClock,
    onKeySet: (keySet) => keyRing.update(keySet),
    onSources: () => undefined,
    onEvent: () => undefined,
  })
  const keyRing = new KeyRing(
    { keySets: keys.keySets(), askTimeoutMs: ASK_TIMEOUT_MS },
    (sourceId, keyId) => keys.resolveUnknownKey(sourceId, keyId),
    systemClock,
  )
  const stores = new SupervisorStores(configuration, {
    revocations: buffers.revocations,
    learntRevocations: buffers.learntRevocations,
    keys,
    logger,
    onTenants: (change) => parts.tenants.apply(change),
    onRevocationsLearnt: () => undefined,
  })
  const memory = createThreadMemory({ index: 0, buffers })
  const parts = composeListener(startOf(configuration, buffers, stores), {
    memory,
    keyRing,
    logger,
    clock: systemClock,
    readiness: () => NEVER_READY,
    memorySessions: new RemoteSessions(async (call) => {
      return { kind: 'replied', reply: await stores.sessions.answer(call) }
    }),
    onRedisState: () => undefined,
    onClaimPathUnmet: () => undefined,
    onWorkerProved: () => undefined,
    onWorkerLost: () => undefined,
  })
  await Promise.all([
    keys.start(),
    stores.start(),
    parts.redis?.whenReady(configuration.redis?.connectTimeoutMs ?? 0),
    needSignatures(configuration.issuers) && parts.signatures.whenStarted(SIGNATURES_START_MS),
  ])
  const explainer = new Explainer({
    current: () => parts,
    requestLimits: configuration.server.limits,
    keptFields: new Set(configuration.server.keepHeaders),
  })
  return {
    buffers,
    async explain(question) {
      const explained = await explainer.explain(question)
      const complete = withKeyStandings(explained, configuration, keys.statuses())
      return { ...complete, steps: [...offlineSteps(given), ...complete.steps] }
    },
    async close() {
      memory.metrics.stop()
      await parts.lease.release()
      await keys.stop()
      await stores.stop()
    },
  }
}

const NEVER_READY = { ready: false, status: 'not_listening', issuers: [] } as const

/** The same decisions with less memory, and without what would write something. */
function smallOf(given: GatewayConfiguration): GatewayConfiguration {
  return {
    ...given,
    cache: { ...given.cache, sizeMiB: CACHE_MIB },
    // To follow the log of revocations is to take part in it.
    revocation: {
      ...given.revocation,
      capacity: REVOCATIONS_MAX,
      redis: false,
      spoolDirectory: null,
    },
    issuers: given.issuers.map((issuer) => {
      const { keys } = issuer
      return keys.kind === 'jwks' ? { ...issuer, keys: { ...keys, diskCache: null } } : issuer
    }),
    tuning: {
      ...given.tuning,
      listenerThreads: 1,
      verifyThreads: 1,
      redisConnectionsMin: 1,
      redisConnectionsMax: 1,
    },
  }
}

function startOf(
  configuration: GatewayConfiguration,
  buffers: SharedBuffers,
  stores: SupervisorStores,
): ComposedStart {
  return {
    index: 0,
    revisionId: 1,
    configuration,
    introspection: createIntrospectionMemory(configuration),
    buffers,
    signingKeys: null,
    tenants: stores.tenants.whole(configuration),
  }
}

/** What only the gateway that runs knows. */
function offlineSteps({ revocation, sessions, rateLimits }: GatewayConfiguration): TraceStep[] {
  const unknown = [
    ...(revocation.redis ? ['revocations'] : []),
    ...(sessions?.store === 'memory' ? ['sessions in memory'] : []),
    ...(rateLimits.length > 0 ? ['what limits have counted'] : []),
  ]
  if (unknown.length === 0) return []
  const text = `only a gateway that runs knows ${unknown.join(', ')}: --admin URL asks it`
  return [{ step: 'request', mark: 'note', text }]
}
