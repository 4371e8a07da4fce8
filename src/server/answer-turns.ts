/**
 * Bounds how many answers of its own a thread gives within one turn of the event loop.
 *
 * The native server hands up all requests that one read of a connection brought, thousands of small
 * ones, in one turn. Each that the gateway answers by itself at once (a refusal, a health check)
 * lets it go on with the next, so that a single client that pipelines would keep everybody else
 * waiting for as long as it takes to answer all of them.
 *
 * Answers beyond the bound wait for the next turn. That ends it: while an answer waits, the native
 * server closes a connection on which another request comes. Connections on which nothing else
 * comes only get their answer a moment later.
 */

/** About a millisecond of work. Few clients pipeline at all, and hardly any as many. */
const ANSWERS_PER_TURN_MAX = 64

/** An answer that was put off. */
export interface WaitingAnswer {
  /** Called once, in a later turn. */
  onTurn(): void
  /** It threw. */
  fail(error: unknown): void
}

export class AnswerTurns {
  #given = 0
  #isTurnWatched = false
  #waiting: WaitingAnswer[] = []

  readonly #endTurn = (): void => {
    const waiting = this.#waiting
    this.#waiting = []
    this.#given = 0
    this.#isTurnWatched = false
    for (const answer of waiting) {
      try {
        answer.onTurn()
      } catch (error) {
        answer.fail(error)
      }
    }
  }

  /** @returns Whether to answer now; otherwise `answer` is called in a later turn. */
  admit(answer: WaitingAnswer): boolean {
    const isAdmitted = this.mayAnswer()
    if (!isAdmitted) this.#waiting.push(answer)
    return isAdmitted
  }

  /** Counts one more answer of this turn. @returns Whether it is within the bound. */
  mayAnswer(): boolean {
    if (!this.#isTurnWatched) {
      this.#isTurnWatched = true
      setImmediate(this.#endTurn)
    }
    this.#given += 1
    return this.#given <= ANSWERS_PER_TURN_MAX
  }
}
