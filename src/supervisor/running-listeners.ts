/** Which listener threads serve, what they have counted, and what they say of themselves. */
import type { ExplainQuestion, Explanation } from '../gateway/explanation.ts'
import type { Logger } from '../observability/logger.ts'
import { type MergedMetrics, MetricsLedger } from '../observability/metrics-ledger.ts'
import type { RecentRefusal } from '../observability/recent-refusals.ts'
import { type Traffic, TrafficLedger } from '../observability/traffic-ledger.ts'
import type { RedisState } from '../redis/redis-pool.ts'
import { withinDeadline } from '../resilience/deadline.ts'
import { systemClock } from '../runtime/clock.ts'
import type { ListenerStart, RevisionPlan } from '../threads/listener-start.ts'
import type { CertificateFiles, ListenerMessages, SupervisorMessages } from '../threads/messages.ts'
import { StartError } from '../threads/start-error.ts'
import type { MessageHandlers, NoReplyReason } from '../threads/thread-channel.ts'
import { type ListenerThreads, startListenerThreads } from './listener-threads.ts'
import type { SignatureStanding } from './signature-standing.ts'
import { UnmetClaimPaths } from './unmet-claim-paths.ts'

/** What a listener thread has not told by then is left out of a scrape. */
const SCRAPE_WAIT_MS = 1_000
/** What it tells by then is part of the next one. */
const SNAPSHOT_TIMEOUT_MS = 10_000
/** Of a thread that is held up for longer, the next second tells. */
const TRAFFIC_WAIT_MS = 500

/** Verification threads of a thread that starts, and Redis, are waited for within it. */
const PREPARE_TIMEOUT_MS = 15_000

/** A thread that is held up for longer begins with it when it goes on. */
const COMMIT_TIMEOUT_MS = 5_000

const NOT_PREPARED: Readonly<Record<NoReplyReason, string>> = {
  timed_out: `a listener thread did not answer within ${PREPARE_TIMEOUT_MS / 1_000} s`,
  thread_ended: 'a listener thread ended while it prepared it',
  failed: 'a listener thread failed while it prepared it: the log says more',
}

/** Longer than a request waits for keys, an introspection endpoint and Redis together. */
const EXPLAIN_TIMEOUT_MS = 12_000

type Notices = ListenerMessages['notices']

export interface RunningListenersParts {
  readonly count: number
  readonly logger: Logger
  readonly signatures: SignatureStanding
  /** There are lines in the log buffer of a thread. */
  readonly onLogWaiting: () => void
  /** How many threads serve has changed, or one was replaced. */
  readonly onChange: () => void
  /** What the thread of this index starts with; asked again for each successor. */
  readonly start: (index: number) => ListenerStart
  /** What happened while a thread was starting was not sent to it. */
  readonly latest: () => {
    readonly keySets: readonly Notices['key_set'][]
    readonly signingKeys: Notices['signing_keys'] | null
    readonly readiness: Notices['readiness']
  }
  /** What threads ask. */
  readonly requests: MessageHandlers<SupervisorMessages>['requests']
}

export class RunningListeners {
  readonly #parts: RunningListenersParts
  readonly #ledger = new MetricsLedger()
  readonly #traffic = new TrafficLedger()
  readonly #unmetPaths: UnmetClaimPaths
  readonly #serving = new Set<number>()
  readonly #redisStates = new Map<number, RedisState>()
  #threads: ListenerThreads | null = null
  #restarts = 0
  #onAllServing: (() => void) | null = null
  /** `null`: all have served once. */
  #onStartFailed: ((message: string) => void) | null = null

  constructor(parts: RunningListenersParts) {
    this.#parts = parts
    this.#unmetPaths = new UnmetClaimPaths(parts.logger)
  }

  /** How many threads serve. */
  get servingCount(): number {
    return this.#serving.size
  }

