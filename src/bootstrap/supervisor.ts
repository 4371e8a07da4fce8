/**
 * The main thread: owns the configuration, the keys, the shared memory and the admin listener, and
 * keeps the listener threads running. No request ever passes through here.
 */
import { AdminApp } from '../admin/admin-app.ts'
import type { GatewayConfiguration } from '../config/sections.ts'
import { judgeReadiness, type Readiness } from '../gateway/health.ts'
import { Exposition } from '../observability/exposition.ts'
import type { Logger } from '../observability/logger.ts'
import { MetricsLedger } from '../observability/metrics-ledger.ts'
import { describeError } from '../observability/redact.ts'
import { systemClock } from '../resilience/clock.ts'
import type { RedisState } from '../resilience/redis-pool.ts'
import type { NativeBinary } from '../server/native-binary.ts'
import { KeyGenerationAllocator } from '../shared-memory/key-generations.ts'
import { readCacheFills } from './cache-fills.ts'
import { claimPort, listenError } from './claim-port.ts'
import { type IntrospectionReading, introspectionReader } from './compose-introspection.ts'
import { drain } from './drain.ts'
import { DrainedThreads } from './drained-threads.ts'
import { setEngineFlags } from './engine-flags.ts'
import { fixedMetrics } from './fixed-metrics.ts'
import { GatewayLog } from './gateway-log.ts'
import { Inquiry } from './inquiry.ts'
import { InternalTokenKeys } from './internal-token-keys.ts'
import { IssuerKeys } from './issuer-keys.ts'
import { logKeyEvent } from './key-events.ts'
import { type ListenerThreads, startListenerThreads } from './listener-threads.ts'
import { nativeBinaryFor } from './native-server-choice.ts'
import { routeSummaries } from './route-summaries.ts'
import type { RunningGateway, SupervisorOptions } from './running-gateway.ts'
import { createBuffers } from './shared-buffers.ts'
import { SignatureStanding } from './signature-standing.ts'
import { StartError } from './start-error.ts'
import { SupervisorStores } from './supervisor-stores.ts'
import type { FromListener, ListenerStart, SharedBuffers } from './thread-messages.ts'
import { untilAborted } from './until-aborted.ts'

/** A listener thread that does not answer a scrape by then is left out of it. */
const SNAPSHOT_TIMEOUT_MS = 1_000

/**
 * Starts everything.
 *
 * @throws (rejects) StartError when the operator must change something first; what `options.stop`
 *   was aborted with when that happens before everything is started. Nothing is left open then.
 */
export async function startSupervisor(
  configuration: GatewayConfiguration,
  options: SupervisorOptions,
): Promise<RunningGateway> {
  setEngineFlags()
  const supervisor = new Supervisor(configuration, options)
  await supervisor.start()
  return supervisor
}

class Supervisor implements RunningGateway {
  port = 0
  adminPort = 0
  readonly nativeBinary: NativeBinary
  readonly #configuration: GatewayConfiguration
  readonly #version: string
  readonly #log: GatewayLog
  readonly #stopped: AbortSignal
  readonly #cut: AbortSignal
  readonly #logger: Logger
  readonly #buffers: SharedBuffers
  readonly #keys: IssuerKeys
  readonly #signingKeys: InternalTokenKeys
  readonly #signatures: SignatureStanding
  readonly #stores: SupervisorStores
  readonly #introspection: () => readonly IntrospectionReading[]
  readonly #admin: AdminApp
  readonly #ledger = new MetricsLedger()
  readonly #exposition = new Exposition(true)
  readonly #snapshots = new Inquiry(SNAPSHOT_TIMEOUT_MS)
  readonly #listening = new Set<number>()
  readonly #drained = new DrainedThreads(this.#listening)
  readonly #redisStates = new Map<number, RedisState>()
  #threads: ListenerThreads | null = null
  #isDraining = false
  #restarts = 0
  #lastReadiness = ''
  #onListening: (() => void) | null = null
  #onListenFailed: ((message: string) => void) | null = null
  #onReady: (() => void)[] = []
  #stopping: Promise<void> | null = null

