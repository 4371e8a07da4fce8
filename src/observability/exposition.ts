/**
 * Renders merged metrics as Prometheus text. The only door to prom-client.
 *
 * Nothing is counted here: the threads have counted, and a scrape writes down what they have.
 */
import { collectDefaultMetrics, type Metric, Registry } from 'prom-client'
import { REFUSAL_REASONS, type RefusalReason } from '../protocol/refusal-reason.ts'
import { CACHES, type CacheFill, type CacheName } from './cache-reading.ts'
import type { MergedLatency } from './latency-histogram.ts'
import { LATENCY_PHASES, METRICS } from './metric-names.ts'
import type { MetricRow } from './metric-row.ts'
import type { CountsByLabels, MergedMetrics } from './metrics-ledger.ts'

/** What the supervisor knows about the keys of one issuer. */
export interface IssuerReading {
  readonly issuer: string
  /** One of `states`. */
  readonly state: string
  /** `null` before the first fetch. */
  readonly keyAgeSeconds: number | null
  readonly refreshFailures: number
  readonly keysWithoutPlace: number
}

export interface IntrospectionReading {
  readonly issuer: string
  readonly circuits: readonly {
    /** For whom this breaker is. */
    readonly callers: string
    /** One of `circuitStates`. */
    readonly state: string
  }[]
  /** Seconds left of the pause that the endpoint has asked for; 0: there is none. */
  readonly pauseSeconds: number
  /** Since the start. */
  readonly pauses: number
}

export interface IssuerRevocations {
  /** Name in the configuration; `none` for sessions and API keys. */
  readonly issuer: string
  readonly count: number
  /** Since the start, because its share of the index was full. */
  readonly refused: number
}

export interface RevocationReading {
  readonly size: number
  readonly capacity: number
  readonly issuers: readonly IssuerRevocations[]
  /** Of the log that instances share; `null`: there is none. */
  readonly log: {
    /** One of `revocationLogStates`. */
    readonly state: string
    /** `null` before it was read for the first time. */
    readonly lagSeconds: number | null
    readonly pending: number
    readonly unreadable: number
    readonly leftOut: number
    readonly appendFailures: number
  } | null
}

/** Of the tenants in Redis. */
export interface TenantsReading {
  /** One of `tenantsStates`. */
  readonly state: string
  readonly size: number
  readonly unreadable: number
  readonly leftOut: number
}

export interface SignatureBindingReading {
  /** One of `states`; `null` before the first thread has proved it. */
  readonly state: string | null
  readonly states: readonly string[]
}

/** What became of log lines. Zeroes included. */
export interface LogReading {
  /** By stream. */
  readonly dropped: ReadonlyMap<string, number>
  /** By error. */
  readonly failures: ReadonlyMap<string, number>
}

export interface BuildReading {
  readonly version: string
  readonly node: string
  /** Version and kind of the native server's binary. */
  readonly nativeServer: string
}

export interface MetricsReading {
  readonly listeners: MergedMetrics
  readonly cacheFills: Readonly<Record<CacheName, CacheFill>>
  readonly issuers: readonly IssuerReading[]
  /** Every state that the keys of an issuer can be in. */
  readonly issuerStates: readonly string[]
  /** Introspection endpoints, and every state that a circuit breaker can be in. */
  readonly introspection: readonly IntrospectionReading[]
  readonly circuitStates: readonly string[]
  readonly revocations: RevocationReading
  readonly revocationLogStates: readonly string[]
  /** `null`: there are none in Redis. */
  readonly tenants: TenantsReading | null
  readonly tenantsStates: readonly string[]
  readonly signatureBinding: SignatureBindingReading
  readonly log: LogReading
  readonly listenerRestarts: number
  readonly ready: boolean
  readonly build: BuildReading
}

interface Sample {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
  /** Where it differs from the metric's: the parts of a histogram. */
  readonly metricName?: string
}

const MICROS_PER_SECOND = 1_000_000
const NO_LABELS: Readonly<Record<string, string>> = {}

/** From what a cached token costs to the longest default time-out. Two to three a decade. */
const BUCKET_BOUNDS_SECONDS: readonly number[] = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
  30,
]

/** A metric whose samples are computed when it is scraped; the shape that the registry expects. */
class ComputedMetric {
  readonly name: string
  readonly help: string
  readonly type: string
  readonly #samples: () => readonly Sample[]

  constructor(row: MetricRow, samples: () => readonly Sample[]) {
    this.name = row.name
    this.help = row.help
    this.type = row.type
    this.#samples = samples
  }

  get(): object {
    const { name, help, type } = this
    return { name, help, type, values: this.#samples(), aggregator: 'sum' }
  }
}

export class Exposition {
  readonly #registry = new Registry()
  #reading: MetricsReading | null = null

