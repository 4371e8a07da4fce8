/**
 * Entry of a listener thread: serves requests until the supervisor ends it, or until it fails.
 *
 * However it ends, its server is closed first: a thread that left with sockets on its event loop
 * would take the whole process with it.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import type { GatewayConfiguration } from '../config/sections.ts'
import type { Readiness } from '../gateway/health.ts'
import { KeyRing, NO_ANSWER } from '../keys/key-ring.ts'
import type { UnknownKeyAnswer } from '../keys/unknown-key-answer.ts'
import type {
  ListenerGauges,
  ListenerSnapshot,
  RedisReading,
  TrafficReading,
} from '../observability/listener-metrics.ts'
import { LogBuffer } from '../observability/log-buffer.ts'
import { Logger } from '../observability/logger.ts'
import { describeError } from '../observability/redact.ts'
import { bodyMemory } from '../proxy/body-memory.ts'
import { assertInvariant } from '../runtime/assert-invariant.ts'
import { systemClock } from '../runtime/clock.ts'
import { boundReceiveBuffers } from '../server/receive-buffer.ts'
import { certificateDigest } from '../threads/certificate-digest.ts'
import type { ListenerStart, RevisionPlan } from '../threads/listener-start.ts'
import type { CertificateFiles, ListenerMessages, SupervisorMessages } from '../threads/messages.ts'
import { StartError } from '../threads/start-error.ts'
import { ThreadChannel } from '../threads/thread-channel.ts'
import {
  composeListener,
  createGateway,
  type ListenerParts,
  type ListenerSurroundings,
} from './compose.ts'
import { Explainer } from './explainer.ts'
import { readUpstream } from './read-upstream.ts'
import { RemoteSessions, STORE_TIMEOUT_MS } from './remote-sessions.ts'
import { createThreadMemory } from './thread-memory.ts'
import { ThreadRevisions } from './thread-revisions.ts'
import { ThreadServers } from './thread-servers.ts'
import { ThreadSignatures } from './thread-signatures.ts'

type Channel = ThreadChannel<ListenerMessages, SupervisorMessages>

/** How often a draining thread looks whether its last connection has gone. */
const DRAIN_POLL_MS = 50
/** Beyond the longest JWKS timeout: the supervisor answers before, or is in trouble. */
const ASK_TIMEOUT_MARGIN_MS = 500
const EXIT_FAILED = 1
const BODY_MEMORY_BYTES_MIN = 1_048_576
const MS_PER_SECOND = 1_000
const FILES_CHANGED = 'they have changed meanwhile'

assertInvariant(parentPort !== null, 'a listener thread has a supervisor')
const port = parentPort
const start = workerData as ListenerStart
const { configuration } = start
let readiness = start.readiness
let isAccepting = true

