/**
 * What all listener threads did from one look to the next, out of what each has counted since it
 * started. Nothing of it goes to the metrics, which have a ledger of their own.
 */
import { REFUSAL_REASON_NAMES, type RefusalReason } from '../protocol/refusal-reason.ts'
import type { EventLoopTimes } from './event-loop-probe.ts'
import type { ListenerGauges, TrafficReading } from './listener-metrics.ts'
import { CACHE_RESULTS, LATENCY_PHASES, NO_NAME, OUTCOMES } from './metrics/metric-words.ts'
import { addByPlace } from './placed-counts.ts'

export interface ThreadTraffic {
  readonly threadIndex: number
  readonly gauges: ListenerGauges
  /** Share of the time in which its event loop was busy, 0 to 1. */
  readonly utilization: number
}

export interface Traffic {
  /** By route: finished requests in the order of `OUTCOMES`. Routes without any are left out. */
  readonly routes: ReadonlyMap<string, Float64Array>
  /** Zeroes are left out. */
  readonly refusals: ReadonlyMap<RefusalReason, number>
  /** In the order of `CACHE_RESULTS`. */
  readonly cacheLookups: Float64Array
  /** In the order of `LATENCY_PHASES`: for `percentilesOf`. */
  readonly latencies: readonly Float64Array[]
  /** In the order of their indexes. */
  readonly threads: readonly ThreadTraffic[]
}

interface ThreadStanding {
  readonly reading: TrafficReading
  readonly utilization: number
}

export class TrafficLedger {
  readonly #standings = new Map<number, ThreadStanding>()
  #routes = new Map<string, Float64Array>()
  #refusals = new Map<RefusalReason, number>()
  #cacheLookups = new Float64Array(CACHE_RESULTS.length)
  #latencies: Float64Array[] = LATENCY_PHASES.map(() => new Float64Array(0))

  /** Adds what the thread did since its last reading; of a new thread, all of it. */
  update(reading: TrafficReading): void {
    const before = this.#standings.get(reading.threadIndex)?.reading ?? null
    this.#addRoutes(reading, before)
    this.#addRefusals(reading.refusals, before?.refusals)
    addByPlace(this.#cacheLookups, grown(reading.cacheLookups, before?.cacheLookups))
    this.#latencies = this.#latencies.map((sum, phase) => {
      const counts = reading.latencies[phase] ?? new Float64Array(0)
      const total = sum.length === counts.length ? sum : new Float64Array(counts.length)
      return addByPlace(total, grown(counts, before?.latencies[phase]))
    })
    const utilization = utilizationOf(reading.eventLoop, before?.eventLoop)
    this.#standings.set(reading.threadIndex, { reading, utilization })
  }

  /** The thread is gone, and its successor counts anew. What it did after its last word is lost. */
  retire(threadIndex: number): void {
    this.#standings.delete(threadIndex)
  }

  /** Begins anew. */
  take(): Traffic {
    const threads = [...this.#standings.values()]
      .map(({ reading: { threadIndex, gauges }, utilization }) => ({
        threadIndex,
        gauges,
        utilization,
      }))
      .sort((one, other) => one.threadIndex - other.threadIndex)
    const taken = {
      routes: this.#routes,
      refusals: this.#refusals,
      cacheLookups: this.#cacheLookups,
      latencies: this.#latencies,
      threads,
    }
    this.#routes = new Map()
    this.#refusals = new Map()
    this.#cacheLookups = new Float64Array(CACHE_RESULTS.length)
    this.#latencies = LATENCY_PHASES.map(() => new Float64Array(0))
    return taken
  }

  #addRoutes({ routeNames, requests }: TrafficReading, before: TrafficReading | null): void {
    const width = OUTCOMES.length
    for (let row = 0; row * width < requests.length; row += 1) {
      const name = routeNames[row] ?? NO_NAME
      const counts = requests.subarray(row * width, (row + 1) * width)
      const known = before === null ? undefined : rowOf(before, name, row)
      // Of thousands of routes most are quiet.
      if (counts.every((count, place) => count === (known?.[place] ?? 0))) continue
      const growth = grown(counts, known)
      const sum = this.#routes.get(name)
      if (sum === undefined) this.#routes.set(name, growth)
      else addByPlace(sum, growth)
    }
  }

  /** By reason first: the rows of issuers move when one is added. */
  #addRefusals(counts: Float64Array, before: Float64Array | undefined): void {
    const growth = grown(sumByReason(counts), before && sumByReason(before))
    growth.forEach((count, place) => {
      const reason = REFUSAL_REASON_NAMES[place]
      if (count === 0 || reason === undefined) return
      this.#refusals.set(reason, (this.#refusals.get(reason) ?? 0) + count)
    })
  }
}

function sumByReason(counts: Float64Array): Float64Array {
  const sums = new Float64Array(REFUSAL_REASON_NAMES.length)
  counts.forEach((count, place) => {
    sums[place % sums.length] = (sums[place % sums.length] ?? 0) + count
  })
  return sums
}

/** Routes keep their places as a rule; where they moved, the name finds them. */
function rowOf(
  { routeNames, requests }: TrafficReading,
  name: string,
  likelyRow: number,
): Float64Array | undefined {
  const isThere = (routeNames[likelyRow] ?? NO_NAME) === name
  const found = isThere ? likelyRow : routeNames.indexOf(name)
  const row = found === -1 && name === NO_NAME ? routeNames.length : found
  if (row === -1) return undefined
  return requests.subarray(row * OUTCOMES.length, (row + 1) * OUTCOMES.length)
}

function grown(counts: Float64Array, before: Float64Array | undefined): Float64Array {
  if (before === undefined) return counts.slice()
  return counts.map((count, place) => Math.max(0, count - (before[place] ?? 0)))
}

function utilizationOf(now: EventLoopTimes, before: EventLoopTimes | undefined): number {
  const activeMs = now.activeMs - (before?.activeMs ?? 0)
  const idleMs = now.idleMs - (before?.idleMs ?? 0)
  return activeMs + idleMs <= 0 ? 0 : activeMs / (activeMs + idleMs)
}
