/**
 * What one listener thread counts, in flat arrays. A route or issuer finds its place in them by its
 * name, once, when the configuration is compiled, and keeps it as long as the thread lives: what
 * another configuration adds comes behind, and what it leaves out is still told.
 *
 * Hot path: every method except `snapshot`, `stop` and those that give a place. Counting is one
 * addition to a number in an array; no label is ever looked up while a request runs.
 */
import { AUTH_ERROR_CODES, type AuthErrorCode } from '../protocol/auth-error.ts'
import { REFUSAL_REASON_NAMES, type RefusalReason } from '../protocol/refusal-reason.ts'
import { ACCESS_KINDS, type AccessKind } from './access-log.ts'
import type { CountsOfCaches } from './cache-reading.ts'
import { EventLoopProbe, type EventLoopReading, type EventLoopTimes } from './event-loop-probe.ts'
import { LatencyHistogram, type LatencyReading } from './latency-histogram.ts'
import {
  CACHE_RESULTS,
  type CacheResult,
  LATENCY_PHASES,
  NO_NAME,
  OUTCOMES,
  type Outcome,
} from './metrics/metric-words.ts'
import type { ThreadCounts } from './metrics/thread-counters.ts'
import type { UpstreamReading } from './upstream-reading.ts'

/** Route or issuer index for "none". */
export const NO_INDEX = -1

export interface ListenerMetricsOptions {
  readonly threadIndex: number
  /** Counted from the start. */
  readonly routeNames: readonly string[]
  readonly issuerNames: readonly string[]
}

/** What was counted under one name since the thread started, whatever became of its settings. */
export interface NamedCounts {
  readonly name: string
  readonly counts: ReadonlyMap<string, number>
}

/** Connections of one thread to Redis. */
export interface RedisReading {
  readonly open: number
  readonly ready: number
}

/** Values that are read when someone asks, not counted here. */
export interface ListenerGauges {
  /** Since this thread started. */
  readonly caches: CountsOfCaches
  readonly verificationQueueDepth: number
  /** Since this thread started. */
  readonly counts: ThreadCounts
  /** All zero where nothing uses Redis. */
  readonly redis: RedisReading
  readonly openConnections: number
  readonly upstreams: readonly UpstreamReading[]
  /** By upstream, those that are gone included; zeroes too. */
  readonly upstreamCounts: readonly NamedCounts[]
  /** Attempts that failed, by upstream and reason. */
  readonly upstreamFailures: readonly NamedCounts[]
  /** What became of requests to introspection endpoints, by issuer; zeroes too. */
  readonly introspection: readonly NamedCounts[]
  /** Revisions that are in use, those that old requests still run under included. */
  readonly revisions: number
  /** Security events since the thread started, by name; those that were left out included. */
  readonly securityEvents: ReadonlyMap<string, number>
}

/** Everything that one thread counted since it started. Survives structured cloning. */
export interface ListenerSnapshot {
  readonly threadIndex: number
  readonly routeNames: readonly string[]
  readonly issuerNames: readonly string[]
  /** `[route][outcome]` flat; the row behind the last route is "none". */
  readonly requests: Float64Array
  /** `[issuer][reason]` flat; the row behind the last issuer is "none". */
  readonly refusals: Float64Array
  /** `[route][code]` flat. */
  readonly shadowRefusals: Float64Array
  readonly cacheLookups: Float64Array
  /** In the order of `ACCESS_KINDS`. */
  readonly accessLinesLeftOut: Float64Array
  /** In the order of `LATENCY_PHASES`. */
  readonly latencies: readonly LatencyReading[]
  readonly gauges: ListenerGauges
  readonly eventLoop: EventLoopReading
}

/**
 * The same without what is expensive to put together, and without taking anything away from the
 * next scrape. Survives structured cloning.
 */
export interface TrafficReading {
  readonly threadIndex: number
  readonly routeNames: readonly string[]
  /** As in {@link ListenerSnapshot}. */
  readonly requests: Float64Array
  readonly refusals: Float64Array
  readonly cacheLookups: Float64Array
  /** In the order of `LATENCY_PHASES`: for `percentilesOf`. */
  readonly latencies: readonly Float64Array[]
  readonly gauges: ListenerGauges
  readonly eventLoop: EventLoopTimes
}

const OUTCOME_INDEX = indexOf(OUTCOMES)
const REASON_INDEX = indexOf(REFUSAL_REASON_NAMES)
const CODE_INDEX = indexOf(AUTH_ERROR_CODES)
const CACHE_RESULT_INDEX = indexOf(CACHE_RESULTS)
const ACCESS_KIND_INDEX = indexOf(ACCESS_KINDS)

/** Statuses outside of 100 to 599 never come from an upstream; the proxy refuses them. */
const STATUS_CLASSES = 5

export class ListenerMetrics {
  /** CORS preflights that were answered without an upstream. */
  preflightCount = 0
  readonly #threadIndex: number
  readonly #routeNames: string[] = []
  readonly #issuerNames: string[] = []
  #requests = new Float64Array(OUTCOMES.length)
  #refusals = new Float64Array(REFUSAL_REASON_NAMES.length)
  #shadowRefusals = new Float64Array(0)
  readonly #cacheLookups = new Float64Array(CACHE_RESULTS.length)
  readonly #accessLinesLeftOut = new Float64Array(ACCESS_KINDS.length)
  readonly #total = new LatencyHistogram()
  readonly #authenticate = new LatencyHistogram()
  readonly #upstream = new LatencyHistogram()
  readonly #eventLoop = new EventLoopProbe()

  constructor({ threadIndex, routeNames, issuerNames }: ListenerMetricsOptions) {
    this.#threadIndex = threadIndex
    for (const name of routeNames) this.routeIndex(name)
    for (const name of issuerNames) this.issuerIndex(name)
  }

