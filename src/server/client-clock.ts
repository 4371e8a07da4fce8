/**
 * The gateway's own clock for clients: one timer for all connections of a server.
 *
 * The native server closes a connection on which less than 160 KiB have come in 10 s of a body, or
 * whose client has taken nothing of an answer for 10 s. A phone on a slow link and a player that
 * pauses are cut by that. So each sweep puts the native clock of the connections that are waited
 * for back, which leaves the deadlines to what is set, and costs nothing for a request whose body
 * comes with its head and whose client takes its answer.
 *
 *     body      behind its lowest rate by more than `bodyMs`  ─► told to its reader as `too_slow`
 *     answer    nothing taken for `stalledReaderMs`           ─► connection closed
 *     lingering answered, and read on (lingering.ts)          ─► connection closed
 *
 * The native clock must never run once a body is complete: nothing would stop it while an upstream
 * works. So a body is forgotten with its last byte.
 *
 * Not kept off: the native clock of heads and of idle connections, which have no handle.
 */
import { systemClock } from '../runtime/clock.ts'
import { BodyProgress, type BodyTimeouts } from './body-progress.ts'

export interface ClientTimeouts extends BodyTimeouts {
  /** Longest time in which a client takes nothing of an answer that waits for it. */
  readonly stalledReaderMs: number
}

/** A body that is not complete. */
export interface AwaitedBody {
  readonly receivedBytes: number
  /** Whether the client may send, as far as the gateway is concerned. */
  readonly isReading: boolean
  /** Puts the native clock of the connection back. */
  keepAlive(): void
  /** The client has sent less than it must. Called once. */
  tooSlow(): void
}

/** An answer that its client is too slow for. */
export interface BlockedAnswer {
  /** Grows when the client takes something. */
  readonly takenCount: number
  /** Writes what fits, which puts the native clock back. May end in {@link ClientClock.forget}. */
  push(): void
  /** The client has taken nothing for too long. Called once. */
  stalled(): void
}

/** Anything else that is to be looked at each second. */
export interface Swept {
  onSweep(nowMs: number): void
}

interface TakenProgress {
  takenCount: number
  sinceMs: number
}

const SWEEP_INTERVAL_MS = 1_000
/** A pause of this thread, or of the whole process, is not the client's. */
const COUNTED_MS_MAX = 2 * SWEEP_INTERVAL_MS

export class ClientClock {
  readonly #timeouts: ClientTimeouts
  readonly #swept: Swept
  /** `null`: not seen by a sweep yet. */
  readonly #bodies = new Map<AwaitedBody, BodyProgress | null>()
  readonly #answers = new Map<BlockedAnswer, TakenProgress | null>()
  readonly #timer: NodeJS.Timeout
  #sweptAtMs = systemClock.monotonicMs()
  /** Time in which this thread could have seen what clients do. */
  #watchedMs = 0

  /** @param onError Told what a callback threw: a defect. */
  constructor(timeouts: ClientTimeouts, swept: Swept, onError: (error: unknown) => void) {
    this.#timeouts = timeouts
    this.#swept = swept
    this.#timer = setInterval(() => {
      try {
        this.#sweep(this.#nextMs())
      } catch (error) {
        onError(error)
      }
    }, SWEEP_INTERVAL_MS).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** Until its last byte, or its end. */
  awaitBody(body: AwaitedBody): void {
    this.#bodies.set(body, null)
  }

  forgetBody(body: AwaitedBody): void {
    this.#bodies.delete(body)
  }

  /** As long as it is blocked. Once more for the same block changes nothing. */
  awaitReader(answer: BlockedAnswer): void {
    if (!this.#answers.has(answer)) this.#answers.set(answer, null)
  }

  forgetReader(answer: BlockedAnswer): void {
    this.#answers.delete(answer)
  }

  #nextMs(): number {
    const atMs = systemClock.monotonicMs()
    this.#watchedMs += Math.min(atMs - this.#sweptAtMs, COUNTED_MS_MAX)
    this.#sweptAtMs = atMs
    return this.#watchedMs
  }

  #sweep(nowMs: number): void {
    for (const [body, progress] of this.#bodies) this.#lookAtBody(body, progress, nowMs)
    for (const [answer, progress] of this.#answers) this.#lookAtAnswer(answer, progress, nowMs)
    this.#swept.onSweep(nowMs)
  }

  #lookAtBody(body: AwaitedBody, known: BodyProgress | null, nowMs: number): void {
    if (known === null) {
      this.#bodies.set(body, new BodyProgress(body.receivedBytes, nowMs))
      if (body.isReading) body.keepAlive()
      return
    }
    const { isReading } = body
    if (known.isTooSlow(body.receivedBytes, isReading, nowMs, this.#timeouts)) {
      this.#bodies.delete(body)
      body.tooSlow()
    } else if (isReading && known.isKeepAliveDue(nowMs)) body.keepAlive()
  }

  #lookAtAnswer(answer: BlockedAnswer, known: TakenProgress | null, nowMs: number): void {
    answer.push()
    if (!this.#answers.has(answer)) return
    const { takenCount } = answer
    if (known === null) this.#answers.set(answer, { takenCount, sinceMs: nowMs })
    else if (takenCount !== known.takenCount) {
      known.takenCount = takenCount
      known.sinceMs = nowMs
    } else if (nowMs - known.sinceMs >= this.#timeouts.stalledReaderMs) {
      this.#answers.delete(answer)
      answer.stalled()
    }
  }
}
