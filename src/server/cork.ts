/**
 * Hot path: runs the step of an answer while the native server gathers what is written, so that it
 * leaves in one piece. One function for all answers, instead of a closure for each.
 */
import type { NativeResponse } from './native-binary.ts'

export interface CorkedAnswer {
  runStep(): void
}

let corkedAnswer: CorkedAnswer | null = null
const runCorkedStep = () => corkedAnswer?.runStep()

/** The step runs before this returns. */
export function corkStep(answer: CorkedAnswer, response: NativeResponse): void {
  const outer = corkedAnswer
  corkedAnswer = answer
  response.cork(runCorkedStep)
  corkedAnswer = outer
}
