/**
 * The main thread: owns the configuration, the keys, the shared memory and the admin listener, and
 * keeps the listener threads running. No request ever passes through here.
 *
 * Here is only which part gets which, and in what order they start and end.
 */
import { AdminApp } from '../admin/admin-app.ts'
import { HealthApp } from '../admin/health-app.ts'
import type { GatewayConfiguration } from '../config/sections.ts'
import type { ExplainQuestion, Explanation } from '../gateway/explanation.ts'
import { type Readiness, readinessOf } from '../gateway/health.ts'
import type { Logger } from '../observability/logger.ts'
import { describeError } from '../observability/redact.ts'
import { systemClock } from '../runtime/clock.ts'
import type { ServerEngine } from '../server/server-engine.ts'
import { KeyGenerationAllocator } from '../shared-memory/key-generations.ts'
import { createIntrospectionMemory } from '../threads/introspection-memory.ts'
import type { ListenerStart, SharedBuffers } from '../threads/listener-start.ts'
import { AdminSources } from './admin-sources.ts'
import { CircuitWatch } from './circuit-watch.ts'
import { listenError } from './claim-port.ts'
import {
  ConfigurationReloads,
  type ReloadCause,
  type ReloadResult,
} from './configuration-reloads.ts'
import { drain } from './drain.ts'
import { type ChosenEngines, chooseEngines, fitted, fittedLoads } from './engine-choice.ts'
import { setEngineFlags } from './engine-flags.ts'
import { withKeyStandings } from './explain-keys.ts'
import { FileWatch } from './file-watch.ts'
import { GatewayLog } from './gateway-log.ts'
import { InternalTokenKeys } from './internal-token-keys.ts'
import { IssuerKeys } from './issuer-keys.ts'
import { logKeyEvent } from './key-events.ts'
import { ListenPlaces } from './listen-places.ts'
import { ConfigurationPreparation } from './prepare-configuration.ts'
import { ReadinessWatch } from './readiness-watch.ts'
import type { RunningGateway, SupervisorOptions } from './running-gateway.ts'
import { RunningListeners } from './running-listeners.ts'
import { createBuffers, hasLimits } from './shared-buffers.ts'
import { SignatureStanding } from './signature-standing.ts'
import { SupervisorStores } from './supervisor-stores.ts'
import { TlsCertificate } from './tls-certificate.ts'
import { untilAborted } from './until-aborted.ts'

const NO_FILES: ReadonlyMap<string, string> = new Map()
/** Between two looks at the files of the configuration: a change is taken over within two or so. */
const WATCH_INTERVAL_MS = 500

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
  const engines = chooseEngines(configuration)
  const load = fittedLoads(engines, options.load)
  const supervisor = new Supervisor(fitted(engines, configuration), engines, { ...options, load })
  await supervisor.start()
  return supervisor
}

