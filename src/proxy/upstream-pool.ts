/**
 * One upstream as one listener thread sees it: its targets, which of them gets the next request,
 * and which are left out because they fail.
 *
 * A target that fails `ejectAfterFailures` times in a row is left out. When its time is up, one
 * request is let through to see if it is back: an answer of any status returns it, a failure
 * doubles the time, up to a maximum. If all targets are out, they are all used as if none were:
 * a wrong verdict about health must never make an outage by itself, and a refused connection
 * costs no more than a refusal of ours.
 */
import { RetryBudget } from '../resilience/retry-budget.ts'
import type { Clock } from '../runtime/clock.ts'
import type { ForwardLimits } from './forward-request.ts'
import type { UpstreamHost } from './request-fields.ts'
import type { UpstreamTls } from './upstream-connection.ts'
import type { UpstreamFailure } from './upstream-error.ts'
import { UpstreamTarget } from './upstream-target.ts'

/** How often silent upstreams and waiting requests are looked at. */
const SWEEP_INTERVAL_MS_MAX = 400
const SWEEP_INTERVAL_MS_MIN = 10
/** So that a time-out of 20 ms or more is at most doubled. */
const SWEEPS_PER_TIMEOUT_MIN = 2
/** Most that a sweep counts of the time since the last one, in intervals. */
const LISTENED_MAX = 1.25
/** Ejections after which the time to the next probe is not doubled further. */
const DOUBLINGS_MAX = 16

export interface UpstreamPoolOptions {
  /** Name in the configuration. */
  readonly name: string
  /** Origins (`http://host:port` or `https://…`), at least one. */
  readonly targets: readonly string[]
  /** Of this thread to each target: the process's number divided by its threads. At least 1. */
  readonly connectionsPerTarget: number
  /** Requests in work or waiting at one target; more are refused with `overloaded`. */
  readonly pendingPerTargetMax: number
  readonly connectTimeoutMs: number
  /** From the last byte of the request to the end of the response head. */
  readonly responseTimeoutMs: number
  /** Longest silence within a response body. */
  readonly bodyTimeoutMs: number
  /** Of the body of a request. */
  readonly bodyBytesMax: number
  /** What the requests have for `Host`. */
  readonly host: UpstreamHost
  /** In front of every path; empty: nothing. */
  readonly basePath: string
  /** For targets with https. PEM. */
  readonly tls: UpstreamTls
  /** Longest time that a request waits for a connection, then `overloaded`. */
  readonly waitTimeoutMs: number
  /** Idle connections close after this, or earlier when the upstream's `Keep-Alive` says so. */
  readonly keepAliveTimeoutMs: number
  readonly responseHeaderBytesMax: number
  readonly ejectAfterFailures: number
  readonly ejectionMs: number
  readonly ejectionMsMax: number
  /** Retries per hundred requests. */
  readonly retryPercent: number
  readonly retryBurst: number
}

/** What no setting changes. */
export const UPSTREAM_POOL_LIMITS = {
  pendingPerTargetMax: 4_096,
  waitTimeoutMs: 5_000,
  ejectionMsMax: 30_000,
  retryBurst: 10,
} as const satisfies Partial<UpstreamPoolOptions>

/** Hears what becomes of targets. Called only when something goes wrong, or well again. */
export interface UpstreamWatch {
  /** An attempt failed. @param error Of the HTTP client: for its code alone. */
  onFailed(target: UpstreamTarget, failure: UpstreamFailure, error: Error): void
  /** A target gets no requests from now on but probes. Not told again until it returns. */
  onEjected(target: UpstreamTarget, failure: UpstreamFailure, probedAfterMs: number): void
  /** A target that was ejected has answered. */
  onReturned(target: UpstreamTarget): void
}

/** What a failure is counted under: its reason, a space, its cause. */
function failureWords({ reason, cause }: UpstreamFailure): string {
  return `${reason} ${cause}`
}

const UNWATCHED: UpstreamWatch = { onFailed() {}, onEjected() {}, onReturned() {} }

export interface UpstreamTargetStats {
  readonly origin: string
  /** Requests in work or waiting. */
  readonly pending: number
  /** Of these, how many wait for a connection. */
  readonly waiting: number
  /** Open connections. */
  readonly connected: number
  readonly ejected: boolean
}

export interface UpstreamPoolStats {
  readonly name: string
  readonly targets: readonly UpstreamTargetStats[]
  readonly requests: number
  readonly retries: number
  /** Retries that the budget did not allow. */
  readonly retriesDenied: number
  /** Attempts that failed, by {@link failureWords}. */
  readonly failures: ReadonlyMap<string, number>
  /** How often a target was ejected that was not. */
  readonly ejections: number
  /** Exceptions that escaped a callback: each is a bug. */
  readonly faults: number
}

