/**
 * Spreads revocations over all instances, by way of a log that they share.
 *
 *     revoke ──► index (in force here, at once) ──► own, unsent ──► log.append
 *     log.readSince, page by page to the end, again and again ──► index
 *
 * Entries only ever add to what is covered, so that neither repetition nor order matters: all
 * instances come to cover the same. What is revoked here holds here whatever becomes of the log;
 * what could not be sent is kept in memory, and lost when the process ends before it could.
 *
 * After every failure the log is read from its beginning: behind the old address may now be a
 * server that has less, or that numbers its records anew.
 */
import { Backoff, type BackoffOptions } from '../resilience/backoff.ts'
import type { Clock } from '../resilience/clock.ts'
import { withinDeadline } from '../resilience/deadline.ts'
import { OwnRevocations } from './own-revocations.ts'
import type { RevocationEntry } from './revocation-entry.ts'
import type { RevocationIndex, RevocationOutcome } from './revocation-index.ts'
import { encodeRevocationRecord, parseRevocationRecord } from './revocation-record.ts'

/** The shared log. Neither function rejects in the ordinary course; a rejection is a failure. */
export interface RevocationLog {
  /**
   * @param expiresAtSeconds From then on the record may be dropped.
   * @returns Whether the log holds it now.
   */
  append(record: string, expiresAtSeconds: number): Promise<boolean>
  /**
   * One page of what follows the cursor; without one, of the beginning. No records: that was the
   * end. Records come in the order in which they may be read on, each at least once.
   *
   * @returns `null` when the log cannot be reached.
   */
  readSince(cursor: string | null): Promise<RevocationLogPage | null>
}

export interface RevocationLogPage {
  readonly records: readonly string[]
  /** Where to read on; `null` is the beginning. */
  readonly cursor: string | null
}

/** Runs `run` once, after so many milliseconds. Returns what calls it off. */
export type Later = (run: () => void, delayMs: number) => () => void

export interface RevocationFeedOptions {
  /** Between two looks at a log that answers. With the log's own time: below a second. */
  readonly pollIntervalMs: number
  /** After this an answer of the log is not waited for. Longer than a blocking read may take. */
  readonly callTimeoutMs: number
  /** Between attempts while the log cannot be reached. */
  readonly retry: BackoffOptions
}

export interface RevocationFeedParts {
  readonly index: RevocationIndex
  readonly log: RevocationLog
  readonly clock: Clock
  /** A number in [0, 1), for jitter. */
  readonly random: () => number
  readonly later: Later
  /** Told of every change of the state. */
  readonly onState: (state: RevocationFeedState) => void
}

/**
 * - `catching_up`: the log is being read from its beginning.
 * - `caught_up`: read to its end, at the last look.
 * - `unreachable`: the last look failed. What was learnt before holds.
 */
export const REVOCATION_FEED_STATES = ['catching_up', 'caught_up', 'unreachable'] as const

export type RevocationFeedState = (typeof REVOCATION_FEED_STATES)[number]

export interface RevocationFeedStatus {
  readonly state: RevocationFeedState
  /** Since the log was last known to have been read to its end; `null` before the first time. */
  readonly lagSeconds: number | null
  /** Revoked here and not yet in the log. */
  readonly pendingCount: number
  readonly recordsRead: number
  /** Records that were none, and were skipped. */
  readonly recordsUnreadable: number
  /**
   * Entries that the full index turned away and that are *not in force here*. The log is read again
   * every {@link RETRY_FULL_INDEX_MS} until there are none.
   */
  readonly entriesLeftOut: number
  readonly appendFailures: number
}

export interface RevocationReceipt {
  /** What became of it in this instance. */
  readonly outcome: RevocationOutcome
  /**
   * Whether it will be sent to the others. `false` when it has expired, or when as many as can be
   * kept wait for the log already: the others then do *not* learn it.
   */
  readonly isSpread: boolean
}

export const REVOCATION_FEED_DEFAULTS: RevocationFeedOptions = {
  pollIntervalMs: 200,
  callTimeoutMs: 3_000,
  retry: { initialMs: 200, maxMs: 5_000 },
}

/** How soon entries that found the index full are tried again. */
export const RETRY_FULL_INDEX_MS = 10_000
/** Sent at once: enough to share round trips, few enough to fail quickly. */
const APPEND_BATCH = 64

export class RevocationFeed {
  readonly #options: RevocationFeedOptions
  readonly #parts: RevocationFeedParts
  readonly #backoff: Backoff
  readonly #own = new OwnRevocations()
  readonly #caughtUp: Promise<void>
  #resolveCaughtUp: () => void = () => {}
  #state: RevocationFeedState = 'catching_up'
  #cursor: string | null = null
  #isReadingAll = true
  #isStarted = false
  #isStopped = false
  #isSending = false
  /** Set by a failed append, until the log is next seen to answer. */
  #isSendingPaused = false
  #cancelNext: () => void = () => {}
  #caughtUpAtMs: number | null = null
  #retryFullAtMs: number | null = null
  #recordsRead = 0
  #recordsUnreadable = 0
  #entriesLeftOut = 0
  #appendFailures = 0

