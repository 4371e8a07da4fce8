/**
 * The supervisor's book of what all listener threads counted, dead ones included: a counter must
 * never go down because a thread was replaced or a configuration was swapped.
 */
import { AUTH_ERROR_CODES } from '../protocol/auth-error.ts'
import { REFUSAL_REASON_NAMES } from '../protocol/refusal-reason.ts'
import { ACCESS_KINDS } from './access-log.ts'
import { CacheTotals } from './cache-reading.ts'
import type { EventLoopReading } from './event-loop-probe.ts'
import { MergedLatency } from './latency-histogram.ts'
import {
  type ListenerGauges,
  type ListenerSnapshot,
  type NamedCounts,
  nameAt,
  type RedisReading,
} from './listener-metrics.ts'
import {
  CACHE_RESULTS,
  LATENCY_PHASES,
  type LatencyPhase,
  OUTCOMES,
} from './metrics/metric-words.ts'
import { addCounts, NOTHING_COUNTED, type ThreadCounts } from './metrics/thread-counters.ts'
import { addUnderName, rowOf } from './named-counts.ts'
import { mergedGauges, type UpstreamGauges } from './upstream-reading.ts'

/** Counts by two labels: `counts.get(first)?.get(second)`. Zeroes are left out. */
export type CountsByLabels = ReadonlyMap<string, ReadonlyMap<string, number>>

export interface ThreadReading {
  readonly threadIndex: number
  readonly eventLoop: EventLoopReading
}

export interface MergedMetrics {
  /** By route, then outcome. */
  readonly requests: CountsByLabels
  /** By reason, then issuer. */
  readonly refusals: CountsByLabels
  /** By route, then code. */
  readonly shadowRefusals: CountsByLabels
  readonly cacheLookups: ReadonlyMap<string, number>
  /** By kind. */
  readonly accessLinesLeftOut: ReadonlyMap<string, number>
  readonly caches: CacheTotals
  readonly counts: ThreadCounts
  /** By issuer, then result. Zeroes included: there are few. */
  readonly introspection: CountsByLabels
  /** By name. */
  readonly securityEvents: ReadonlyMap<string, number>
  /** By upstream, then what was counted. Zeroes included. */
  readonly upstreamCounts: CountsByLabels
  /** By upstream, then reason. */
  readonly upstreamFailures: CountsByLabels
  readonly redis: RedisReading
  readonly latencies: Readonly<Record<LatencyPhase, MergedLatency>>
  readonly verificationQueueDepth: number
  readonly openConnections: number
  /** In use at once, in the thread that has most. */
  readonly revisions: number
  /** By name. */
  readonly upstreams: ReadonlyMap<string, UpstreamGauges>
  readonly threads: readonly ThreadReading[]
}

/** The part of the merged figures that only ever grows. */
class Totals {
  readonly requests = new Map<string, Map<string, number>>()
  readonly refusals = new Map<string, Map<string, number>>()
  readonly shadowRefusals = new Map<string, Map<string, number>>()
  /** Zeroes included: there are few, and a rate needs to see a counter before it first moves. */
  readonly cacheLookups = new Map<string, number>(CACHE_RESULTS.map((result) => [result, 0]))
  readonly accessLinesLeftOut = new Map<string, number>(ACCESS_KINDS.map((kind) => [kind, 0]))
  readonly introspection = new Map<string, Map<string, number>>()
  readonly securityEvents = new Map<string, number>()
  readonly upstreamCounts = new Map<string, Map<string, number>>()
  readonly upstreamFailures = new Map<string, Map<string, number>>()
  readonly caches = new CacheTotals()
  counts = NOTHING_COUNTED
  readonly latencies: Record<LatencyPhase, MergedLatency> = {
    total: new MergedLatency(),
    authenticate: new MergedLatency(),
    upstream: new MergedLatency(),
  }

  add(snapshot: ListenerSnapshot): void {
    snapshot.requests.forEach((count, place) => {
      const route = nameAt(snapshot.routeNames, Math.trunc(place / OUTCOMES.length))
      addTo(rowOf(this.requests, route), nameAt(OUTCOMES, place % OUTCOMES.length), count)
    })
    snapshot.refusals.forEach((count, place) => {
      const reason = nameAt(REFUSAL_REASON_NAMES, place % REFUSAL_REASON_NAMES.length)
      const issuer = nameAt(snapshot.issuerNames, Math.trunc(place / REFUSAL_REASON_NAMES.length))
      addTo(rowOf(this.refusals, reason), issuer, count)
    })
    snapshot.shadowRefusals.forEach((count, place) => {
      const route = nameAt(snapshot.routeNames, Math.trunc(place / AUTH_ERROR_CODES.length))
      const code = nameAt(AUTH_ERROR_CODES, place % AUTH_ERROR_CODES.length)
      if (count > 0) addTo(rowOf(this.shadowRefusals, route), code, count)
    })
    snapshot.cacheLookups.forEach((count, place) => {
      addTo(this.cacheLookups, nameAt(CACHE_RESULTS, place), count)
    })
    snapshot.accessLinesLeftOut.forEach((count, place) => {
      addTo(this.accessLinesLeftOut, nameAt(ACCESS_KINDS, place), count)
    })
    this.#addGauges(snapshot.gauges)
    this.caches.add(snapshot.gauges.caches)
    this.counts = addCounts(this.counts, snapshot.gauges.counts)
    snapshot.latencies.forEach((latency, place) => {
      const phase = LATENCY_PHASES[place]
      if (phase !== undefined) this.latencies[phase].add(latency)
    })
  }