const channel: Channel = new ThreadChannel<ListenerMessages, SupervisorMessages>(port, {
  notices: {
    key_set: (keySet) => keyRing.update(keySet),
    tenants: (change) => {
      for (const registry of distinct(({ tenants }) => tenants)) registry.apply(change)
    },
    signing_keys: (keys) => {
      for (const tokens of distinct(({ internalTokens }) => internalTokens)) tokens?.useKeys(keys)
    },
    readiness: (told) => useReadiness(told),
    use_certificate: () => servers.certificates.useCertificate(),
    drop_certificate: () => servers.certificates.dropCertificate(),
    key_sources: (sourceIds) => keyRing.keepOnly(sourceIds),
    drop_revision: (revisionId) => revisions.drop(revisionId),
    end: () => process.exit(0),
  },
  requests: {
    snapshot,
    traffic,
    drain,
    explain: (question) => contained('explain', () => explainer.explain(question), null),
    refusals: (requestId) => gateway.recentRefusals.find(requestId),
    prepare_revision: (plan) =>
      contained('reload', () => revisions.prepare(plan), 'it failed, and the log says more'),
    prepare_certificate: prepareCertificate,
    commit_revision: (revisionId) => revisions.commit(revisionId),
  },
})
const logWaits = () => channel.notify('log_waiting', null)
const logger = new Logger(
  {
    level: configuration.logging.level,
    thread: start.index,
    sink: new LogBuffer(start.log, logWaits),
    alerts: start.alerts && new LogBuffer(start.alerts, logWaits),
  },
  systemClock,
)
const keyRing = new KeyRing(
  { keySets: start.keySets, askTimeoutMs: askTimeoutMs(configuration) },
  askAboutKey,
  systemClock,
)
const memorySessions = new RemoteSessions((call) =>
  channel.ask('session_store', call, STORE_TIMEOUT_MS),
)
const signatures = new ThreadSignatures({
  thread: start.index,
  logger,
  onProof: (proof) => channel.notify('signature_proof', proof),
})
bodyMemory.bound(
  Math.max(
    BODY_MEMORY_BYTES_MIN,
    configuration.tuning.bodyMemoryBytes / configuration.tuning.listenerThreads,
  ),
)
const memory = createThreadMemory(start)
const around: ListenerSurroundings = {
  memory,
  keyRing,
  logger,
  clock: systemClock,
  readiness: () => readiness,
  memorySessions,
  onRedisState: (state) => channel.notify('redis_state', state),
  onClaimPathUnmet: (path) => channel.notify('claim_path_unmet', path),
  onWorkerProved: (proof) => signatures.proved(proof),
  onWorkerLost: (loss, error) => signatures.lost(loss, error),
}
const first = composeListener(start, around)
const gateway = createGateway(first.revision, around)
const revisions = new ThreadRevisions(first, {
  gateway,
  compose: (plan) => composeListener({ ...start, ...plan }, around),
  startProblem,
  onCommit: useSettings,
})
useSettings(start)
const keptFields: ReadonlySet<string> = new Set(configuration.server.keepHeaders)
const explainer = new Explainer({
  current: () => revisions.current,
  requestLimits: configuration.server.limits,
  keptFields,
})
const servers = new ThreadServers(start, gateway)

// Runs for every way in which this thread can end, an uncaught exception included.
process.on('exit', () => servers.closeAll())
process.on('uncaughtException', (error) => {
  try {
    // Into shared memory: the supervisor has it when this thread is gone.
    logger.log({ event: 'unexpected_failure', where: 'listener', ...describeError(error) })
  } finally {
    process.exit(EXIT_FAILED)
  }
})
if (start.readiness.status === 'draining') servers.setDraining()
await listen()

async function listen(): Promise<void> {
  try {
    // Or the first sessions would be refused while everything is well.
    const problem = await startProblem(first, start)
    if (problem !== null) throw new StartError(problem)
    if (!isAccepting) return
    await servers.listen()
    boundReceiving()
    channel.notify('listening', null)
  } catch (error) {
    channel.notify('failed', error instanceof Error ? error.message : String(error))
    process.exit(EXIT_FAILED)
  }
}

/** Waits for what has to be there before requests are; a Redis that is down is not waited for. */
async function startProblem(
  { signatures: pool, redis }: ListenerParts,
  plan: RevisionPlan,
): Promise<string | null> {
  const [problem] = await Promise.all([
    signatures.startProblem(pool, plan.configuration.issuers),
    redis?.whenReady(plan.configuration.redis?.connectTimeoutMs ?? 0),
  ])
  return problem
}

/** The server reads the files itself, so they are compared before and after. */
function prepareCertificate({ digest, ...files }: CertificateFiles): string | null {
  try {
    if (certificateDigest(files) !== digest) return FILES_CHANGED
    servers.certificates.prepareCertificate(files)
    if (certificateDigest(files) === digest) return null
  } catch {
    // It says no more than that it failed.
    return 'the server does not take them'
  }
  servers.certificates.dropCertificate()
  return FILES_CHANGED
}

/** A defect that a call meets ends neither this thread nor, one by one, all that are asked next. */
async function contained<Reply>(
  where: string,
  call: () => Promise<Reply>,
  otherwise: Reply,
): Promise<Reply> {
  try {
    return await call()
  } catch (error) {
    logger.log({ event: 'unexpected_failure', where, ...describeError(error) })
    return otherwise
  }
}

