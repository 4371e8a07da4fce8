/**
 * Spreads revocations over all instances, by way of a log that they share.
 *
 *     revoke ──► index (in force here, at once) ──► known, unsent ──► log.append
 *     log.readSince, to the end, again and again ──► index, known
 *     log.readSet, once and whenever the log is another one ──► index, known ──► what it lacks:
 *                                                                                log.append
 *
 * Entries only ever add to what is covered, so that neither repetition nor order matters: all
 * instances come to cover the same. What is revoked here holds here whatever becomes of the log;
 * what could not be sent is kept in memory, and lost when the process ends before it could.
 *
 * A failure loses no place: reading goes on from where it was. Only the log itself can tell that
 * it is another one, behind the old address or after a loss. Then its latest records are followed
 * at once, and all of it is read again after a while that differs from instance to instance, page
 * by page with pauses as long as the answers took, so that a hundred instances do not keep others
 * from the server.
 */
import { Backoff, type BackoffOptions } from '../resilience/backoff.ts'
import { withinDeadline } from '../resilience/deadline.ts'
import type { Clock } from '../runtime/clock.ts'
import { KnownRevocations } from './known-revocations.ts'
import { LeftOutRevocations } from './left-out-revocations.ts'
import { type Later, Pauses } from './pauses.ts'
import type { RevocationEntry } from './revocation-entry.ts'
import type { RevocationIndex, RevocationOutcome } from './revocation-index.ts'
import type { RevocationLog } from './revocation-log.ts'
import { encodeRevocationRecord, parseRevocationRecord } from './revocation-record.ts'
import { RevocationSender } from './revocation-sender.ts'

export interface RevocationFeedOptions {
  /** Between two looks at a log that answers. With the log's own time: below a second. */
  readonly pollIntervalMs: number
  /** After this an answer of the log is not waited for. Longer than a blocking read may take. */
  readonly callTimeoutMs: number
  /** Between attempts while the log cannot be reached. */
  readonly retry: BackoffOptions
  /** How long a revocation waits for the log to have it before it says that it has not. */
  readonly confirmWithinMs: number
  /** All instances begin within so long to read a log that is another one. */
  readonly spreadMs: number
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
  /** The log is not the one that was read before: it was emptied, or has lost its latest. */
  readonly onLogLost: () => void
}

/**
 * - `catching_up`: the log is being read from its beginning.
 * - `caught_up`: read to its end, at the last look, and it can be written.
 * - `cannot_send`: read to its end, but it takes nothing: others do not learn what is revoked here.
 * - `unreachable`: the last look failed. What was learnt before holds.
 */
export const REVOCATION_FEED_STATES = [
  'catching_up',
  'caught_up',
  'cannot_send',
  'unreachable',
] as const

export type RevocationFeedState = (typeof REVOCATION_FEED_STATES)[number]

export interface RevocationFeedStatus {
  readonly state: RevocationFeedState
  /** Since the log was last known to have been read to its end; `null` before the first time. */
  readonly lagSeconds: number | null
  /** Waiting to be sent: the log may lack them. */
  readonly pendingCount: number
  readonly recordsRead: number
  /** Records that were none, and were skipped. */
  readonly recordsUnreadable: number
  /**
   * Entries that the full index turned away and that are *not in force here*. They are tried
   * again until there are none.
   */
  readonly entriesLeftOut: number
  readonly appendFailures: number
}

export interface RevocationReceipt {
  /** What became of it in this instance. */
  readonly outcome: RevocationOutcome
  /**
   * Whether the log has it, and with that all others will. `false` when it has not confirmed that
   * in time: it is sent on as long as this process lives, unless it has expired, or as many as can
   * be kept wait already. Never rejects.
   */
  readonly isSent: Promise<boolean>
}

interface FeedReceipt extends RevocationReceipt {
  /** Whether it is sent as long as this process lives, unless it has expired. */
  readonly isKept: boolean
}

export const REVOCATION_FEED_DEFAULTS: RevocationFeedOptions = {
  pollIntervalMs: 200,
  callTimeoutMs: 4_000,
  // Short enough to be back within a second of the log; a hundred instances are no load.
  retry: { initialMs: 100, maxMs: 1_000 },
  confirmWithinMs: 1_500,
  spreadMs: 5_000,
}

/** Beside those that fit the index, for records that say less than others of the same key. */
const KNOWN_RECORDS_SURPLUS = 65_536
const SWEEP_INTERVAL_MS = 60_000