  /** How many threads have died and got a successor. */
  get restarts(): number {
    return this.#restarts
  }

  /** By thread. */
  get redisStates(): ReadonlyMap<number, RedisState> {
    return this.#redisStates
  }

  /**
   * Settles when every thread serves for the first time.
   *
   * @throws (rejects) StartError when one cannot.
   */
  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#onAllServing = resolve
      this.#onStartFailed = (message) => reject(new StartError(`server: ${message}`))
      this.#threads = startListenerThreads({
        count: this.#parts.count,
        start: this.#parts.start,
        handlers: (index) => this.#handlers(index),
        onDeath: (index, reason, isReplaced) => this.#listenerExited(index, reason, isReplaced),
        monotonicMs: () => systemClock.monotonicMs(),
      })
    })
  }

  /** Tells every thread that runs. */
  notify<Kind extends keyof Notices>(kind: Kind, payload: Notices[Kind]): void {
    for (const channel of this.#threads?.channels() ?? []) channel.notify(kind, payload)
  }

  /**
   * Has every thread make what a revision needs, those that start meanwhile included. Commit it, or
   * drop it, in the turn in which this settles: a thread that starts later is not among them.
   *
   * @returns Why a thread cannot, for operators; `null`: each can commit it.
   */
  async prepareRevision(plan: RevisionPlan): Promise<string | null> {
    const asked = new Set<object>()
    for (;;) {
      const channels = this.#threads?.channels().filter((channel) => !asked.has(channel)) ?? []
      if (channels.length === 0) return null
      const replies = channels.map((channel) => {
        asked.add(channel)
        return channel.ask('prepare_revision', plan, PREPARE_TIMEOUT_MS)
      })
      for (const reply of await Promise.all(replies)) {
        if (reply.kind === 'no_reply') return NOT_PREPARED[reply.reason]
        if (reply.reply !== null) return `a listener thread cannot serve it: ${reply.reply}`
      }
    }
  }

  /**
   * Has every thread read a certificate. As for {@link prepareRevision}.
   *
   * @returns Why one cannot; `null`: tell all to use it.
   */
  async prepareCertificate(files: CertificateFiles): Promise<string | null> {
    const channels = this.#threads?.channels() ?? []
    const replies = await Promise.all(
      channels.map((it) => it.ask('prepare_certificate', files, PREPARE_TIMEOUT_MS)),
    )
    for (const reply of replies) {
      // One that has ended reads the files when it starts again.
      if (reply.kind === 'no_reply' && reply.reason === 'thread_ended') continue
      if (reply.kind === 'no_reply') return NOT_PREPARED[reply.reason]
      if (reply.reply !== null) return reply.reply
    }
    return null
  }

  /** Settles when every thread has begun with it, in bounded time. */
  async commitRevision(revisionId: number): Promise<void> {
    const channels = this.#threads?.channels() ?? []
    await Promise.all(
      channels.map((channel) => channel.ask('commit_revision', revisionId, COMMIT_TIMEOUT_MS)),
    )
  }

  /** What all threads have counted since the start of the process; in bounded time. */
  async counts(): Promise<MergedMetrics> {
    const snapshots = Promise.all([...this.#serving].map((index) => this.#takeSnapshot(index)))
    await withinDeadline<unknown>(snapshots, SCRAPE_WAIT_MS, null)
    return this.#ledger.merge()
  }

  /** What all threads did since this was asked for the last time; in bounded time. */
  async traffic(): Promise<Traffic> {
    const readings = Promise.all([...this.#serving].map((index) => this.#takeTraffic(index)))
    await withinDeadline<unknown>(readings, TRAFFIC_WAIT_MS, null)
    return this.#traffic.take()
  }

  /** Has one thread explain a request. @returns `null`: none did in time, or it failed. */
  async explain(question: ExplainQuestion): Promise<Explanation | null> {
    for (const index of this.#serving) {
      const channel = this.#threads?.channel(index)
      const answered = await channel?.ask('explain', question, EXPLAIN_TIMEOUT_MS)
      if (answered?.kind === 'replied') return answered.reply
      // Another thread would wait for the same.
      if (answered?.kind === 'no_reply' && answered.reason === 'timed_out') return null
    }
    return null
  }

  /** The last refusals of all threads that answer soon, newest first. */
  async refusals(requestId: string | null): Promise<readonly RecentRefusal[]> {
    const channels = this.#threads?.channels() ?? []
    const answers = await Promise.all(
      channels.map((channel) => channel.ask('refusals', requestId, SCRAPE_WAIT_MS)),
    )
    return answers
      .flatMap((answered) => (answered.kind === 'replied' ? answered.reply : []))
      .sort((one, other) => other.atMs - one.atMs)
  }

  /** Settles when no thread has a connection left, or after `timeoutMs`. */
  async drain(timeoutMs: number): Promise<void> {
    await this.#threads?.drain(timeoutMs)
  }

  /** Ends all threads for good. */
  async end(): Promise<void> {
    const count = (await this.#threads?.end()) ?? 0
    if (count > 0) this.#parts.logger.log({ event: 'listeners_stuck', count })
  }

  #handlers(index: number): MessageHandlers<SupervisorMessages> {
    return {
      notices: {
        listening: () => this.#listenerServes(index),
        failed: (message) => this.#onStartFailed?.(message),
        redis_state: (state) => this.#noteRedis(index, state),
        signature_proof: (proof) => this.#parts.signatures.update(proof),
        log_waiting: () => this.#parts.onLogWaiting(),
        claim_path_unmet: (path) => this.#unmetPaths.note(path),
      },
      requests: this.#parts.requests,
    }
  }

  #listenerServes(index: number): void {
    this.#serving.add(index)
    this.#parts.logger.log({ event: 'listener_started', thread: index })
    this.#sendLatest(index)
    if (this.#serving.size === this.#parts.count) {
      this.#onAllServing?.()
      this.#onStartFailed = null
    }
    this.#parts.onChange()
  }

  #sendLatest(index: number): void {
    const channel = this.#threads?.channel(index) ?? null
    const { keySets, signingKeys, readiness } = this.#parts.latest()
    for (const keySet of keySets) channel?.notify('key_set', keySet)
    if (signingKeys !== null) channel?.notify('signing_keys', signingKeys)
    channel?.notify('readiness', readiness)
  }

  /** A thread is gone; its successor is started by {@link startListenerThreads}. */
  #listenerExited(index: number, reason: string, isReplaced: boolean): void {
    if (this.#onStartFailed !== null) {
      // What keeps one from starting keeps its successors as well.
      this.#onStartFailed(`a listener thread ended while it started: ${reason}`)
      return
    }
    this.#serving.delete(index)
    this.#ledger.retire(index)
    this.#traffic.retire(index)
    if (isReplaced) {
      this.#restarts += 1
      const event = 'listener_restarted'
      this.#parts.logger.security({ event, thread: index, restarts: this.#restarts })
    }
    this.#parts.onChange()
  }

  #noteRedis(index: number, state: RedisState): void {
    this.#redisStates.set(index, state)
    this.#parts.logger.security({
      event: state === 'ready' ? 'redis_ready' : 'redis_unreachable',
      thread: index,
    })
  }

  async #takeSnapshot(index: number): Promise<void> {
    const taken = await this.#threads?.channel(index)?.ask('snapshot', null, SNAPSHOT_TIMEOUT_MS)
    if (taken?.kind === 'replied') this.#ledger.update(taken.reply)
  }

  async #takeTraffic(index: number): Promise<void> {
    const taken = await this.#threads?.channel(index)?.ask('traffic', null, TRAFFIC_WAIT_MS)
    if (taken?.kind === 'replied') this.#traffic.update(taken.reply)
  }
}
