/**
 * Looks at the instance once a second, once for all who watch, and keeps the last 15 minutes, so
 * that a page that is opened during an incident shows how it began.
 *
 * Without a watcher only the counts of the listener threads are looked at.
 */
import type {
  LiveRoutes,
  LiveSample,
  LiveSecond,
  LiveSource,
  LiveStart,
  LiveState,
  LiveWords,
} from '../admin/live-sample.ts'
import { percentilesOf } from '../observability/latency-histogram.ts'
import { CACHE_RESULTS, LATENCY_PHASES, OUTCOMES } from '../observability/metrics/metric-words.ts'
import type { ThreadTraffic, Traffic } from '../observability/traffic-ledger.ts'
import { REFUSAL_REASONS } from '../protocol/refusal-reason.ts'
import type { Clock } from '../runtime/clock.ts'
import type { RecentEvents } from './recent-events.ts'
import { thousandths } from './rounding.ts'
import { RouteRates } from './route-rates.ts'

const INTERVAL_MS = 1_000
const MS_PER_SECOND = 1_000
const HISTORY_MAX = 900
const REASONS_TOLD_MAX = 16
const PERCENTILES = [50, 99, 99.9]

export interface LiveViewParts {
  readonly version: string
  readonly events: RecentEvents
  readonly clock: Clock
  /** What the listener threads did since it was asked for the last time. */
  readonly traffic: () => Promise<Traffic>
  readonly state: (threads: readonly ThreadTraffic[]) => LiveState
  readonly onFailure: (error: unknown) => void
}

export class LiveView implements LiveSource {
  readonly #parts: LiveViewParts
  readonly #words: LiveWords
  readonly #routes = new RouteRates()
  readonly #watchers = new Set<(second: LiveSecond) => void>()
  readonly #startedAtMs: number
  #history: LiveSample[] = []
  #threads: readonly ThreadTraffic[] = []
  #lookedAtMs: number
  #toldEventId = 0
  #timer: NodeJS.Timeout | null = null

  constructor(parts: LiveViewParts) {
    this.#parts = parts
    this.#startedAtMs = parts.clock.wallMs()
    this.#lookedAtMs = parts.clock.monotonicMs()
    this.#words = {
      version: parts.version,
      node: process.version,
      startedAtMs: this.#startedAtMs,
      outcomes: OUTCOMES,
      phases: LATENCY_PHASES,
      percentiles: PERCENTILES,
      cacheResults: CACHE_RESULTS,
      reasons: REFUSAL_REASONS,
    }
  }

  /** Of the configuration in use. */
  listRoutes(names: readonly string[]): void {
    this.#routes.list(names)
  }

  begin(): void {
    this.#lookedAtMs = this.#parts.clock.monotonicMs()
    this.#timer = setTimeout(() => void this.#lookAndGoOn(), INTERVAL_MS).unref()
  }

  end(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }

  start(): LiveStart {
    const events = this.#parts.events.since(0)
    return {
      words: this.#words,
      history: this.#history,
      now: { sample: null, ...this.#standing(), events },
    }
  }

  watch(onSecond: (second: LiveSecond) => void): () => void {
    // What came before is in the start of a watcher.
    if (this.#watchers.size === 0) this.#toldEventId = this.#parts.events.since(0).at(-1)?.id ?? 0
    this.#watchers.add(onSecond)
    return () => this.#watchers.delete(onSecond)
  }

  routes(filter: string): LiveRoutes {
    return this.#routes.busiest(filter)
  }

  /** One look after the other, however long it takes. */
  async #lookAndGoOn(): Promise<void> {
    try {
      await this.#look()
    } catch (error) {
      this.#parts.onFailure(error)
    }
    this.#timer?.refresh()
  }

  async #look(): Promise<void> {
    const traffic = await this.#parts.traffic()
    const nowMs = this.#parts.clock.monotonicMs()
    const seconds = Math.max(nowMs - this.#lookedAtMs, 1) / MS_PER_SECOND
    this.#lookedAtMs = nowMs
    this.#threads = traffic.threads
    this.#routes.add(traffic.routes, seconds)
    const sample = sampleOf(traffic, this.#parts.clock.wallMs(), seconds)
    this.#history.push(sample)
    if (this.#history.length > HISTORY_MAX) this.#history.shift()
    if (this.#watchers.size === 0) return
    const events = this.#parts.events.since(this.#toldEventId)
    this.#toldEventId = events.at(-1)?.id ?? this.#toldEventId
    const second = { sample, ...this.#standing(), events }
    for (const onSecond of this.#watchers) onSecond(second)
  }

  #standing(): Pick<LiveSecond, 'state' | 'routes'> {
    return { state: this.#parts.state(this.#threads), routes: this.#routes.busiest('') }
  }
}

function sampleOf(traffic: Traffic, atMs: number, seconds: number): LiveSample {
  const { threads } = traffic
  const outcomes = OUTCOMES.map(() => 0)
  for (const counts of traffic.routes.values()) {
    counts.forEach((count, place) => {
      outcomes[place] = (outcomes[place] ?? 0) + count
    })
  }
  return {
    atMs,
    seconds: thousandths(seconds),
    outcomes,
    latencies: traffic.latencies.map((counts) => percentilesOf(counts, PERCENTILES)),
    cache: [...traffic.cacheLookups],
    refusals: [...traffic.refusals]
      .sort(([, one], [, other]) => other - one)
      .slice(0, REASONS_TOLD_MAX),
    connections: threads.reduce((sum, { gauges }) => sum + gauges.openConnections, 0),
    verifying: threads.reduce((sum, { gauges }) => sum + gauges.verificationQueueDepth, 0),
    busiest: thousandths(Math.max(0, ...threads.map(({ utilization }) => utilization))),
  }
}
