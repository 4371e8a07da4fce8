/**
 * Requests with a mark of their own, and what a gateway and the upstream behind it made of them.
 */
import assert from 'node:assert/strict'
import { outcomeOn } from './engine-differences.ts'
import { type Answer, ask, type Fields, statusAndCode } from './gateway-answer.ts'
import { newMark, type RecordingUpstream } from './recording-upstream.ts'
import { testEngine } from './test-engine.ts'

export interface MarkedRequest {
  /** Default GET. */
  readonly method?: string
  readonly path: string
  readonly fields?: Fields
}

/** A gateway, and what it would send requests to. */
export interface Behind {
  readonly port: number
  readonly upstream: RecordingUpstream
}

/** It is served, and the upstream has a record of it: what is not there was not sent there. */
export async function assertPasses(behind: Behind, request: MarkedRequest): Promise<Answer> {
  const { answer, mark } = await send(behind, request)
  assert.equal(statusAndCode(answer), '200')
  assert.ok(behind.upstream.saw(mark), 'the upstream has no record of it')
  return answer
}

/** It is answered so, and nothing of it gets to the upstream. */
export async function assertBounces(
  behind: Behind,
  expected: string,
  request: MarkedRequest,
): Promise<Answer> {
  const { answer, mark } = await send(behind, request)
  // An answer to HEAD has no body that could tell a code.
  const isHead = request.method === 'HEAD'
  const outcome = isHead ? String(answer.status) : statusAndCode(answer)
  const here = outcomeOn(testEngine, '', expected)
  assert.equal(outcome, isHead ? here.slice(0, 3) : here)
  assert.ok(!behind.upstream.saw(mark), 'seen by the upstream')
  return answer
}

async function send({ port }: Behind, { method = 'GET', path, fields = [] }: MarkedRequest) {
  const mark = newMark()
  return { mark, answer: await ask(port, path, [['X-Mark', mark], ...fields], method) }
}
