/**
 * Sends what this instance knows and the log lacks: first what no other instance can know, then
 * what the log may have lost, in small pieces with pauses.
 *
 * After a failure it sends nothing until the log is next seen to answer. The order in which records
 * arrive does not matter, nor that some arrive twice.
 */
import { withinDeadline } from '../resilience/deadline.ts'
import type { Clock } from '../runtime/clock.ts'
import type { KnownRevocations, RecordToSend } from './known-revocations.ts'
import type { Pauses } from './pauses.ts'
import type { RevocationLog } from './revocation-log.ts'

/** Sent at once: enough to share round trips, few enough not to keep others waiting. */
const APPEND_BATCH = 64
/** Before another attempt to send while there is little time left. */
const FLUSH_RETRY_MS = 100

export interface RevocationSenderParts {
  readonly known: KnownRevocations
  readonly log: RevocationLog
  readonly clock: Clock
  readonly pauses: Pauses
  readonly callTimeoutMs: number
  /** An attempt has succeeded, or failed. */
  readonly onAttempt: () => void
}

export class RevocationSender {
  readonly #parts: RevocationSenderParts
  #isSending = false
  #isPaused = false
  #hasFailed = false
  #isMendingTold = false
  #failures = 0

  constructor(parts: RevocationSenderParts) {
    this.#parts = parts
  }

  /** Whether something waits that the log did not take. */
  get isFailing(): boolean {
    return this.#hasFailed && this.#parts.known.unsentCount > 0
  }

  get failures(): number {
    return this.#failures
  }

  /** The log answers. */
  resume(): void {
    this.#isPaused = false
    void this.send()
  }

  /** Tells other instances that we know more than the log may hold. */
  announceMending(): void {
    if (this.#parts.known.size === 0) return
    this.#isMendingTold = true
    void this.#tell(true)
  }

  /** Until there is nothing left, or an attempt fails. */
  async send(): Promise<void> {
    const { known, clock, pauses } = this.#parts
    if (this.#isSending) return
    this.#isSending = true
    while (!pauses.isStopped && !this.#isPaused) {
      const { records, isMending } = known.nextToSend(APPEND_BATCH, clock.nowSeconds())
      if (records.length === 0) break
      const beganAtMs = clock.monotonicMs()
      const isHeld = await this.#append(records, isMending)
      const answeredAtMs = clock.monotonicMs()
      if (!isHeld) this.#isPaused = true
      else if (isMending) await pauses.afterAnswer(answeredAtMs - beganAtMs, answeredAtMs)
    }
    this.#isSending = false
    if (!this.#isMendingTold || known.isMending || pauses.isStopped) return
    this.#isMendingTold = false
    void this.#tell(false)
  }

  /**
   * Tries to send what only this instance knows, before it ends.
   *
   * @returns How many could not be sent.
   */
  async flush(timeoutMs: number): Promise<number> {
    const { known, clock, pauses } = this.#parts
    const endsAtMs = clock.monotonicMs() + timeoutMs
    while (known.untoldCount > 0) {
      const leftMs = endsAtMs - clock.monotonicMs()
      if (leftMs <= 0) break
      this.#isPaused = false
      await withinDeadline(this.send(), leftMs, undefined)
      if (known.untoldCount > 0) await pauses.pause(Math.min(leftMs, FLUSH_RETRY_MS))
    }
    return known.untoldCount
  }

  async #append(records: readonly RecordToSend[], isMending: boolean): Promise<boolean> {
    const { known, log, callTimeoutMs } = this.#parts
    const isHeld = await withinDeadline(log.append(records, isMending), callTimeoutMs, false)
    this.#hasFailed = !isHeld
    if (isHeld) for (const { record } of records) known.markSent(record)
    else this.#failures += 1
    this.#parts.onAttempt()
    return isHeld
  }

  async #tell(isMending: boolean): Promise<void> {
    const { log, callTimeoutMs } = this.#parts
    await withinDeadline(log.setMending(isMending), callTimeoutMs, undefined)
  }
}
