/** What the parts of the instance are in now, for the live page. */
import type { LiveIssuer, LiveState, LiveUpstream } from '../admin/live-sample.ts'
import type { Readiness } from '../gateway/health.ts'
import type { ThreadTraffic } from '../observability/traffic-ledger.ts'
import { mergedGauges, type UpstreamGauges } from '../observability/upstream-reading.ts'
import { LimitCells } from '../rate-limit/limit-cells.ts'
import { systemClock } from '../runtime/clock.ts'
import type { SharedBuffers } from '../threads/listener-start.ts'
import { readCacheFills } from './cache-fills.ts'
import type { RevisionInUse } from './configuration-reloads.ts'
import type { GatewayLog } from './gateway-log.ts'
import type { IntrospectionReading } from './introspection-reader.ts'
import type { IssuerKeys } from './issuer-keys.ts'
import { thousandths } from './rounding.ts'
import type { RunningListeners } from './running-listeners.ts'
import type { SignatureStanding } from './signature-standing.ts'
import type { SupervisorStores } from './supervisor-stores.ts'

const MICROS_PER_MS = 1_000
const MS_PER_SECOND = 1_000
/** How full tables are takes milliseconds to find out, and changes slowly. */
const FILLS_EVERY_MS = 5_000

/** What is looked at. */
export interface InstanceParts {
  readonly buffers: SharedBuffers
  readonly log: GatewayLog
  readonly keys: IssuerKeys
  readonly stores: SupervisorStores
  readonly signatures: SignatureStanding
  readonly listeners: RunningListeners
  readonly listenerCount: number
  /** Whether anything may be limited. */
  readonly hasLimits: () => boolean
  readonly revision: () => RevisionInUse
  readonly readiness: () => Readiness
}

interface Fills {
  readonly takenAtMs: number
  readonly limits: ReturnType<LimitCells['fill']>
  readonly cache: ReturnType<typeof readCacheFills>['token']
}

export class InstanceState {
  readonly #parts: InstanceParts
  readonly #introspection: () => readonly IntrospectionReading[]
  readonly #limitCells: LimitCells
  #fills: Fills | null = null

  constructor(parts: InstanceParts, introspection: () => readonly IntrospectionReading[]) {
    this.#parts = parts
    this.#introspection = introspection
    this.#limitCells = new LimitCells(parts.buffers.limitCells)
  }

  read(threads: readonly ThreadTraffic[]): LiveState {
    const { keys, stores, log } = this.#parts
    const { ready, status } = this.#parts.readiness()
    const revocations = stores.revocations.status()
    const dropped = [...log.reading().dropped.values()].reduce((sum, count) => sum + count, 0)
    return {
      ready,
      status,
      revision: this.#parts.revision(),
      residentBytes: process.memoryUsage.rss(),
      issuers: keys.statuses().map(issuerOf),
      introspection: this.#introspection(),
      upstreams: upstreamsOf(threads),
      threads: this.#threads(threads),
      redis: this.#redis(threads),
      ...this.#fullness(threads),
      revocations: {
        active: revocations.active,
        capacity: revocations.capacity,
        feed: revocations.feed?.state ?? null,
      },
      tenants: stores.tenants.reading(),
      linesDropped: dropped,
    }
  }

  #threads(threads: readonly ThreadTraffic[]): LiveState['threads'] {
    const { listeners, signatures } = this.#parts
    return {
      expected: this.#parts.listenerCount,
      restarts: listeners.restarts,
      listeners: threads.map(({ threadIndex, utilization }) => ({
        thread: threadIndex,
        utilization: thousandths(utilization),
      })),
      signatures: signatures.reading().state,
    }
  }

  #redis(threads: readonly ThreadTraffic[]): LiveState['redis'] {
    const states = [...this.#parts.listeners.redisStates.values()]
    const open = sumOf(threads, ({ gauges }) => gauges.redis.open)
    if (states.length === 0 && open === 0) return null
    const ready = sumOf(threads, ({ gauges }) => gauges.redis.ready)
    return { open, ready, down: states.filter((state) => state !== 'ready').length }
  }

  #fullness(threads: readonly ThreadTraffic[]): Pick<LiveState, 'limits' | 'cache'> {
    const { limits, cache } = this.#readFills()
    return {
      limits: !this.#parts.hasLimits()
        ? null
        : {
            counted: limits.used - limits.locked,
            locked: limits.locked,
            capacity: limits.capacity,
            lockouts: sumOf(threads, ({ gauges }) => gauges.counts.lockouts),
            fallbacks: sumOf(threads, ({ gauges }) => gauges.counts.rateLimitFallbacks),
            evicted: sumOf(threads, ({ gauges }) => gauges.counts.rateLimitKeysEvicted),
          },
      cache: { entries: cache.entries, slotsUsed: cache.slotsUsed, slots: cache.slots },
    }
  }

  #readFills(): Fills {
    const nowMs = systemClock.processMs()
    if (this.#fills === null || nowMs - this.#fills.takenAtMs >= FILLS_EVERY_MS) {
      this.#fills = {
        takenAtMs: nowMs,
        limits: this.#limitCells.fill(nowMs * MICROS_PER_MS),
        cache: readCacheFills(this.#parts.buffers, systemClock.nowSeconds()).token,
      }
    }
    return this.#fills
  }
}

type IssuerStatus = ReturnType<IssuerKeys['statuses']>[number]

function issuerOf(status: IssuerStatus): LiveIssuer {
  const { nextRefreshInMs } = status
  return {
    name: status.issuerName,
    state: status.state,
    keys: status.keyCount,
    keyAgeSeconds: status.ageSeconds,
    failures: status.consecutiveFailures,
    lastFailure: status.lastFailure,
    nextRefreshSeconds:
      nextRefreshInMs === null ? null : Math.ceil(nextRefreshInMs / MS_PER_SECOND),
  }
}

function upstreamsOf(threads: readonly ThreadTraffic[]): LiveUpstream[] {
  const byName = new Map<string, UpstreamGauges>()
  for (const reading of threads.flatMap(({ gauges }) => gauges.upstreams)) {
    byName.set(reading.name, mergedGauges(byName.get(reading.name), reading))
  }
  return [...byName].map(([name, { ejectedByTarget: _targets, ...gauges }]) => {
    return { name, ...gauges }
  })
}

function sumOf(
  threads: readonly ThreadTraffic[],
  countOf: (thread: ThreadTraffic) => number,
): number {
  return threads.reduce((sum, thread) => sum + countOf(thread), 0)
}