export class UpstreamPool {
  readonly name: string
  readonly clock: Clock
  /** See {@link UpstreamPoolOptions}: for each request. */
  readonly host: UpstreamHost
  readonly basePath: string
  readonly #options: UpstreamPoolOptions
  readonly #watch: UpstreamWatch
  readonly #failures = new Map<string, number>()
  readonly #targets: readonly UpstreamTarget[]
  readonly #budget: RetryBudget
  readonly #sweeper: NodeJS.Timeout
  /** Most that one sweep adds to {@link listenedMs}. */
  readonly #stepMsMax: number
  /**
   * For how long the thread has listened to its upstreams, as of the last sweep: a clock for those
   * who measure seconds, which costs nothing to read. It stands still while the thread is held up:
   * a thread that did not listen cannot tell that an upstream was silent.
   */
  listenedMs = 0
  #sweptAtMs: number
  /** Where the next search begins, so that equally loaded targets take turns. */
  #next = 0
  #ejected = 0
  #ejections = 0
  #requests = 0
  #retries = 0
  #retriesDenied = 0
  #onEmpty: (() => void) | null = null

  constructor(options: UpstreamPoolOptions, clock: Clock, watch: UpstreamWatch = UNWATCHED) {
    if (options.targets.length === 0) throw new RangeError('an upstream has at least one target')
    if (!(options.connectionsPerTarget >= 1)) {
      throw new RangeError('an upstream has at least one connection')
    }
    this.name = options.name
    this.clock = clock
    this.host = options.host
    this.basePath = options.basePath
    this.#options = options
    this.#watch = watch
    this.#budget = new RetryBudget({ percent: options.retryPercent, burst: options.retryBurst })
    this.#targets = options.targets.map(
      (origin) =>
        new UpstreamTarget(origin, {
          upstream: options.name,
          connections: options.connectionsPerTarget,
          pendingMax: options.pendingPerTargetMax,
          connectTimeoutMs: options.connectTimeoutMs,
          keepAliveTimeoutMs: options.keepAliveTimeoutMs,
          responseHeaderBytesMax: options.responseHeaderBytesMax,
          host: options.host,
          tls: options.tls,
        }),
    )
    const shortestMs = Math.min(options.responseTimeoutMs, options.bodyTimeoutMs)
    const intervalMs = Math.min(shortestMs / SWEEPS_PER_TIMEOUT_MIN, SWEEP_INTERVAL_MS_MAX)
    const sweepIntervalMs = Math.max(Math.floor(intervalMs), SWEEP_INTERVAL_MS_MIN)
    this.#stepMsMax = sweepIntervalMs * LISTENED_MAX
    this.#sweptAtMs = clock.monotonicMs()
    this.#sweeper = setInterval(() => this.sweep(), sweepIntervalMs)
    this.#sweeper.unref()
  }

  /** Counts a request, which earns a part of a retry. */
  countRequest(): void {
    this.#requests += 1
    this.#budget.earn()
  }

  /**
   * The target for the next attempt, already counted as pending there. {@link finish} must follow.
   *
   * @param avoid Not this one if there is another; `null` for the first attempt.
   * @returns `null` when as many requests are pending as may be: `overloaded`.
   */
  pick(avoid: UpstreamTarget | null): UpstreamTarget | null {
    const target =
      this.#targets.length === 1 ? (this.#targets[0] as UpstreamTarget) : this.#choose(avoid)
    if (target === null || target.full) return null
    target.pending += 1
    return target
  }

  /** The attempt is over and its connection, if it had one, is back. */
  finish(target: UpstreamTarget): void {
    target.pending -= 1
    if (this.#onEmpty !== null && this.pending === 0) this.#onEmpty()
  }

  /** Hot path: a response head came, of whatever status. */
  reportAnswer(target: UpstreamTarget): void {
    if (target.failures === 0) return
    target.failures = 0
    target.ejections = 0
    target.probing = false
    if (target.probeAtMs === 0) return
    target.probeAtMs = 0
    this.#ejected -= 1
    this.#watch.onReturned(target)
  }

  /**
   * An attempt failed.
   *
   * @param isBlamed Whether the target refused, reset, or let a time-out pass.
   */
  reportFailure(
    target: UpstreamTarget,
    failure: UpstreamFailure,
    isBlamed: boolean,
    error: Error,
  ): void {
    // The others the client is to blame for.
    if (failure.reason.startsWith('upstream_')) {
      const words = failureWords(failure)
      this.#failures.set(words, (this.#failures.get(words) ?? 0) + 1)
      this.#watch.onFailed(target, failure, error)
    }
    if (isBlamed) this.#countFailure(target, failure)
    else this.reportNothing(target)
  }

  #countFailure(target: UpstreamTarget, failure: UpstreamFailure): void {
    target.failures += 1
    if (target.failures < this.#options.ejectAfterFailures) return
    // What was under way when the target was ejected says nothing new.
    if (target.probeAtMs !== 0 && !target.probing) return
    const isNew = target.probeAtMs === 0
    const { ejectionMs, ejectionMsMax } = this.#options
    const doubled = ejectionMs * 2 ** Math.min(target.ejections, DOUBLINGS_MAX)
    const probedAfterMs = Math.min(doubled, ejectionMsMax)
    target.ejections += 1
    target.probing = false
    target.probeAtMs = this.clock.monotonicMs() + probedAfterMs
    if (!isNew) return
    this.#ejected += 1
    this.#ejections += 1
    this.#watch.onEjected(target, failure, probedAfterMs)
  }

  /** The attempt ended without a verdict, e.g. because the client left: another may probe. */
  reportNothing(target: UpstreamTarget): void {
    target.probing = false
  }

  /** Whether there is a target other than this one to try. */
  hasOther(target: UpstreamTarget): boolean {
    return this.#targets.length > 1 && this.#targets.some((other) => other !== target)
  }

  /** Whether one retry may be made now; if so, it is counted. */
  spendRetry(): boolean {
    if (this.#budget.spend()) {
      this.#retries += 1
      return true
    }
    this.#retriesDenied += 1
    return false
  }

  /** Whether the body of a request may have so many bytes. @param limits Of the route. */
  takesBody(bytes: number, limits: ForwardLimits | null): boolean {
    return bytes <= (limits?.bodyBytesMax ?? this.#options.bodyBytesMax)
  }

  /**
   * Whether an upstream that was last heard of then has been silent for too long: for the time-out
   * at least, and at most 2.25 intervals more.
   *
   * @param heardAtMs {@link listenedMs} as it was, which is up to one step of it too early.
   * @param isAnswering Whether the response head is here.
   * @param limits Of the route.
   */
  isSilentTooLong(heardAtMs: number, isAnswering: boolean, limits: ForwardLimits | null): boolean {
    const { bodyTimeoutMs, responseTimeoutMs } = this.#options
    const timeoutMs = isAnswering
      ? (limits?.bodyTimeoutMs ?? bodyTimeoutMs)
      : (limits?.responseTimeoutMs ?? responseTimeoutMs)
    return this.listenedMs - heardAtMs - this.#stepMsMax >= timeoutMs
  }

  /** Ends what has waited too long. Runs by itself. */
  sweep(): void {
    const nowMs = this.clock.monotonicMs()
    this.listenedMs += Math.min(nowMs - this.#sweptAtMs, this.#stepMsMax)
    this.#sweptAtMs = nowMs
    for (const target of this.#targets) target.sweepAttempts()
    const waitingSinceMs = nowMs - this.#options.waitTimeoutMs
    for (const target of this.#targets) {
      if (target.waiting > 0) target.expireWaiting(waitingSinceMs)
    }
  }

  /** Requests in work or waiting, at all targets. */
  get pending(): number {
    let pending = 0
    for (const target of this.#targets) pending += target.pending
    return pending
  }

  get stats(): UpstreamPoolStats {
    let faults = 0
    for (const target of this.#targets) faults += target.faults
    return {
      name: this.name,
      targets: this.#targets.map((target) => ({
        origin: target.origin,
        pending: target.pending,
        waiting: target.waiting,
        connected: target.connected,
        ejected: target.probeAtMs !== 0,
      })),
      requests: this.#requests,
      retries: this.#retries,
      retriesDenied: this.#retriesDenied,
      failures: this.#failures,
      ejections: this.#ejections,
      faults,
    }
  }

  /** Lets what runs finish, then closes. The caller sends no more requests here. */
  async close(): Promise<void> {
    if (this.pending > 0) {
      await new Promise<void>((resolve) => {
        this.#onEmpty = resolve
      })
    }
    await this.destroy()
  }

  /** Closes everything at once: what runs fails with `upstream_connection_lost` or is cut. */
  async destroy(): Promise<void> {
    clearInterval(this.#sweeper)
    await Promise.all(this.#targets.map((target) => target.destroy()))
  }

  #choose(avoid: UpstreamTarget | null): UpstreamTarget | null {
    this.#next = this.#next + 1 < this.#targets.length ? this.#next + 1 : 0
    if (this.#ejected > 0) {
      const probed = this.#toProbe(avoid)
      if (probed !== null) return probed
      const healthy = this.#leastPending(avoid, true)
      if (healthy !== null) return healthy
    }
    return this.#leastPending(avoid, false) ?? avoid
  }

  #toProbe(avoid: UpstreamTarget | null): UpstreamTarget | null {
    const nowMs = this.clock.monotonicMs()
    for (const target of this.#targets) {
      const isDue = target.probeAtMs !== 0 && target.probeAtMs <= nowMs
      if (isDue && !target.probing && target !== avoid) {
        target.probing = true
        return target
      }
    }
    return null
  }

  #leastPending(avoid: UpstreamTarget | null, healthyOnly: boolean): UpstreamTarget | null {
    const targets = this.#targets
    let least: UpstreamTarget | null = null
    let index = this.#next
    for (let count = 0; count < targets.length; count += 1) {
      if (index >= targets.length) index = 0
      const target = targets[index] as UpstreamTarget
      index += 1
      if (target === avoid || (healthyOnly && target.probeAtMs !== 0)) continue
      if (least === null || target.pending < least.pending) least = target
    }
    return least
  }
}