  #addGauges(gauges: ListenerGauges): void {
    addNamed(this.introspection, gauges.introspection)
    addNamed(this.upstreamCounts, gauges.upstreamCounts)
    addNamed(this.upstreamFailures, gauges.upstreamFailures)
    addAll(this.securityEvents, gauges.securityEvents)
  }

  addTotals(other: Totals): void {
    addRows(this.requests, other.requests)
    addRows(this.refusals, other.refusals)
    addRows(this.shadowRefusals, other.shadowRefusals)
    addAll(this.cacheLookups, other.cacheLookups)
    addAll(this.accessLinesLeftOut, other.accessLinesLeftOut)
    addRows(this.introspection, other.introspection)
    addAll(this.securityEvents, other.securityEvents)
    addRows(this.upstreamCounts, other.upstreamCounts)
    addRows(this.upstreamFailures, other.upstreamFailures)
    this.caches.addTotals(other.caches)
    this.counts = addCounts(this.counts, other.counts)
    for (const phase of LATENCY_PHASES) this.latencies[phase].addMerged(other.latencies[phase])
  }
}

export class MetricsLedger {
  /** One sum, however many threads came and went. */
  readonly #retired = new Totals()
  readonly #latest = new Map<number, ListenerSnapshot>()

  /** Remembers what a thread last said about itself. */
  update(snapshot: ListenerSnapshot): void {
    this.#latest.set(snapshot.threadIndex, snapshot)
  }

  /**
   * The thread is gone, or has begun to count anew: its last known totals are kept for good. What
   * it counted after its last snapshot is lost when it died without a word.
   */
  retire(threadIndex: number): void {
    const last = this.#latest.get(threadIndex)
    if (last === undefined) return
    this.#latest.delete(threadIndex)
    this.#retired.add(last)
  }

  merge(): MergedMetrics {
    const totals = new Totals()
    totals.addTotals(this.#retired)
    let verificationQueueDepth = 0
    let openConnections = 0
    let revisions = 0
    let redisOpen = 0
    let redisReady = 0
    const upstreams = new Map<string, UpstreamGauges>()
    const threads: ThreadReading[] = []
    for (const snapshot of this.#latest.values()) {
      totals.add(snapshot)
      const { gauges, threadIndex, eventLoop } = snapshot
      verificationQueueDepth += gauges.verificationQueueDepth
      openConnections += gauges.openConnections
      revisions = Math.max(revisions, gauges.revisions)
      redisOpen += gauges.redis.open
      redisReady += gauges.redis.ready
      for (const reading of gauges.upstreams) {
        upstreams.set(reading.name, mergedGauges(upstreams.get(reading.name), reading))
      }
      threads.push({ threadIndex, eventLoop })
    }
    return {
      requests: totals.requests,
      refusals: totals.refusals,
      shadowRefusals: totals.shadowRefusals,
      cacheLookups: totals.cacheLookups,
      accessLinesLeftOut: totals.accessLinesLeftOut,
      introspection: totals.introspection,
      securityEvents: totals.securityEvents,
      upstreamCounts: totals.upstreamCounts,
      upstreamFailures: totals.upstreamFailures,
      caches: totals.caches,
      counts: totals.counts,
      redis: { open: redisOpen, ready: redisReady },
      latencies: totals.latencies,
      verificationQueueDepth,
      openConnections,
      revisions,
      upstreams,
      threads,
    }
  }
}

/** Adds the one to the other, by name. */
export function addAll(counts: Map<string, number>, added: ReadonlyMap<string, number>): void {
  for (const [name, count] of added) addTo(counts, name, count)
}

function addRows(counts: Map<string, Map<string, number>>, added: CountsByLabels): void {
  for (const [outer, row] of added) {
    for (const [inner, count] of row) addTo(rowOf(counts, outer), inner, count)
  }
}

/** Zeroes included. */
function addNamed(rows: Map<string, Map<string, number>>, added: readonly NamedCounts[]): void {
  for (const { name, counts } of added) addUnderName(rows, name, counts)
}

function addTo(counts: Map<string, number>, label: string, count: number): void {
  if (count > 0) counts.set(label, (counts.get(label) ?? 0) + count)
}
