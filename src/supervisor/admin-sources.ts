/** What the admin listener shows of this instance: its metrics, and its state for people. */
import type { GatewayConfiguration } from '../config/sections.ts'
import { Exposition } from '../observability/exposition.ts'
import type { ReloadReading } from '../observability/metrics/metrics-reading.ts'
import { addAll } from '../observability/metrics-ledger.ts'
import { LimitCells } from '../rate-limit/limit-cells.ts'
import { systemClock } from '../runtime/clock.ts'
import type { ServerEngine } from '../server/server-engine.ts'
import type { IntrospectionMemory } from '../threads/introspection-memory.ts'
import { readCacheFills } from './cache-fills.ts'
import { fixedMetrics } from './fixed-metrics.ts'
import { type InstanceParts, InstanceState } from './instance-state.ts'
import { type IntrospectionReading, introspectionReader } from './introspection-reader.ts'
import { LiveView } from './live-view.ts'
import { routeSummaries } from './route-summaries.ts'

const MICROS_PER_MS = 1_000

export interface AdminSourcesParts extends InstanceParts {
  readonly version: string
  readonly engine: ServerEngine
  readonly reloads: () => ReloadReading
  readonly certificateExpiresAtSeconds: () => number | null
  /** The actual one, where the configuration says 0. */
  readonly port: () => number
  /** A look at the instance has failed. */
  readonly onFailure: (error: unknown) => void
}

export class AdminSources {
  #configuration: GatewayConfiguration
  readonly #parts: AdminSourcesParts
  #introspection: () => readonly IntrospectionReading[]
  readonly #limitCells: LimitCells
  /** For the live page. */
  readonly live: LiveView
  readonly #exposition = new Exposition(true)

  constructor(
    configuration: GatewayConfiguration,
    introspection: IntrospectionMemory,
    parts: AdminSourcesParts,
  ) {
    this.#configuration = configuration
    this.#parts = parts
    this.#limitCells = new LimitCells(parts.buffers.limitCells)
    this.#introspection = introspectionReader(configuration, introspection)
    const state = new InstanceState(parts, () => this.#introspection())
    this.live = new LiveView({
      version: parts.version,
      events: parts.log.recent,
      clock: systemClock,
      traffic: () => parts.listeners.traffic(),
      state: (threads) => state.read(threads),
      onFailure: parts.onFailure,
    })
    this.live.listRoutes(configuration.routes.map(({ name }) => name))
  }

  /** Another configuration is committed. */
  use(configuration: GatewayConfiguration, introspection: IntrospectionMemory): void {
    this.#configuration = configuration
    this.#introspection = introspectionReader(configuration, introspection)
    this.live.listRoutes(configuration.routes.map(({ name }) => name))
  }

  introspection(): readonly IntrospectionReading[] {
    return this.#introspection()
  }

  get metricsContentType(): string {
    return this.#exposition.contentType
  }

  async metrics(): Promise<string> {
    const { buffers, keys, stores, signatures, log, listeners } = this.#parts
    const counts = await listeners.counts()
    const securityEvents = new Map(counts.securityEvents)
    addAll(securityEvents, log.logger.securityCounts)
    return this.#exposition.render({
      listeners: counts,
      cacheFills: readCacheFills(buffers, systemClock.nowSeconds()),
      limitKeys: this.#limitCells.fill(systemClock.processMs() * MICROS_PER_MS),
      issuers: keys.readings(),
      revocations: stores.revocations.reading(),
      tenants: stores.tenants.reading(),
      introspection: this.#introspection(),
      signatureBinding: signatures.reading(),
      log: log.reading(),
      securityEvents,
      webhook: log.webhookReading(),
      listenerRestarts: listeners.restarts,
      reloads: this.#parts.reloads(),
      certificateExpiresAtSeconds: this.#parts.certificateExpiresAtSeconds(),
      ready: this.#parts.readiness().ready,
      ...fixedMetrics(this.#parts.version, this.#parts.engine),
    })
  }

  async status(): Promise<object> {
    const { version, engine, keys, stores, signatures, listeners } = this.#parts
    return Promise.resolve({
      version,
      node: process.version,
      engine: engine.kind,
      nativeServer: engine.kind === 'native' ? engine.binary : null,
      port: this.#parts.port(),
      readiness: this.#parts.readiness(),
      configuration: this.#parts.reloads(),
      signatures: signatures.status(),
      listenerThreads: { running: listeners.servingCount, restarts: listeners.restarts },
      tuning: this.#configuration.tuning,
      cacheMiB: this.#configuration.cache.sizeMiB,
      issuers: keys.statuses(),
      introspection: this.#introspection(),
      revocations: stores.revocations.status(),
      tenants: stores.tenants.reading(),
      redis: [...listeners.redisStates].map(([thread, state]) => ({ thread, state })),
      routes: routeSummaries(this.#configuration),
    })
  }
}
