/**
 * Entry of a listener thread: serves requests until the supervisor ends it, or until it fails.
 *
 * However it ends, its server is closed first: a thread that left with sockets on its event loop
 * would take the whole process with it.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { handleRequest } from '../gateway/handle-request.ts'
import { refuseMalformed } from '../gateway/refuse-malformed.ts'
import { KeyRing } from '../keys/key-ring.ts'
import type { UnknownKeyAnswer } from '../keys/unknown-key-answer.ts'
import type { ListenerSnapshot } from '../observability/listener-metrics.ts'
import { LogBuffer } from '../observability/log-buffer.ts'
import { Logger } from '../observability/logger.ts'
import { describeError } from '../observability/redact.ts'
import { bodyMemory } from '../proxy/body-memory.ts'
import { systemClock } from '../resilience/clock.ts'
import { loadNativeBinary } from '../server/native-binary.ts'
import { boundReceiveBuffers } from '../server/receive-buffer.ts'
import { NativeServer } from '../server/uws-app.ts'
import { assertInvariant } from '../shared-memory/invariant.ts'
import { composeListener, type ListenerParts } from './compose.ts'
import { RemoteSessions } from './memory-sessions.ts'
import { StartError } from './start-error.ts'
import type { FromListener, ListenerStart, ToListener } from './thread-messages.ts'
import { ThreadSignatures } from './thread-signatures.ts'

/** How often a draining thread looks whether its last connection has gone. */
const DRAIN_POLL_MS = 50
/** Beyond the longest JWKS timeout: the supervisor answers before, or is in trouble. */
const ASK_TIMEOUT_MARGIN_MS = 500
const EXIT_FAILED = 1
const BODY_MEMORY_BYTES_MIN = 1_048_576
const NO_REDIS = { open: 0, ready: 0, commands: 0, failures: 0, writes: 0 }

assertInvariant(parentPort !== null, 'a listener thread has a supervisor')
const port = parentPort
const start = workerData as ListenerStart
const { configuration } = start
const questions = new Map<number, (answer: UnknownKeyAnswer) => void>()
let readiness = start.readiness
let questionCount = 0
let isAccepting = true

const logger = new Logger(
  {
    level: configuration.logging.level,
    thread: start.index,
    sink: new LogBuffer(start.log, () => post({ type: 'log_waiting' })),
  },
  systemClock,
)
const keyRing = new KeyRing(
  { keySets: start.keySets, askTimeoutMs: askTimeoutMs() },
  ask,
  systemClock,
)
const memorySessions = new RemoteSessions((question, call) =>
  post({ type: 'store_question', question, call }),
)
const signatures = new ThreadSignatures({
  thread: start.index,
  issuers: configuration.issuers,
  logger,
  onProof: (proof) => post({ type: 'signature_proof', proof }),
})
bodyMemory.bound(
  Math.max(
    BODY_MEMORY_BYTES_MIN,
    configuration.tuning.bodyMemoryBytes / configuration.tuning.listenerThreads,
  ),
)
const parts: ListenerParts = composeListener(start, {
  keyRing,
  logger,
  clock: systemClock,
  readiness: () => readiness,
  memorySessions,
  onRedisState: (state) => post({ type: 'redis_state', state }),
  onWorkerProved: (proof) => signatures.proved(proof),
  onWorkerLost: (loss, error) => signatures.lost(loss, error),
})
const { gateway } = parts
const server = new NativeServer(loadNativeBinary(start.nativeBinary), {
  limits: configuration.server.limits,
  tls: configuration.server.tls,
  onRequest: (exchange) => handleRequest(gateway, exchange),
  renderRefusal: (reason) => refuseMalformed(gateway, reason),
  onError: (error) =>
    logger.log({ event: 'unexpected_failure', where: 'request', ...describeError(error) }),
})

// Runs for every way in which this thread can end, an uncaught exception included.
process.on('exit', () => server.closeAll())
process.on('uncaughtException', (error) => {
  try {
    // Into shared memory: the supervisor has it when this thread is gone.
    logger.log({ event: 'unexpected_failure', where: 'listener', ...describeError(error) })
  } finally {
    process.exit(EXIT_FAILED)
  }
})
port.on('message', receive)
if (start.readiness.status === 'draining') server.setDraining()
await listen()