  /** @param withProcessMetrics Also memory, CPU time and garbage collection of the process. */
  constructor(withProcessMetrics: boolean) {
    if (withProcessMetrics) collectDefaultMetrics({ register: this.#registry })
    for (const key of Object.keys(METRICS) as (keyof typeof METRICS)[]) {
      const samples = (): readonly Sample[] =>
        this.#reading === null ? [] : SAMPLES[key](this.#reading)
      // The declared type describes prom-client's own classes; its registry asks for less.
      const metric = new ComputedMetric(METRICS[key], samples) as unknown as Metric<string>
      this.#registry.registerMetric(metric)
    }
  }

  /** `Content-Type` of what `render` returns. */
  get contentType(): string {
    return this.#registry.contentType
  }

  render(reading: MetricsReading): Promise<string> {
    this.#reading = reading
    return this.#registry.metrics()
  }
}

const SAMPLES: Readonly<Record<keyof typeof METRICS, (reading: MetricsReading) => Sample[]>> = {
  requests: ({ listeners }) => twoLabels(listeners.requests, 'route', 'outcome'),
  refusals: ({ listeners }) => twoLabels(listeners.refusals, 'reason', 'issuer').map(withCode),
  shadowRefusals: ({ listeners }) => twoLabels(listeners.shadowRefusals, 'route', 'code'),
  requestDuration: ({ listeners }) =>
    LATENCY_PHASES.flatMap((phase) => histogram(listeners.latencies[phase], phase)),
  cacheLookups: ({ listeners }) => oneLabel(listeners.cacheLookups, 'result'),
  cacheWrites: ({ listeners }) => twoLabels(listeners.caches.writes, 'cache', 'result'),
  cacheEvictions: ({ listeners }) => oneLabel(listeners.caches.evictions, 'cache'),
  cacheTornReads: ({ listeners }) => oneLabel(listeners.caches.torn, 'cache'),
  cacheEntries: ({ cacheFills }) => ofCaches(cacheFills, ({ entries }) => entries),
  cacheSlotsUsed: ({ cacheFills }) => ofCaches(cacheFills, ({ slotsUsed }) => slotsUsed),
  cacheSlots: ({ cacheFills }) => ofCaches(cacheFills, ({ slots }) => slots),
  cacheSize: ({ cacheFills }) => ofCaches(cacheFills, ({ sizeBytes }) => sizeBytes),
  verificationQueueDepth: ({ listeners }) => single(listeners.verificationQueueDepth),
  verificationBatches: ({ listeners }) => single(listeners.verificationBatches),
  verificationTokens: ({ listeners }) => single(listeners.verificationTokens),
  verificationThreadsLost: ({ listeners }) => single(listeners.verificationThreadsLost),
  signatureBinding: ({ signatureBinding: { state: current, states } }) =>
    states.map((state) => ({
      labels: { state },
      value: state === current ? 1 : 0,
    })),
  introspectionAttempts: ({ listeners }) => single(listeners.introspectionAttempts),
  introspectionCircuit: ({ introspection, circuitStates }) =>
    introspection.flatMap(({ issuer, circuits }) =>
      circuits.flatMap(({ callers, state: current }) =>
        circuitStates.map((state) => ({
          labels: { issuer, callers, state },
          value: state === current ? 1 : 0,
        })),
      ),
    ),
  introspectionPause: ({ introspection }) =>
    introspection.map(({ issuer, pauseSeconds }) => ({ labels: { issuer }, value: pauseSeconds })),
  introspectionPauses: ({ introspection }) =>
    introspection.map(({ issuer, pauses }) => ({ labels: { issuer }, value: pauses })),
  redisConnections: ({ listeners: { redis } }) => [
    { labels: { state: 'open' }, value: redis.open },
    { labels: { state: 'ready' }, value: redis.ready },
  ],
  redisCommands: ({ listeners }) => single(listeners.redis.commands),
  redisFailures: ({ listeners }) => single(listeners.redis.failures),
  redisWrites: ({ listeners }) => single(listeners.redis.writes),
  jwksKeyAge: ({ issuers }) =>
    issuers.flatMap(({ issuer, keyAgeSeconds }) =>
      keyAgeSeconds === null ? [] : [{ labels: { issuer }, value: keyAgeSeconds }],
    ),
  jwksRefreshFailures: ({ issuers }) =>
    issuers.map(({ issuer, refreshFailures }) => ({ labels: { issuer }, value: refreshFailures })),
  jwksKeysWithoutPlace: ({ issuers }) =>
    issuers.map(({ issuer, keysWithoutPlace }) => ({
      labels: { issuer },
      value: keysWithoutPlace,
    })),
  jwksState: ({ issuers, issuerStates }) =>
    issuers.flatMap(({ issuer, state: current }) =>
      issuerStates.map((state) => ({
        labels: { issuer, state },
        value: state === current ? 1 : 0,
      })),
    ),
  revocations: ({ revocations }) => single(revocations.size),
  revocationCapacity: ({ revocations }) => single(revocations.capacity),
  revocationsOfIssuer: ({ revocations }) =>
    revocations.issuers.map(({ issuer, count }) => ({ labels: { issuer }, value: count })),
  revocationsRefused: ({ revocations }) =>
    revocations.issuers.map(({ issuer, refused }) => ({ labels: { issuer }, value: refused })),
  revocationsLeftOut: ({ revocations }) => single(revocations.log?.leftOut ?? 0),
  revocationLogState: ({ revocations: { log }, revocationLogStates }) =>
    log === null
      ? []
      : revocationLogStates.map((state) => ({
          labels: { state },
          value: state === log.state ? 1 : 0,
        })),
  revocationLogLag: ({ revocations }) => {
    const lagSeconds = revocations.log?.lagSeconds ?? null
    return lagSeconds === null ? [] : single(lagSeconds)
  },
  revocationsPending: ({ revocations }) => single(revocations.log?.pending ?? 0),
  revocationAppendFailures: ({ revocations }) => single(revocations.log?.appendFailures ?? 0),
  revocationsUnreadable: ({ revocations }) => single(revocations.log?.unreadable ?? 0),
  tenantsState: ({ tenants, tenantsStates }) =>
    tenants === null
      ? []
      : tenantsStates.map((state) => ({
          labels: { state },
          value: state === tenants.state ? 1 : 0,
        })),
  tenants: ({ tenants }) => (tenants === null ? [] : single(tenants.size)),
  tenantsUnreadable: ({ tenants }) => (tenants === null ? [] : single(tenants.unreadable)),
  tenantsLeftOut: ({ tenants }) => (tenants === null ? [] : single(tenants.leftOut)),
  upstreamPending: ({ listeners }) => oneLabel(listeners.upstreamPending, 'upstream'),
  upstreamEjected: ({ listeners }) => oneLabel(listeners.upstreamEjected, 'upstream'),
  openConnections: ({ listeners }) => single(listeners.openConnections),
  eventLoopDelay: ({ listeners }) => listeners.threads.flatMap(eventLoopDelays),
  eventLoopUtilization: ({ listeners }) =>
    listeners.threads.map(({ threadIndex, eventLoop }) => ({
      labels: { thread: String(threadIndex) },
      value: eventLoop.utilization,
    })),
  listenerThreads: ({ listeners }) => single(listeners.threads.length),
  listenerRestarts: ({ listenerRestarts }) => single(listenerRestarts),
  logLinesDropped: ({ log }) => oneLabel(log.dropped, 'stream'),
  logWriteFailures: ({ log }) => oneLabel(log.failures, 'error'),
  ready: ({ ready }) => single(ready ? 1 : 0),
  build: ({ build: { version, node, nativeServer } }) => [
    { labels: { version, node, native_server: nativeServer }, value: 1 },
  ],
}

function single(value: number): Sample[] {
  return [{ labels: NO_LABELS, value }]
}

function ofCaches(
  fills: MetricsReading['cacheFills'],
  pick: (fill: CacheFill) => number,
): Sample[] {
  return CACHES.map((cache) => ({ labels: { cache }, value: pick(fills[cache]) }))
}

function oneLabel(counts: ReadonlyMap<string, number>, label: string): Sample[] {
  return [...counts].map(([name, value]) => ({ labels: { [label]: name }, value }))
}

function twoLabels(counts: CountsByLabels, outer: string, inner: string): Sample[] {
  return [...counts].flatMap(([outerName, row]) =>
    [...row].map(([innerName, value]) => ({
      labels: { [outer]: outerName, [inner]: innerName },
      value,
    })),
  )
}

/** The code that clients were told follows from the reason. */
function withCode({ labels, value }: Sample): Sample {
  const row = REFUSAL_REASONS[labels['reason'] as RefusalReason]
  return { labels: { code: row.code, ...labels }, value }
}

function eventLoopDelays(thread: MergedMetrics['threads'][number]): Sample[] {
  const { delayP50Micros, delayP99Micros, delayMaxMicros } = thread.eventLoop
  const byQuantile = { '0.5': delayP50Micros, '0.99': delayP99Micros, '1': delayMaxMicros }
  return Object.entries(byQuantile).map(([quantile, micros]) => ({
    labels: { thread: String(thread.threadIndex), quantile },
    value: micros / MICROS_PER_SECOND,
  }))
}

function histogram(latency: MergedLatency, phase: string): Sample[] {
  const name = METRICS.requestDuration.name
  const counts = latency.cumulativeCounts(
    BUCKET_BOUNDS_SECONDS.map((bound) => Math.round(bound * MICROS_PER_SECOND)),
  )
  const buckets = BUCKET_BOUNDS_SECONDS.map((bound, place) => ({
    metricName: `${name}_bucket`,
    labels: { phase, le: String(bound) },
    value: counts[place] ?? 0,
  }))
  return [
    ...buckets,
    { metricName: `${name}_bucket`, labels: { phase, le: '+Inf' }, value: latency.count },
    {
      metricName: `${name}_sum`,
      labels: { phase },
      value: latency.sumMicros / MICROS_PER_SECOND,
    },
    { metricName: `${name}_count`, labels: { phase }, value: latency.count },
  ]
}