export class RevocationFeed {
  readonly #options: RevocationFeedOptions
  readonly #parts: RevocationFeedParts
  readonly #backoff: Backoff
  readonly #pauses: Pauses
  readonly #known: KnownRevocations
  readonly #leftOut = new LeftOutRevocations()
  readonly #sender: RevocationSender
  readonly #caughtUp: Promise<void>
  #resolveCaughtUp: () => void = () => {}
  #state: RevocationFeedState = 'catching_up'
  #cursor: string | null = null
  /** Where to go on in reading all of the log; `null` when that was done. */
  #position: number | null = 0
  /** Grows whenever all of the log has to be read: a page asked for before is of no use then. */
  #readings = 0
  #isReadingSet = false
  #isReached = false
  #isWhole = false
  #canAppend = true
  #isStarted = false
  #isStopped = false
  #isLooking = false
  #cancelNext: () => void = () => {}
  #caughtUpAtMs: number | null = null
  #sweptAtMs = 0
  #recordsRead = 0
  #recordsUnreadable = 0

  constructor(options: RevocationFeedOptions, parts: RevocationFeedParts) {
    this.#options = options
    this.#parts = parts
    this.#backoff = new Backoff(options.retry, parts.random)
    this.#pauses = new Pauses(parts.later, parts.random, () => parts.clock.monotonicMs())
    this.#known = new KnownRevocations(parts.index.capacity + KNOWN_RECORDS_SURPLUS)
    this.#sender = new RevocationSender({
      known: this.#known,
      log: parts.log,
      clock: parts.clock,
      pauses: this.#pauses,
      callTimeoutMs: options.callTimeoutMs,
      onAttempt: () => this.#enterState(),
    })
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
    this.#pauses.stop()
  }

  /** The log may answer again: looks at once instead of when the next attempt is due. */
  lookNow(): void {
    if (!this.#isStarted || this.#isStopped || this.#isLooking) return
    this.#cancelNext()
    void this.#look()
  }

  /**
   * Settles when the whole log has been read for the first time: an instance is not ready before.
   * Never rejects; never settles while the log cannot be reached, or after `stop`.
   */
  whenCaughtUp(): Promise<void> {
    return this.#caughtUp
  }

  /** Revokes in this process, at once, and sends it to the others as soon as the log takes it. */
  revoke(entry: RevocationEntry): FeedReceipt {
    const { index, clock } = this.#parts
    const nowSeconds = clock.nowSeconds()
    const outcome = index.add(entry, nowSeconds)
    if (outcome === 'expired') return { outcome, isSent: Promise.resolve(false), isKept: false }
    const record = encodeRevocationRecord(entry)
    if (outcome === 'full') this.#leftOut.add(record, clock.monotonicMs())
    const isKept = this.#known.add({ record, expiresAtSeconds: entry.untilSeconds }, nowSeconds)
    if (!isKept) return { outcome, isSent: Promise.resolve(false), isKept }
    const sent = this.#known.whenSent(record)
    void this.#sender.send()
    const isSent = withinDeadline(sent, this.#options.confirmWithinMs, false)
    return { outcome, isSent, isKept }
  }

  /**
   * Tries to send what only this instance knows, before it ends.
   *
   * @returns How many could not be sent.
   */
  flush(timeoutMs: number): Promise<number> {
    return this.#sender.flush(timeoutMs)
  }

  /** Records that only this instance can know, oldest first. */
  waiting(countMax: number): string[] {
    const { records, isMending } = this.#known.nextToSend(countMax, this.#parts.clock.nowSeconds())
    return isMending ? [] : records.map(({ record }) => record)
  }

  status(): RevocationFeedStatus {
    const sinceMs =
      this.#caughtUpAtMs === null ? null : this.#parts.clock.monotonicMs() - this.#caughtUpAtMs
    return {
      state: this.#state,
      lagSeconds: sinceMs === null ? null : Math.floor(sinceMs / 1_000),
      pendingCount: this.#known.unsentCount,
      recordsRead: this.#recordsRead,
      recordsUnreadable: this.#recordsUnreadable,
      entriesLeftOut: this.#leftOut.count,
      appendFailures: this.#sender.failures,
    }
  }

  /** One look at the log, to its end; then arranges for the next. */
  async #look(): Promise<void> {
    const { clock, index } = this.#parts
    this.#isLooking = true
    const beganAtMs = clock.monotonicMs()
    if (this.#leftOut.retry(index, beganAtMs, clock.nowSeconds())) this.#readAllAgain()
    this.#known.beginLook()
    this.#isReached = await this.#follow()
    this.#isLooking = false
    if (this.#isStopped) return
    if (this.#isReached) this.#finishLook(beganAtMs)
    else this.#enterState()
    const delayMs = this.#isReached ? this.#options.pollIntervalMs : this.#backoff.nextDelayMs()
    // `#look` handles every outcome, so there is nothing to wait for.
    this.#cancelNext = this.#parts.later(() => void this.#look(), delayMs)
  }

  #finishLook(beganAtMs: number): void {
    this.#backoff.reset()
    if (this.#position !== null) void this.#readSet()
    else {
      // Lost before anybody has read it, so that the log looks as it did before it had it.
      if (this.#known.endLook() > 0) this.#parts.onLogLost()
      // What came in while we read may be missing: the log is known up to when we began.
      this.#caughtUpAtMs = beganAtMs
      if (this.#isWhole) this.#resolveCaughtUp()
    }
    this.#enterState()
    this.#sender.resume()
    if (beganAtMs - this.#sweptAtMs < SWEEP_INTERVAL_MS) return
    this.#sweptAtMs = beganAtMs
    this.#known.sweep(this.#parts.clock.nowSeconds())
  }

  /** @returns Whether the end was reached. */
  async #follow(): Promise<boolean> {
    const { log } = this.#parts
    for (;;) {
      const before = this.#cursor
      const page = await withinDeadline(log.readSince(before), this.#options.callTimeoutMs, null)
      if (page === null || this.#isStopped) return false
      if (page.isAnother) this.#beginAnew(before === null)
      for (const record of page.records) this.#learn(record, this.#known.markSeen(record))
      this.#cursor = page.cursor
      this.#isWhole = page.isWhole
      this.#canAppend = page.canAppend
      // A page that leads nowhere would be read for ever.
      if (page.isEnd || page.cursor === before) return true
    }
  }

  #beginAnew(isFirst: boolean): void {
    this.#readAllAgain()
    if (isFirst) return
    this.#parts.onLogLost()
    this.#sender.announceMending()
  }

  #readAllAgain(): void {
    this.#readings += 1
    this.#position = 0
    this.#known.beginReading()
  }

  /** Reads all of the log, page by page, beside the looks; ends at a failure, and goes on later. */
  async #readSet(): Promise<void> {
    if (this.#isReadingSet) return
    this.#isReadingSet = true
    let isRead = true
    while (this.#position !== null && isRead && !this.#isStopped) {
      isRead = await this.#readPage(this.#position, this.#readings)
    }
    this.#isReadingSet = false
  }

  /** @returns Whether it may go on. */
  async #readPage(position: number, reading: number): Promise<boolean> {
    const { log, clock, random } = this.#parts
    const { callTimeoutMs, spreadMs } = this.#options
    const beganAtMs = clock.monotonicMs()
    const page = await withinDeadline(log.readSet(position), callTimeoutMs, null)
    if (page === null || this.#isStopped) return false
    const answeredAtMs = clock.monotonicMs()
    // Were it of the log before this one: what that held is none the less in force.
    for (const record of page.records) this.#learn(record, this.#known.markHeld(record))
    if (reading !== this.#readings) return true
    this.#position = page.next
    if (page.next === null) this.#finishSet()
    else if (position === 0 && this.#caughtUpAtMs !== null) {
      await this.#pauses.pause(random() * spreadMs)
    } else await this.#pauses.afterAnswer(answeredAtMs - beganAtMs, answeredAtMs)
    return true
  }

  #finishSet(): void {
    this.#known.endReading(this.#parts.random(), this.#parts.clock.nowSeconds())
    void this.#sender.send()
    // The looks that went on meanwhile have learnt what came since: the next one can say so.
    this.lookNow()
  }

  #learn(record: string, isKnown: boolean): void {
    const { index, clock } = this.#parts
    this.#recordsRead += 1
    if (isKnown) return
    const nowSeconds = clock.nowSeconds()
    const entry = parseRevocationRecord(record, nowSeconds)
    if (entry === null) {
      this.#recordsUnreadable += 1
      return
    }
    this.#known.learn({ record, expiresAtSeconds: entry.untilSeconds }, nowSeconds)
    if (index.add(entry, nowSeconds) === 'full') this.#leftOut.add(record, clock.monotonicMs())
  }

  /** Puts together what reading and sending have come to. */
  #enterState(): void {
    if (this.#isStopped) return
    const state = this.#currentState()
    if (state === this.#state) return
    this.#state = state
    this.#parts.onState(state)
  }

  #currentState(): RevocationFeedState {
    if (!this.#isReached) return 'unreachable'
    if (this.#position !== null || !this.#isWhole) return 'catching_up'
    return this.#canAppend && !this.#sender.isFailing ? 'caught_up' : 'cannot_send'
  }
}