async function listen(): Promise<void> {
  try {
    // Or the first sessions would be refused while everything is well. A Redis that is down must
    // not hold up everything else.
    const [problem] = await Promise.all([
      signatures.startProblem(parts.signatures),
      parts.redis?.whenReady(configuration.redis?.connectTimeoutMs ?? 0),
    ])
    if (problem !== null) throw new StartError(problem)
    if (!isAccepting) return
    await server.listen(start.host, start.port, { isExclusive: false })
    boundReceiving()
    post({ type: 'listening' })
  } catch (error) {
    post({ type: 'failed', message: error instanceof Error ? error.message : String(error) })
    process.exit(EXIT_FAILED)
  }
}

/** Before the first turn of the event loop in which a connection could be accepted. */
function boundReceiving(): void {
  const { receiveBufferBytes } = configuration.tuning
  if (receiveBufferBytes === 0) return
  const reason = boundReceiveBuffers(start.port, receiveBufferBytes)
  // Once is enough: the reason is the same for every thread.
  if (reason !== null && start.index === 0) {
    logger.log({ event: 'receive_buffer_unbounded', reason })
  }
}

function receive(message: ToListener): void {
  switch (message.type) {
    case 'key_set':
      keyRing.update(message.keySet)
      break
    case 'tenants':
      parts.tenants.apply(message.change)
      break
    case 'signing_keys':
      parts.internalTokens?.useKeys(message.keys)
      break
    case 'readiness':
      readiness = message.readiness
      if (readiness.status === 'draining') server.setDraining()
      break
    case 'unknown_key_answer':
      questions.get(message.question)?.(message.answer)
      questions.delete(message.question)
      break
    case 'store_answer':
      memorySessions.answered(message.question, message.reply)
      break
    case 'snapshot_request':
      post({ type: 'snapshot', question: message.question, snapshot: snapshot() })
      break
    case 'stop_accepting':
      isAccepting = false
      void server.stopAccepting().then(reportWhenDrained)
      break
    case 'end':
      process.exit(0)
  }
}

function ask(issuerName: string, keyId: string | null): Promise<UnknownKeyAnswer> {
  return new Promise((resolve) => {
    const question = questionCount
    questionCount += 1
    questions.set(question, resolve)
    post({ type: 'unknown_key', question, issuerName, keyId })
  })
}

function snapshot(): ListenerSnapshot {
  const stats = parts.upstreams.map((upstream) => upstream.stats)
  const redis = parts.redis?.stats ?? NO_REDIS
  return gateway.metrics.snapshot({
    caches: parts.verdicts.cacheCounts,
    verificationQueueDepth: parts.signatures.queueDepth,
    counts: {
      verificationBatches: parts.signatures.batchCount,
      verificationTokens: parts.signatures.tokenCount,
      verificationThreadsLost: parts.signatures.workerFailureCount,
      introspectionAttempts: parts.introspection.attempts(),
      redisCommands: redis.commands,
      redisFailures: redis.failures,
      redisWrites: redis.writes,
    },
    redis: { open: redis.open, ready: redis.ready },
    openConnections: server.connectionCount,
    upstreamPending: parts.upstreams.map((upstream) => upstream.pending),
    upstreamEjected: stats.map(({ targets }) => targets.filter(({ ejected }) => ejected).length),
  })
}

/** Idle connections are closed by the native server within seconds; the others are still served. */
function reportWhenDrained(): void {
  if (server.connectionCount === 0) post({ type: 'drained' })
  else setTimeout(reportWhenDrained, DRAIN_POLL_MS)
}

function askTimeoutMs(): number {
  const timeouts = configuration.issuers.map(({ keys }) =>
    keys.kind === 'jwks' ? keys.timeoutMs : 0,
  )
  return Math.max(0, ...timeouts) + ASK_TIMEOUT_MARGIN_MS
}

function post(message: FromListener): void {
  port.postMessage(message)
}
