/** What all answers of one server share. */
import type { AnswerTurns } from './answer-turns.ts'
import type { BodilessAnswers } from './bodiless-answers.ts'
import type { ClientClock } from './client-clock.ts'
import type { LingeringConnections } from './lingering.ts'

/** Where a body comes from, as far as it can be held back. */
export interface BodySocket {
  pause(): unknown
  resume(): unknown
}

/** What all bodies of one server share. */
export interface BodyContext {
  readonly bodyBytesMax: number
  readonly clock: ClientClock
}

/** One object for all requests. */
export interface WriterContext extends BodyContext {
  readonly scheme: 'http' | 'https'
  /** Once true, every answer closes its connection. */
  isDraining: boolean
  readonly turns: AnswerTurns
  readonly bodiless: BodilessAnswers
  readonly lingering: LingeringConnections
  /** A callback of the layers above threw. Its exchange has been destroyed. */
  readonly onError: (error: unknown) => void
}
