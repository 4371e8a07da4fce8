/**
 * Whose turn it is to use one of a few connections: a queue of our own before that of the HTTP
 * client, so that waiting is told apart from being served slowly.
 *
 *     known ────► queue ─┐
 *                        ├─► connections        known first, and all of them if need be
 *     strangers ► queue ─┘                      strangers at most half, fewer under load
 *
 * A caller is known when somebody has vouched for what it is about; anybody at all can send what
 * strangers bring. So strangers never hold the last connection, and never make the known wait
 * behind them. Both queues are bounded in length and in time. One for each thread and origin.
 *
 * Strangers' share may be less than one call at a time, because there are other threads: after
 * each, this one rests so long that it is that share of the time.
 */
import type { Clock } from '../runtime/clock.ts'
import type { AnswerKind, CrowdLimit, CrowdSample } from './crowd-limit.ts'
import { WaitingLine } from './waiting-line.ts'

export interface ConnectionTurnsOptions {
  /** At least {@link CONNECTIONS_MIN}. */
  readonly connections: number
  /** Shared with the other threads. */
  readonly crowd: CrowdLimit
  readonly clock: Clock
}

/** One for strangers, and one that they cannot have. */
export const CONNECTIONS_MIN = 2

/** Of so many connections, strangers have so many at most. */
export function strangersMax(connections: number): number {
  return Math.floor(Math.max(CONNECTIONS_MIN, connections) / 2)
}

const WAITING_KNOWN_MAX = 4_096
const WAITING_STRANGERS_MAX = 1_024

/** Leave to use a connection. Ends with {@link ConnectionTurns.giveBack}, whatever came of it. */
export interface Turn {
  readonly isKnown: boolean
  readonly sentAtMs: number
  readonly sample: CrowdSample
}

/** How the use of a connection ended. `failed` says nothing about how long a call takes. */
export type TurnEnd = AnswerKind | 'timed_out' | 'failed'

interface Waiter {
  readonly admit: (turn: Turn | null) => void
  readonly timer: NodeJS.Timeout
}

export class ConnectionTurns {
  readonly #connections: number
  readonly #clock: Clock
  readonly #crowd: CrowdLimit
  readonly #known = new WaitingLine<Waiter>()
  readonly #strangers = new WaitingLine<Waiter>()
  #knownTurns = 0
  #strangersTurns = 0
  /** While strangers rest. */
  #rest: NodeJS.Timeout | null = null

  constructor({ connections, crowd, clock }: ConnectionTurnsOptions) {
    this.#connections = Math.max(CONNECTIONS_MIN, connections)
    this.#clock = clock
    this.#crowd = crowd
  }

  /**
   * @param waitMsMax How long it may wait.
   * @returns `null` when its time is up, or too many wait already. Never rejects.
   */
  take(isKnown: boolean, waitMsMax: number): Promise<Turn | null> {
    if (this.#hasRoom(isKnown)) return Promise.resolve(this.#begin(isKnown))
    const queue = isKnown ? this.#known : this.#strangers
    if (queue.size >= (isKnown ? WAITING_KNOWN_MAX : WAITING_STRANGERS_MAX)) {
      return Promise.resolve(null)
    }
    return new Promise((admit) => {
      const timer = setTimeout(() => {
        queue.leave(place)
        admit(null)
      }, waitMsMax)
      const place = queue.join({ admit, timer })
    })
  }

  giveBack({ isKnown, sentAtMs, sample }: Turn, end: TurnEnd): void {
    const durationMs = this.#clock.monotonicMs() - sentAtMs
    if (end === 'timed_out') this.#crowd.timedOut(sample)
    else if (end !== 'failed') this.#crowd.answered(end, sample, durationMs)
    if (isKnown) this.#knownTurns -= 1
    else this.#strangerEnded(end, durationMs)
    this.#admit(this.#known, true)
    this.#admit(this.#strangers, false)
  }

  /** Where nothing was answered there is no rest: it may be an outage, which is to be found out. */
  #strangerEnded(end: TurnEnd, durationMs: number): void {
    this.#strangersTurns -= 1
    this.#crowd.ended()
    const { share } = this.#crowd
    const wasAnswered = end !== 'timed_out' && end !== 'failed'
    if (share >= 1 || !wasAnswered || this.#rest !== null) return
    this.#rest = setTimeout(
      () => {
        this.#rest = null
        this.#admit(this.#strangers, false)
      },
      durationMs * (1 / share - 1),
    )
    this.#rest.unref()
  }

  #hasRoom(isKnown: boolean): boolean {
    const isFree = this.#knownTurns + this.#strangersTurns < this.#connections
    if (isKnown || !isFree) return isFree
    return this.#rest === null && this.#strangersTurns < Math.max(1, Math.floor(this.#crowd.share))
  }

  #begin(isKnown: boolean): Turn {
    if (isKnown) this.#knownTurns += 1
    else this.#strangersTurns += 1
    const sample = this.#crowd.began(!isKnown)
    return { isKnown, sentAtMs: this.#clock.monotonicMs(), sample }
  }

  #admit(queue: WaitingLine<Waiter>, isKnown: boolean): void {
    while (this.#hasRoom(isKnown)) {
      const waiter = queue.next()
      if (waiter === null) return
      clearTimeout(waiter.timer)
      waiter.admit(this.#begin(isKnown))
    }
  }
}
