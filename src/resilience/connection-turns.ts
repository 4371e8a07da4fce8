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
 */
import type { Clock } from './clock.ts'
import { CrowdLimit } from './crowd-limit.ts'

export interface ConnectionTurnsOptions {
  /** At least {@link CONNECTIONS_MIN}. */
  readonly connections: number
  readonly clock: Clock
}

/** One for strangers, and one that they cannot have. */
export const CONNECTIONS_MIN = 2

const WAITING_KNOWN_MAX = 4_096
const WAITING_STRANGERS_MAX = 1_024

/** Leave to use a connection. Ends with {@link ConnectionTurns.giveBack}, whatever came of it. */
export interface Turn {
  readonly isKnown: boolean
  readonly sentAtMs: number
  /** Strangers' turns under way when it began, itself included. */
  readonly strangers: number
}

/** How the use of a connection ended. `failed` says nothing about how long a call takes. */
export type TurnEnd = 'answered' | 'timed_out' | 'failed'

interface Waiter {
  readonly admit: (turn: Turn | null) => void
  readonly timer: NodeJS.Timeout
}

export class ConnectionTurns {
  readonly #connections: number
  readonly #clock: Clock
  readonly #crowd: CrowdLimit
  readonly #known = new Set<Waiter>()
  readonly #strangers = new Set<Waiter>()
  #knownTurns = 0
  #strangersTurns = 0

  constructor({ connections, clock }: ConnectionTurnsOptions) {
    this.#connections = Math.max(CONNECTIONS_MIN, connections)
    this.#clock = clock
    this.#crowd = new CrowdLimit(Math.floor(this.#connections / 2))
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
        queue.delete(waiter)
        admit(null)
      }, waitMsMax)
      const waiter: Waiter = { admit, timer }
      queue.add(waiter)
    })
  }

  giveBack({ isKnown, sentAtMs, strangers }: Turn, end: TurnEnd): void {
    if (isKnown) this.#knownTurns -= 1
    else this.#strangersTurns -= 1
    const nowMs = this.#clock.monotonicMs()
    if (end === 'answered') this.#crowd.answered(sentAtMs, nowMs, strangers)
    if (end === 'timed_out') this.#crowd.timedOut(sentAtMs, nowMs)
    this.#admit(this.#known, true)
    this.#admit(this.#strangers, false)
  }

  #hasRoom(isKnown: boolean): boolean {
    const isFree = this.#knownTurns + this.#strangersTurns < this.#connections
    return isFree && (isKnown || this.#strangersTurns < this.#crowd.value)
  }

  #begin(isKnown: boolean): Turn {
    if (isKnown) this.#knownTurns += 1
    else this.#strangersTurns += 1
    return { isKnown, sentAtMs: this.#clock.monotonicMs(), strangers: this.#strangersTurns }
  }

  #admit(queue: Set<Waiter>, isKnown: boolean): void {
    for (const waiter of queue) {
      if (!this.#hasRoom(isKnown)) return
      queue.delete(waiter)
      clearTimeout(waiter.timer)
      waiter.admit(this.#begin(isKnown))
    }
  }
}
