/**
 * Whether the body of a request comes fast enough: how far its client is behind the lowest rate.
 *
 * A pause and a slow link draw on one budget. Each byte makes up for the time that it may take at
 * the lowest rate, and no more than a client is behind: bytes that came at first buy no pause.
 */

export interface BodyTimeouts {
  /** A client may be behind {@link bodyMinRate} by as long; of any rate, its longest pause. */
  readonly bodyMs: number
  /** Bytes a second; 0: any. */
  readonly bodyMinRate: number
  /** From the end of the head to the last byte; `null`: as long as the rate allows. */
  readonly requestMs: number | null
}

const MS_PER_SECOND = 1_000
/** The native server closes after 8 s at the earliest, and this thread may be busy for some. */
const KEEP_ALIVE_INTERVAL_MS = 3_000

export class BodyProgress {
  readonly #beganAtMs: number
  #receivedBytes: number
  #lookedAtMs: number
  #keptAliveAtMs: number
  #behindMs = 0

  /** @param nowMs Up to a second after the head came. */
  constructor(receivedBytes: number, nowMs: number) {
    this.#receivedBytes = receivedBytes
    this.#beganAtMs = nowMs
    this.#lookedAtMs = nowMs
    this.#keptAliveAtMs = nowMs
  }

  /**
   * To be asked about once a second.
   *
   * @param isReading Whether the client may send; time in which it may not does not count here,
   *   but it does for `requestMs`.
   */
  isTooSlow(
    receivedBytes: number,
    isReading: boolean,
    nowMs: number,
    { bodyMs, bodyMinRate, requestMs }: BodyTimeouts,
  ): boolean {
    const passedMs = isReading ? nowMs - this.#lookedAtMs : 0
    const bytes = receivedBytes - this.#receivedBytes
    const earnedMs = bodyMinRate > 0 ? (bytes * MS_PER_SECOND) / bodyMinRate : bytes * bodyMs
    this.#behindMs = Math.max(0, this.#behindMs + passedMs - earnedMs)
    this.#receivedBytes = receivedBytes
    this.#lookedAtMs = nowMs
    if (requestMs !== null && nowMs - this.#beganAtMs >= requestMs) return true
    return this.#behindMs >= bodyMs
  }

  /** @returns Whether it is; it counts as done then. */
  isKeepAliveDue(nowMs: number): boolean {
    if (nowMs - this.#keptAliveAtMs < KEEP_ALIVE_INTERVAL_MS) return false
    this.#keptAliveAtMs = nowMs
    return true
  }
}
