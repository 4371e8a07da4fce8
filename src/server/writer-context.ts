/** What all answers of one server share. */
import type { AnswerTurns } from './answer-turns.ts'
import type { BodilessAnswers } from './bodiless-answers.ts'
import type { ClientClock } from './client-clock.ts'
import type { LingeringConnections } from './lingering.ts'

/** One object for all requests. */
export interface WriterContext {
  readonly scheme: 'http' | 'https'
  readonly bodyBytesMax: number
  /** Once true, every answer closes its connection. */
  isDraining: boolean
  readonly turns: AnswerTurns
  readonly bodiless: BodilessAnswers
  readonly clock: ClientClock
  readonly lingering: LingeringConnections
  /** A callback of the layers above threw. Its exchange has been destroyed. */
  readonly onError: (error: unknown) => void
}