  constructor(options: RevocationFeedOptions, parts: RevocationFeedParts) {
    this.#options = options
    this.#parts = parts
    this.#backoff = new Backoff(options.retry, parts.random)
    this.#caughtUp = new Promise((resolve) => {
      this.#resolveCaughtUp = resolve
    })
  }

  /** Begins to read, and goes on until {@link RevocationFeed.stop}. */
  start(): void {
    if (this.#isStarted) return
    this.#isStarted = true
    void this.#look()
  }

  /** Ends it. What is in flight is dropped when it arrives; what was not sent is lost. */
  stop(): void {
    this.#isStopped = true
    this.#cancelNext()
  }

  /**
   * Settles when the whole log has been read for the first time: an instance is not ready before.
   * Never rejects; never settles while the log cannot be reached, or after `stop`.
   */
  whenCaughtUp(): Promise<void> {
    return this.#caughtUp
  }

  /** Revokes in this process, at once, and sends it to the others as soon as the log takes it. */
  revoke(entry: RevocationEntry): RevocationReceipt {
    const nowSeconds = this.#parts.clock.nowSeconds()
    const outcome = this.#parts.index.add(entry, nowSeconds)
    if (outcome === 'expired') return { outcome, isSpread: false }
    if (outcome === 'full') this.#leaveOut()
    const record = encodeRevocationRecord(entry)
    const isSpread = this.#own.add({ record, expiresAtSeconds: entry.untilSeconds }, nowSeconds)
    void this.#send()
    return { outcome, isSpread }
  }

  status(): RevocationFeedStatus {
    const sinceMs =
      this.#caughtUpAtMs === null ? null : this.#parts.clock.monotonicMs() - this.#caughtUpAtMs
    return {
      state: this.#state,
      lagSeconds: sinceMs === null ? null : Math.floor(sinceMs / 1_000),
      pendingCount: this.#own.unsentCount,
      recordsRead: this.#recordsRead,
      recordsUnreadable: this.#recordsUnreadable,
      entriesLeftOut: this.#entriesLeftOut,
      appendFailures: this.#appendFailures,
    }
  }

  /** One look at the log, to its end; then arranges for the next. */
  async #look(): Promise<void> {
    const { clock } = this.#parts
    if (this.#retryFullAtMs !== null && clock.monotonicMs() >= this.#retryFullAtMs) {
      this.#beginAnew()
    }
    const beganAtMs = clock.monotonicMs()
    const isReached = await this.#readToEnd()
    if (this.#isStopped) return
    if (isReached) {
      this.#finishLook(beganAtMs)
      this.#lookLater(this.#options.pollIntervalMs)
    } else {
      this.#beginAnew()
      this.#enter('unreachable')
      this.#lookLater(this.#backoff.nextDelayMs())
    }
  }

  #finishLook(beganAtMs: number): void {
    if (this.#isReadingAll) this.#own.endReading(this.#parts.clock.nowSeconds())
    this.#isReadingAll = false
    // What came in while we read may be missing: the log is known up to when we began.
    this.#caughtUpAtMs = beganAtMs
    this.#backoff.reset()
    this.#enter('caught_up')
    this.#resolveCaughtUp()
    this.#isSendingPaused = false
    void this.#send()
  }

  #lookLater(delayMs: number): void {
    // `#look` handles every outcome, so there is nothing to wait for.
    this.#cancelNext = this.#parts.later(() => void this.#look(), delayMs)
  }

  #beginAnew(): void {
    this.#cursor = null
    this.#isReadingAll = true
    this.#retryFullAtMs = null
    this.#entriesLeftOut = 0
    this.#own.beginReading()
  }

  /** @returns Whether the end was reached. */
  async #readToEnd(): Promise<boolean> {
    const { log } = this.#parts
    for (;;) {
      const before = this.#cursor
      const page = await withinDeadline(log.readSince(before), this.#options.callTimeoutMs, null)
      if (page === null || this.#isStopped) return false
      if (this.#isReadingAll) this.#enter('catching_up')
      for (const record of page.records) this.#learn(record)
      this.#cursor = page.cursor
      // A page that leads nowhere would be read for ever.
      if (page.records.length === 0 || page.cursor === before) return true
    }
  }

  #learn(record: string): void {
    const nowSeconds = this.#parts.clock.nowSeconds()
    this.#recordsRead += 1
    this.#own.markSeen(record)
    const entry = parseRevocationRecord(record, nowSeconds)
    if (entry === null) this.#recordsUnreadable += 1
    else if (this.#parts.index.add(entry, nowSeconds) === 'full') this.#leaveOut()
  }

  #leaveOut(): void {
    this.#entriesLeftOut += 1
    this.#retryFullAtMs ??= this.#parts.clock.monotonicMs() + RETRY_FULL_INDEX_MS
  }

  async #send(): Promise<void> {
    if (this.#isSending) return
    this.#isSending = true
    while (!this.#isStopped && !this.#isSendingPaused) {
      const batch = this.#own.nextUnsent(APPEND_BATCH, this.#parts.clock.nowSeconds())
      if (batch.length === 0) break
      const sent = await Promise.all(
        batch.map(({ record, expiresAtSeconds }) => this.#append(record, expiresAtSeconds)),
      )
      // Tried again when the log is next seen to answer, not at once.
      if (sent.includes(false)) this.#isSendingPaused = true
    }
    this.#isSending = false
  }

  async #append(record: string, expiresAtSeconds: number): Promise<boolean> {
    const { log } = this.#parts
    const appending = log.append(record, expiresAtSeconds)
    const isHeld = await withinDeadline(appending, this.#options.callTimeoutMs, false)
    if (isHeld) this.#own.markSent(record)
    else this.#appendFailures += 1
    return isHeld
  }

  #enter(state: RevocationFeedState): void {
    if (state === this.#state) return
    this.#state = state
    this.#parts.onState(state)
  }
}