class Supervisor implements RunningGateway {
  readonly #places: ListenPlaces
  adminPort = 0
  readonly engine: ServerEngine
  readonly #options: SupervisorOptions
  readonly #log: GatewayLog
  readonly #logger: Logger
  readonly #buffers: SharedBuffers
  readonly #keys: IssuerKeys
  readonly #signingKeys: InternalTokenKeys
  readonly #stores: SupervisorStores
  readonly #listeners: RunningListeners
  readonly #readiness: ReadinessWatch
  readonly #sources: AdminSources
  readonly #fileWatch = new FileWatch({
    intervalMs: WATCH_INTERVAL_MS,
    onChange: () => void this.#reloads.request('file'),
  })
  readonly #certificate: TlsCertificate
  readonly #preparation: ConfigurationPreparation
  readonly #reloads: ConfigurationReloads
  readonly #circuits: CircuitWatch
  readonly #admin: AdminApp
  readonly #health: HealthApp | null
  #isDraining = false
  #stopping: Promise<void> | null = null

  constructor(
    configuration: GatewayConfiguration,
    engines: ChosenEngines,
    options: SupervisorOptions,
  ) {
    this.#options = options
    this.engine = engines.main
    this.#places = new ListenPlaces(engines)
    this.#log = new GatewayLog(configuration)
    this.#logger = this.#log.logger
    this.#buffers = createBuffers(configuration)
    const introspection = createIntrospectionMemory(configuration)
    this.#keys = this.#createKeys(configuration)
    this.#signingKeys = new InternalTokenKeys({
      clock: systemClock,
      logger: this.#logger,
      onSnapshot: (keys) => this.#listeners.notify('signing_keys', keys),
    })
    this.#stores = this.#createStores(configuration)
    const signatures = new SignatureStanding(this.#logger)
    this.#listeners = this.#createListeners(configuration, signatures)
    this.#readiness = new ReadinessWatch({
      readiness: () => this.readiness(),
      onChange: (readiness) => this.#listeners.notify('readiness', readiness),
      logger: this.#logger,
    })
    this.#circuits = new CircuitWatch(() => this.#sources.introspection(), this.#logger)
    this.#sources = new AdminSources(configuration, introspection, {
      version: options.version,
      engine: engines.main,
      buffers: this.#buffers,
      log: this.#log,
      keys: this.#keys,
      stores: this.#stores,
      signatures,
      listeners: this.#listeners,
      readiness: () => this.readiness(),
      reloads: () => this.#reloads.reading(),
      certificateExpiresAtSeconds: () => this.#certificate.expiresAtSeconds,
      hasLimits: () => hasLimits(this.#reloads.configuration),
      listenerCount: configuration.tuning.listenerThreads,
      revision: () => this.#reloads.inUse,
      port: () => this.port,
      onFailure: (error) => this.#reportFailure(error),
    })
    this.#certificate = new TlsCertificate(configuration.server.tls, {
      listeners: this.#listeners,
      logger: this.#logger,
    })
    this.#preparation = new ConfigurationPreparation(configuration, introspection, {
      keys: this.#keys,
      signingKeys: this.#signingKeys,
      stores: this.#stores,
      listeners: this.#listeners,
      onCommit: (next, memory) => {
        this.#sources.use(next, memory)
        this.#certificate.use(next.server.tls)
        this.#readiness.review()
      },
    })
    this.#reloads = this.#createReloads(configuration)
    this.#admin = this.#createAdmin(configuration, this.#sources)
    this.#health =
      configuration.health &&
      new HealthApp(configuration.health, {
        readiness: () => this.readiness(),
        onFailure: (error) => this.#reportFailure(error),
      })
  }

  async start(): Promise<void> {
    const { configuration } = this.#reloads
    this.#log.sayWhatStarts(this.#options.version, this.engine, configuration)
    const begun = this.#begin()
    try {
      await untilAborted(begun, this.#options.stop)
    } catch (error) {
      // Connections and timers that are there already would keep the process alive.
      await this.#end()
      await this.#log.end()
      // A step that had begun may have left something all the same.
      void begun.catch(() => {}).then(() => this.#end())
      throw error
    }
    const { host } = configuration.server
    this.#logger.log({ event: 'listening', host, port: this.port })
    const { decision } = configuration
    if (decision !== null && this.decisionPort !== null) {
      this.#logger.log({
        event: 'decision_listening',
        host: decision.host,
        port: this.decisionPort,
      })
    }
    this.#readiness.startLogging()
    this.#watchFiles(this.#options.files)
    this.#certificate.start()
    this.#sources.live.begin()
    this.#circuits.start()
  }

  get port(): number {
    return this.#places.mainPort
  }

  get decisionPort(): number | null {
    return this.#places.decisionPort
  }

  readiness(): Readiness {
    return readinessOf({
      isListening: this.#listeners.servingCount > 0,
      isDraining: this.#isDraining,
      issuers: this.#keys.health(),
      hasRevocations: this.#stores.revocations.hasLearnt,
      hasTenants: this.#stores.tenants.hasBeenRead,
    })
  }

  whenReady(): Promise<void> {
    return this.#readiness.whenReady()
  }

  reload(cause: ReloadCause): Promise<ReloadResult> {
    return this.#reloads.request(cause)
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#drainAndEnd()
    return this.#stopping
  }

  #createKeys(configuration: GatewayConfiguration): IssuerKeys {
    return new IssuerKeys(configuration, {
      generations: new KeyGenerationAllocator(this.#buffers.keyGenerations),
      clock: systemClock,
      onKeySet: (keySet) => {
        this.#listeners.notify('key_set', keySet)
        this.#readiness.review()
      },
      onSources: (sourceIds) => this.#listeners.notify('key_sources', sourceIds),
      onEvent: (event, alertOnStale) => logKeyEvent(this.#logger, event, alertOnStale),
    })
  }

  #createStores(configuration: GatewayConfiguration): SupervisorStores {
    return new SupervisorStores(configuration, {
      revocations: this.#buffers.revocations,
      learntRevocations: this.#buffers.learntRevocations,
      keys: this.#keys,
      logger: this.#logger,
      onTenants: (change) => {
        this.#listeners.notify('tenants', change)
        this.#readiness.review()
      },
      onRevocationsLearnt: () => this.#readiness.review(),
    })
  }

  #createListeners(
    configuration: GatewayConfiguration,
    signatures: SignatureStanding,
  ): RunningListeners {
    return new RunningListeners({
      count: configuration.tuning.listenerThreads,
      logger: this.#logger,
      signatures,
      onLogWaiting: () => this.#log.wake(),
      onChange: () => this.#readiness.review(),
      start: (index) => this.#listenerStart(index),
      latest: () => ({
        keySets: this.#keys.keySets(),
        signingKeys: this.#signingKeys.snapshot(),
        readiness: this.readiness(),
      }),
      requests: {
        unknown_key: ({ sourceId, keyId }) => this.#keys.resolveUnknownKey(sourceId, keyId),
        session_store: (call) => this.#stores.sessions.answer(call),
      },
    })
  }

  #createReloads(configuration: GatewayConfiguration): ConfigurationReloads {
    return new ConfigurationReloads(configuration, {
      load: this.#options.load ?? (() => ({ configuration, files: NO_FILES })),
      clock: systemClock,
      logger: this.#logger,
      isEnding: () => this.#isDraining,
      prepare: (next, revision) => this.#preparation.prepare(next, revision),
      onFiles: (files) => this.#watchFiles(files),
      onRefusedFiles: (files) => this.#fileWatch.watchToo(files),
    })
  }

  /** Only where the configuration in use asks for it. */
  #watchFiles(files: ReadonlyMap<string, string>): void {
    this.#fileWatch.watch(this.#reloads.configuration.watch ? files : NO_FILES)
  }

  #createAdmin(configuration: GatewayConfiguration, sources: AdminSources): AdminApp {
    return new AdminApp(configuration.admin, {
      metrics: () => sources.metrics(),
      metricsContentType: sources.metricsContentType,
      readiness: () => this.readiness(),
      status: () => sources.status(),
      sessions: () => this.#stores.sessions.registry,
      revocations: () => this.#stores.revocations.revocations,
      explanations: {
        explain: (question) => this.#explain(question),
        refusals: (requestId) => this.#listeners.refusals(requestId),
      },
      reload: () => this.#reloads.request('request'),
      live: sources.live,
      onAudit: (event) => this.#logger.security(event),
      onFailure: (error) => this.#reportFailure(error),
    })
  }

  #reportFailure(error: unknown): void {
    this.#logger.log({ event: 'unexpected_failure', where: 'admin', ...describeError(error) })
  }

  async #explain(question: ExplainQuestion): Promise<Explanation | null> {
    const explained = await this.#listeners.explain(question)
    const { configuration } = this.#reloads
    return explained && withKeyStandings(explained, configuration, this.#keys.statuses())
  }

  #listenerStart(index: number): ListenerStart {
    return {
      ...this.#preparation.wholePlan(this.#reloads.inUse.id),
      index,
      ...this.#places.ports(this.#reloads.configuration),
      buffers: this.#buffers,
      keySets: this.#keys.keySets(),
      readiness: this.readiness(),
      log: this.#log.memoryOf(index),
      alerts: this.#log.alertMemoryOf(index),
    }
  }

  async #begin(): Promise<void> {
    const steps = [
      () => this.#places.claim(this.#reloads.configuration),
      () => this.#listenAdmin(),
      () => this.#listenHealth(),
      () => this.#stores.start(),
      () => this.#signingKeys.startFor(this.#reloads.configuration),
      () => Promise.all([this.#listeners.start(), this.#keys.start()]),
    ]
    for (const step of steps) {
      this.#options.stop.throwIfAborted()
      await step()
    }
  }

  async #listenAdmin(): Promise<void> {
    const { host, port } = this.#reloads.configuration.admin
    try {
      this.adminPort = await this.#admin.listen()
    } catch (error) {
      throw listenError('admin', host, port, error)
    }
    this.#logger.log({ event: 'admin_listening', host, port: this.adminPort })
  }

  async #listenHealth(): Promise<void> {
    const { health } = this.#reloads.configuration
    if (health === null || this.#health === null) return
    try {
      const port = await this.#health.listen()
      this.#logger.log({ event: 'health_listening', host: health.host, port })
    } catch (error) {
      throw listenError('health', health.host, health.port, error)
    }
  }

  async #drainAndEnd(): Promise<void> {
    const release = () => this.#places.close()
    const places = this.#places.all
    const options = { ...this.#reloads.configuration.server.drain, places, release }
    this.#isDraining = true
    this.#logger.log({ event: 'draining' })
    this.#readiness.review()
    await drain(options, this.#listeners, this.#options.cut)
    await this.#end()
    this.#logger.log({ event: 'stopped' })
    await this.#log.end()
  }

  async #end(): Promise<void> {
    this.#fileWatch.stop()
    this.#certificate.stop()
    this.#sources.live.end()
    this.#circuits.stop()
    await this.#listeners.end()
    this.#places.close()
    await this.#admin.close()
    await this.#health?.close()
    await this.#keys.stop()
    this.#signingKeys.stop()
    await this.#stores.stop()
  }
}