  /** The index of a route, to count with: a new one for a name that was not counted before. */
  routeIndex(name: string): number {
    const known = this.#routeNames.indexOf(name)
    if (known !== -1) return known
    this.#requests = withRow(this.#requests, OUTCOMES.length)
    const shadowPlaces = (this.#routeNames.length + 1) * AUTH_ERROR_CODES.length
    this.#shadowRefusals = grown(this.#shadowRefusals, shadowPlaces)
    return this.#routeNames.push(name) - 1
  }

  /** The same for an issuer. */
  issuerIndex(name: string): number {
    const known = this.#issuerNames.indexOf(name)
    if (known !== -1) return known
    this.#refusals = withRow(this.#refusals, REFUSAL_REASON_NAMES.length)
    return this.#issuerNames.push(name) - 1
  }

  /** An upstream answered with this status, and the client has the answer. */
  countForwarded(routeIndex: number, status: number): void {
    const statusClass = Math.trunc(status / 100) - 1
    if (statusClass < 0 || statusClass >= STATUS_CLASSES) return
    this.#addRequest(routeIndex, statusClass)
  }

  /** The request ended in another way than by an upstream's answer. */
  countEnded(routeIndex: number, outcome: Outcome): void {
    this.#addRequest(routeIndex, OUTCOME_INDEX[outcome])
  }

  /**
   * The gateway answered by itself. Count the request with `countEnded` as well.
   *
   * @param issuerIndex The issuer whose rules led to the refusal, or `NO_INDEX`.
   */
  countRefusal(reason: RefusalReason, issuerIndex: number): void {
    const row = issuerIndex === NO_INDEX ? this.#issuerNames.length : issuerIndex
    const place = row * REFUSAL_REASON_NAMES.length + REASON_INDEX[reason]
    this.#refusals[place] = (this.#refusals[place] ?? 0) + 1
  }

  /** A refusal that was only reported. The request goes on, and is counted when it ends. */
  countShadowRefusal(code: AuthErrorCode, routeIndex: number): void {
    const place = routeIndex * AUTH_ERROR_CODES.length + CODE_INDEX[code]
    this.#shadowRefusals[place] = (this.#shadowRefusals[place] ?? 0) + 1
  }

  countCacheLookup(result: CacheResult): void {
    const place = CACHE_RESULT_INDEX[result]
    this.#cacheLookups[place] = (this.#cacheLookups[place] ?? 0) + 1
  }

  countAccessLineLeftOut(kind: AccessKind): void {
    const place = ACCESS_KIND_INDEX[kind]
    this.#accessLinesLeftOut[place] = (this.#accessLinesLeftOut[place] ?? 0) + 1
  }

  recordTotal(latencyMicros: number): void {
    this.#total.record(latencyMicros)
  }

  recordAuthenticate(latencyMicros: number): void {
    this.#authenticate.record(latencyMicros)
  }

  recordUpstream(latencyMicros: number): void {
    this.#upstream.record(latencyMicros)
  }

  /** A copy of everything. Costs a few milliseconds: for scrapes, not for requests. */
  snapshot(gauges: ListenerGauges): ListenerSnapshot {
    const byPhase = {
      total: this.#total,
      authenticate: this.#authenticate,
      upstream: this.#upstream,
    }
    return {
      threadIndex: this.#threadIndex,
      routeNames: this.#routeNames.slice(),
      issuerNames: this.#issuerNames.slice(),
      requests: this.#requests.slice(),
      refusals: this.#refusals.slice(),
      shadowRefusals: this.#shadowRefusals.slice(),
      cacheLookups: this.#cacheLookups.slice(),
      accessLinesLeftOut: this.#accessLinesLeftOut.slice(),
      latencies: LATENCY_PHASES.map((phase) => byPhase[phase].read()),
      gauges,
      eventLoop: this.#eventLoop.read(),
    }
  }

  /** Some copies of numbers: cheap enough for once a second. */
  traffic(gauges: ListenerGauges): TrafficReading {
    return {
      threadIndex: this.#threadIndex,
      routeNames: this.#routeNames,
      requests: this.#requests.slice(),
      refusals: this.#refusals.slice(),
      cacheLookups: this.#cacheLookups.slice(),
      latencies: [this.#total.counts(), this.#authenticate.counts(), this.#upstream.counts()],
      gauges,
      eventLoop: this.#eventLoop.times(),
    }
  }

  /** Ends the probe of the event loop. */
  stop(): void {
    this.#eventLoop.stop()
  }

  #addRequest(routeIndex: number, outcomeIndex: number): void {
    const row = routeIndex === NO_INDEX ? this.#routeNames.length : routeIndex
    const place = row * OUTCOMES.length + outcomeIndex
    this.#requests[place] = (this.#requests[place] ?? 0) + 1
  }
}

/** The label value behind an index of a snapshot. */
export function nameAt(names: readonly string[], index: number): string {
  return names[index] ?? NO_NAME
}

/** With room for one row more before the last one, which counts what has no name. */
function withRow(counts: Float64Array, rowLength: number): Float64Array<ArrayBuffer> {
  const larger = grown(counts, counts.length + rowLength)
  const last = counts.length - rowLength
  larger.copyWithin(last + rowLength, last, counts.length)
  return larger.fill(0, last, last + rowLength)
}

function grown(counts: Float64Array, length: number): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(length)
  larger.set(counts)
  return larger
}

function indexOf<T extends string>(words: readonly T[]): Readonly<Record<T, number>> {
  const index = Object.fromEntries(words.map((word, place) => [word, place]))
  return index as Record<T, number>
}
