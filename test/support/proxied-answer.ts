/** Reads answers that came through a gateway from the echo upstream. */
import assert from 'node:assert/strict'
import { answerHeader, type RawAnswer } from './raw-http.ts'
import type { Echo } from './upstream-servers.ts'

/** What the echo upstream tells in its answer. */
export function echoOf(answer: RawAnswer | undefined): Echo {
  assert.equal(answer?.status, 200)
  return JSON.parse(answer?.body.toString() ?? '') as Echo
}

export function soleAnswer(answers: readonly RawAnswer[]): RawAnswer {
  const [answer] = answers
  assert.ok(answer !== undefined && answers.length === 1, `there are ${answers.length} answers`)
  return answer
}

export function announcesClose(answer: RawAnswer): boolean {
  return answerHeader(answer, 'connection').includes('close')
}
