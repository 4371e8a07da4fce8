/** What the admin listener shows of this instance: its metrics, and its state for people. */
import type { GatewayConfiguration } from '../config/sections.ts'
import type { Readiness } from '../gateway/health.ts'
import { Exposition } from '../observability/exposition.ts'
import type { ReloadReading } from '../observability/metrics/metrics-reading.ts'
import { LimitCells } from '../rate-limit/limit-cells.ts'
import { systemClock } from '../runtime/clock.ts'
import type { NativeBinary } from '../server/native-binary.ts'
import type { IntrospectionMemory } from '../threads/introspection-memory.ts'
import type { SharedBuffers } from '../threads/listener-start.ts'
import { readCacheFills } from './cache-fills.ts'
import { fixedMetrics } from './fixed-metrics.ts'
import type { GatewayLog } from './gateway-log.ts'
import { type IntrospectionReading, introspectionReader } from './introspection-reader.ts'
import type { IssuerKeys } from './issuer-keys.ts'
import { routeSummaries } from './route-summaries.ts'
import type { RunningListeners } from './running-listeners.ts'
import type { SignatureStanding } from './signature-standing.ts'
import type { SupervisorStores } from './supervisor-stores.ts'

const MICROS_PER_MS = 1_000

export interface AdminSourcesParts {
  readonly version: string
  readonly nativeBinary: NativeBinary
  readonly buffers: SharedBuffers
  readonly log: GatewayLog
  readonly keys: IssuerKeys
  readonly stores: SupervisorStores
  readonly signatures: SignatureStanding
  readonly listeners: RunningListeners
  readonly readiness: () => Readiness
  readonly reloads: () => ReloadReading
  readonly certificateExpiresAtSeconds: () => number | null
  /** The actual one, where the configuration says 0. */
  readonly port: () => number
}

export class AdminSources {
  #configuration: GatewayConfiguration
  readonly #parts: AdminSourcesParts
  #introspection: () => readonly IntrospectionReading[]
  readonly #limitCells: LimitCells
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
  }

  /** Another configuration is committed. */
  use(configuration: GatewayConfiguration, introspection: IntrospectionMemory): void {
    this.#configuration = configuration
    this.#introspection = introspectionReader(configuration, introspection)
  }

  get metricsContentType(): string {
    return this.#exposition.contentType
  }

  async metrics(): Promise<string> {
    const { buffers, keys, stores, signatures, log, listeners } = this.#parts
    const counts = await listeners.counts()
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
      listenerRestarts: listeners.restarts,
      reloads: this.#parts.reloads(),
      certificateExpiresAtSeconds: this.#parts.certificateExpiresAtSeconds(),
      ready: this.#parts.readiness().ready,
      ...fixedMetrics(this.#parts.version, this.#parts.nativeBinary),
    })
  }

  async status(): Promise<object> {
    const { version, nativeBinary, keys, stores, signatures, listeners } = this.#parts
    return Promise.resolve({
      version,
      node: process.version,
      nativeServer: nativeBinary,
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
