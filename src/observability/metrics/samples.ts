/** Samples of a metric, from what was counted. */
import { REFUSAL_REASONS, type RefusalReason } from '../../protocol/refusal-reason.ts'
import { CACHES, type CacheFill } from '../cache-reading.ts'
import type { MergedLatency } from '../latency-histogram.ts'
import type { CountsByLabels, MergedMetrics } from '../metrics-ledger.ts'
import type { MetricsReading } from './metrics-reading.ts'

export interface Sample {
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

export function single(value: number): Sample[] {
  return [{ labels: NO_LABELS, value }]
}

/** One sample a state: 1 for the current one, 0 for the others. @param current `null`: none yet. */
export function oneOfStates<State extends string>(
  states: readonly State[],
  current: State | null,
  labels: Sample['labels'] = NO_LABELS,
): Sample[] {
  return states.map((state) => ({
    labels: { ...labels, state },
    value: state === current ? 1 : 0,
  }))
}

export function ofCaches(
  fills: MetricsReading['cacheFills'],
  pick: (fill: CacheFill) => number,
): Sample[] {
  return CACHES.map((cache) => ({ labels: { cache }, value: pick(fills[cache]) }))
}

export function oneLabel(counts: ReadonlyMap<string, number>, label: string): Sample[] {
  return [...counts].map(([name, value]) => ({ labels: { [label]: name }, value }))
}

export function twoLabels(counts: CountsByLabels, outer: string, inner: string): Sample[] {
  return [...counts].flatMap(([outerName, row]) =>
    [...row].map(([innerName, value]) => ({
      labels: { [outer]: outerName, [inner]: innerName },
      value,
    })),
  )
}

export function byUpstream<Reading>(
  upstreams: ReadonlyMap<string, Reading>,
  pick: (reading: Reading) => number,
): Sample[] {
  return [...upstreams].map(([upstream, reading]) => ({
    labels: { upstream },
    value: pick(reading),
  }))
}

/** The code that clients were told follows from the reason. */
export function withCode({ labels, value }: Sample): Sample {
  const row = REFUSAL_REASONS[labels['reason'] as RefusalReason]
  return { labels: { code: row.code, ...labels }, value }
}

export function eventLoopDelays(thread: MergedMetrics['threads'][number]): Sample[] {
  const { delayP50Micros, delayP99Micros, delayMaxMicros } = thread.eventLoop
  const byStatistic = { p50: delayP50Micros, p99: delayP99Micros, max: delayMaxMicros }
  return Object.entries(byStatistic).map(([statistic, micros]) => ({
    labels: { thread: String(thread.threadIndex), statistic },
    value: micros / MICROS_PER_SECOND,
  }))
}

/** @param name Of the metric. */
export function histogram(name: string, latency: MergedLatency, phase: string): Sample[] {
  const { count, sumMicros } = latency
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
    { metricName: `${name}_bucket`, labels: { phase, le: '+Inf' }, value: count },
    {
      metricName: `${name}_sum`,
      labels: { phase },
      value: sumMicros / MICROS_PER_SECOND,
    },
    { metricName: `${name}_count`, labels: { phase }, value: count },
  ]
}