/** Settings of what the thread has whatever its revision is. */
function useSettings({ configuration: settings }: RevisionPlan): void {
  memory.refusals.keepFor(Math.floor(settings.cache.refusalTtlMs / MS_PER_SECOND))
  keyRing.askWithin(askTimeoutMs(settings))
}

/** The parts of one kind of all revisions, which may share them. */
function distinct<Part>(partOf: (parts: ListenerParts) => Part): Set<Part> {
  return new Set([...revisions.live].map(partOf))
}

/**
 * Before the first turn of the event loop in which a connection could be accepted. node:http never
 * reads more at once than it is told.
 */
function boundReceiving(): void {
  const { receiveBufferBytes } = configuration.tuning
  if (receiveBufferBytes === 0) return
  for (const place of [start.main, start.decision]) {
    if (place?.engine.kind !== 'native') continue
    const reason = boundReceiveBuffers(place.port, receiveBufferBytes)
    // Once is enough: the reason is the same for every thread.
    if (reason !== null && start.index === 0) {
      logger.log({ event: 'receive_buffer_unbounded', reason })
    }
  }
}

function useReadiness(told: Readiness): void {
  readiness = told
  if (readiness.status === 'draining') servers.setDraining()
}

async function askAboutKey(sourceId: string, keyId: string | null): Promise<UnknownKeyAnswer> {
  const { askTimeoutMs: timeoutMs } = keyRing
  const answered = await channel.ask('unknown_key', { sourceId, keyId }, timeoutMs)
  return answered.kind === 'replied' ? answered.reply : NO_ANSWER
}

function snapshot(): ListenerSnapshot {
  return memory.metrics.snapshot(gauges())
}

function traffic(): TrafficReading {
  return memory.metrics.traffic(gauges())
}

function gauges(): ListenerGauges {
  const redis = memory.redisClients.sum()
  const { current } = revisions
  const { fallbacks, lockouts } = memory.limitCounters
  const { evicted, untracked } = memory.cells.counters
  return {
    caches: { token: memory.tokenCaches.sum(), refusal: memory.refusals.counters },
    verificationQueueDepth: current.signatures.queueDepth,
    counts: {
      verificationBatches: current.signatures.batchCount,
      verificationTokens: current.signatures.tokenCount,
      verificationThreadsLost: current.signatures.workerFailureCount,
      introspectionAttempts: memory.introspectionClients.sum().attemptCount,
      corsPreflights: memory.metrics.preflightCount,
      redisCommands: redis.commands,
      redisFailures: redis.failures,
      redisWrites: redis.writes,
      rateLimitFallbacks: fallbacks,
      lockouts,
      rateLimitKeysEvicted: evicted,
      rateLimitKeysUntracked: untracked,
      requestFieldsDropped: servers.droppedFieldCount,
    },
    redis: redisConnections(),
    openConnections: servers.connectionCount,
    upstreams: [...current.upstreams.values()].map(readUpstream),
    upstreamCounts: memory.upstreamCounts.all(),
    upstreamFailures: memory.upstreamFailures.all(),
    introspection: memory.introspectionResults.all(),
    revisions: revisions.live.size,
    securityEvents: logger.securityCounts,
  }
}

function redisConnections(): RedisReading {
  const stats = [...distinct(({ redis }) => redis)].flatMap((it) => (it === null ? [] : it.stats))
  return {
    open: stats.reduce((sum, { open }) => sum + open, 0),
    ready: stats.reduce((sum, { ready }) => sum + ready, 0),
  }
}

/** Idle connections are closed by the server within seconds; the others are still served. */
async function drain(): Promise<null> {
  isAccepting = false
  await servers.stopAccepting()
  while (servers.connectionCount > 0) await delay(DRAIN_POLL_MS)
  return null
}

function askTimeoutMs({ issuers }: GatewayConfiguration): number {
  const timeouts = issuers.map(({ keys }) => (keys.kind === 'jwks' ? keys.timeoutMs : 0))
  return Math.max(0, ...timeouts) + ASK_TIMEOUT_MARGIN_MS
}