  constructor(configuration: GatewayConfiguration, options: SupervisorOptions) {
    this.#configuration = configuration
    this.#version = options.version
    this.#stopped = options.stop
    this.#cut = options.cut
    this.nativeBinary = nativeBinaryFor(configuration)
    this.#log = new GatewayLog(configuration)
    this.#logger = this.#log.logger
    this.#signatures = new SignatureStanding(this.#logger)
    this.#buffers = createBuffers(configuration)
    this.#keys = new IssuerKeys(configuration, {
      generations: new KeyGenerationAllocator(this.#buffers.keyGenerations),
      clock: systemClock,
      onKeySet: (keySet) => {
        this.#threads?.broadcast({ type: 'key_set', keySet })
        this.#announceReadiness()
      },
      onEvent: (event, alertOnStale) => logKeyEvent(this.#logger, event, alertOnStale),
    })
    this.#signingKeys = new InternalTokenKeys(configuration, {
      clock: systemClock,
      logger: this.#logger,
      onSnapshot: (keys) => this.#threads?.broadcast({ type: 'signing_keys', keys }),
    })
    this.#stores = new SupervisorStores(configuration, {
      revocations: this.#buffers.revocations,
      learntRevocations: this.#buffers.learntRevocations,
      keys: this.#keys,
      logger: this.#logger,
      onTenants: (change) => {
        this.#threads?.broadcast({ type: 'tenants', change })
        this.#announceReadiness()
      },
      onRevocationsLearnt: () => this.#announceReadiness(),
    })
    this.#introspection = introspectionReader(configuration, this.#buffers.introspection)
    this.#admin = new AdminApp(configuration.admin, {
      metrics: () => this.#metrics(),
      metricsContentType: this.#exposition.contentType,
      readiness: () => this.readiness(),
      status: () => this.#status(),
      sessions: this.#stores.sessions.registry,
      revocations: this.#stores.revocations.revocations,
      onFailure: (error) =>
        this.#logger.log({ event: 'unexpected_failure', where: 'admin', ...describeError(error) }),
    })
  }

  async start(): Promise<void> {
    this.#log.sayWhatStarts(this.#version, this.nativeBinary, this.#configuration)
    const begun = this.#begin()
    try {
      await untilAborted(begun, this.#stopped)
    } catch (error) {
      // Connections and timers that are there already would keep the process alive.
      await this.#end()
      await this.#log.end()
      // A step that had begun may have left something all the same.
      void begun.catch(() => {}).then(() => this.#end())
      throw error
    }
    const { host } = this.#configuration.server
    this.#logger.log({ event: 'listening', host, port: this.port })
    this.#announceReadiness()
  }

  readiness(): Readiness {
    return judgeReadiness({
      isListening: this.#listening.size > 0,
      isDraining: this.#isDraining,
      issuers: this.#keys.health(),
      hasRevocations: this.#stores.revocations.hasLearnt,
      hasTenants: this.#stores.tenants.hasBeenRead,
    })
  }

  whenReady(): Promise<void> {
    if (this.readiness().ready) return Promise.resolve()
    return new Promise((resolve) => this.#onReady.push(resolve))
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#drainAndEnd()
    return this.#stopping
  }

  async #begin(): Promise<void> {
    const { host, port } = this.#configuration.server
    const steps = [
      async () => {
        this.port = await claimPort(host, port)
      },
      () => this.#listenAdmin(),
      () => this.#stores.start(),
      () => this.#signingKeys.start(),
      () => Promise.all([this.#listen(), this.#keys.start()]),
    ]
    for (const step of steps) {
      this.#stopped.throwIfAborted()
      await step()
    }
  }

  async #listenAdmin(): Promise<void> {
    const { host, port } = this.#configuration.admin
    try {
      this.adminPort = await this.#admin.listen()
    } catch (error) {
      throw listenError('admin', host, port, error)
    }
    this.#logger.log({ event: 'admin_listening', host, port: this.adminPort })
  }

  /** Settles when every thread listens for the first time. */
  #listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#onListening = resolve
      this.#onListenFailed = (message) => reject(new StartError(`server: ${message}`))
      this.#threads = startListenerThreads({
        count: this.#configuration.tuning.listenerThreads,
        start: (index) => this.#startOf(index),
        onMessage: (index, message) => this.#receive(index, message),
        onDeath: (index, reason, isReplaced) => this.#mourn(index, reason, isReplaced),
        monotonicMs: () => systemClock.monotonicMs(),
      })
    })
  }

  #startOf(index: number): ListenerStart {
    return {
      index,
      configuration: this.#configuration,
      host: this.#configuration.server.host,
      port: this.port,
      nativeBinary: this.nativeBinary,
      buffers: this.#buffers,
      keySets: this.#keys.keySets(),
      signingKeys: this.#signingKeys.snapshot(),
      readiness: this.readiness(),
      tenants: this.#stores.tenants.whole(),
      log: this.#log.memoryOf(index),
    }
  }

  #receive(index: number, message: FromListener): void {
    switch (message.type) {
      case 'listening':
        this.#listening.add(index)
        this.#logger.log({ event: 'listener_started', thread: index })
        // What happened while the thread was starting was not sent to it.
        this.#sendKeys(index)
        if (this.#listening.size === this.#configuration.tuning.listenerThreads) {
          this.#onListening?.()
          this.#onListenFailed = null
        }
        this.#lastReadiness = ''
        this.#announceReadiness()
        break
      case 'failed':
        this.#onListenFailed?.(message.message)
        break
      case 'unknown_key':
        void this.#answerUnknownKey(index, message)
        break
      case 'store_question':
        void this.#answerStoreQuestion(index, message)
        break
      case 'redis_state':
        this.#noticeRedis(index, message.state)
        break
      case 'signature_proof':
        this.#signatures.update(message.proof)
        break
      case 'snapshot':
        this.#ledger.update(message.snapshot)
        this.#snapshots.answered(message.question, index)
        break
      case 'drained':
        this.#drained.add(index)
        break
      case 'log_waiting':
        this.#log.wake()
        break
    }
  }

  #sendKeys(index: number): void {
    for (const keySet of this.#keys.keySets()) {
      this.#threads?.post(index, { type: 'key_set', keySet })
    }
    const keys = this.#signingKeys.snapshot()
    if (keys !== null) this.#threads?.post(index, { type: 'signing_keys', keys })
  }

  async #answerUnknownKey(
    index: number,
    { question, issuerName, keyId }: FromListener & { type: 'unknown_key' },
  ): Promise<void> {
    const answer = await this.#keys.resolveUnknownKey(issuerName, keyId)
    this.#threads?.post(index, { type: 'unknown_key_answer', question, answer })
  }

  async #answerStoreQuestion(
    index: number,
    { question, call }: FromListener & { type: 'store_question' },
  ): Promise<void> {
    const reply = await this.#stores.sessions.answer(call)
    this.#threads?.post(index, { type: 'store_answer', question, reply })
  }

  #noticeRedis(index: number, state: RedisState): void {
    this.#redisStates.set(index, state)
    this.#logger.security({
      event: state === 'ready' ? 'redis_ready' : 'redis_unreachable',
      thread: index,
    })
  }

  /** A thread is gone; its successor is started by {@link startListenerThreads}. */
  #mourn(index: number, reason: string, isReplaced: boolean): void {
    if (this.#onListenFailed !== null) {
      // What keeps one from starting keeps its successors as well.
      this.#onListenFailed(`a listener thread ended while it started: ${reason}`)
      return
    }
    this.#listening.delete(index)
    this.#ledger.retire(index)
    if (isReplaced) {
      this.#restarts += 1
      const event = 'listener_restarted'
      this.#logger.security({ event, thread: index, restarts: this.#restarts })
    }
    this.#drained.review()
    this.#announceReadiness()
  }

  /** Tells the threads what to say at `/health/ready`, when that has changed. */
  #announceReadiness(): void {
    const readiness = this.readiness()
    const text = JSON.stringify(readiness)
    if (text === this.#lastReadiness) return
    this.#lastReadiness = text
    this.#threads?.broadcast({ type: 'readiness', readiness })
    if (!readiness.ready) return
    if (this.#onReady.length > 0) for (const resolve of this.#onReady.splice(0)) resolve()
  }

  async #metrics(): Promise<string> {
    const threads = [...this.#listening]
    await this.#snapshots.ask(threads, (question) => {
      for (const index of threads)
        this.#threads?.post(index, { type: 'snapshot_request', question })
    })
    return this.#exposition.render({
      listeners: this.#ledger.merge(),
      cacheFills: readCacheFills(this.#buffers, systemClock.nowSeconds()),
      issuers: this.#keys.readings(),
      revocations: this.#stores.revocations.reading(),
      tenants: this.#stores.tenants.reading(),
      introspection: this.#introspection(),
      signatureBinding: this.#signatures.reading(),
      log: this.#log.reading(),
      listenerRestarts: this.#restarts,
      ready: this.readiness().ready,
      ...fixedMetrics(this.#version, this.nativeBinary),
    })
  }

  async #status(): Promise<object> {
    return Promise.resolve({
      version: this.#version,
      node: process.version,
      nativeServer: this.nativeBinary,
      port: this.port,
      readiness: this.readiness(),
      signatures: this.#signatures.status(),
      listenerThreads: { running: this.#listening.size, restarts: this.#restarts },
      tuning: this.#configuration.tuning,
      cacheMiB: this.#configuration.cache.sizeMiB,
      issuers: this.#keys.statuses(),
      introspection: this.#introspection(),
      revocations: this.#stores.revocations.status(),
      tenants: this.#stores.tenants.reading(),
      redis: [...this.#redisStates].map(([thread, state]) => ({ thread, state })),
      routes: routeSummaries(this.#configuration),
    })
  }

  async #drainAndEnd(): Promise<void> {
    const { delayMs, timeoutMs } = this.#configuration.server.drain
    this.#isDraining = true
    this.#logger.log({ event: 'draining' })
    this.#announceReadiness()
    if (this.#threads !== null) {
      await drain({ delayMs, timeoutMs, port: this.port }, this.#threads, this.#drained, this.#cut)
    }
    await this.#end()
    this.#logger.log({ event: 'stopped' })
    await this.#log.end()
  }

  async #end(): Promise<void> {
    const count = (await this.#threads?.end()) ?? 0
    if (count > 0) this.#logger.log({ event: 'listeners_stuck', count })
    await this.#admin.close()
    await this.#keys.stop()
    this.#signingKeys.stop()
    await this.#stores.stop()
  }
}
