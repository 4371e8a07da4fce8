/** How an explanation looks on a terminal: a line a step, the reason, and what to do about it. */
import type { AnsweredRefusal, ExplainedRefusal, Explanation } from '../gateway/explanation.ts'
import type { TraceMark } from '../protocol/trace.ts'
import type { Terminal } from './terminal.ts'

const MARKS: Readonly<Record<TraceMark, string>> = { ok: 'ok', no: 'no', note: '-' }
const MARK_COLUMN = 3
const STEP_COLUMN = 13
/** What a step says in place of values. */
const HIDDEN = /: present, an? |held: \d+ value/

export function printExplanation(explanation: Explanation, terminal: Terminal): void {
  const { request, steps } = explanation
  const { method, path, host, clientAddress } = request
  const where = host === '' ? '' : `host ${host}, `
  terminal.print(`${method} ${path}  (${where}from ${clientAddress})`)
  terminal.print('')
  for (const { step, mark, text } of steps) {
    terminal.print(`  ${MARKS[mark].padEnd(MARK_COLUMN)}${step.padEnd(STEP_COLUMN)} ${text}`)
  }
  terminal.print('')
  for (const line of verdictLines(explanation)) terminal.print(line)
  if (explanation.outcome === 'refused' && steps.some(({ text }) => HIDDEN.test(text))) {
    terminal.print('  see:  --show-values shows what the credential says')
  }
}

function verdictLines(explanation: Explanation): readonly string[] {
  const { outcome, route, upstream, tenant, caller, refusal, shadow } = explanation
  const name = `route ${JSON.stringify(route ?? '')}`
  if (outcome === 'answered') return ['passes: the gateway answers this by itself']
  if (refusal === null) {
    const served = tenant === null ? '' : `, tenant ${tenant}`
    return [
      `passes: ${name}${served}, caller ${caller ?? 'unknown'}, to upstream ${upstream ?? ''}`,
    ]
  }
  if (shadow) return [`passes: ${name} is in shadow and only reports`, ...refusalLines(refusal)]
  return refusalLines(refusal)
}

export function printAnswered(refusal: AnsweredRefusal, terminal: Terminal): void {
  const { at, method, path, route, tenant, clientAddress, shadow } = refusal
  const served = tenant === null ? '' : `, tenant ${tenant}`
  const address = clientAddress === '' ? 'unknown' : clientAddress
  terminal.print(`${method} ${path}  (route ${route}${served}, from ${address}, at ${at})`)
  terminal.print('')
  if (shadow) terminal.print('passed: the route is in shadow and only reports')
  for (const line of refusalLines({ ...refusal, retryAfterSeconds: null })) terminal.print(line)
}

function refusalLines(refusal: ExplainedRefusal): readonly string[] {
  const { status, code, reason, detail, meaning, advice, retryAfterSeconds } = refusal
  const where = detail === null ? '' : `, ${detail}`
  const wait = retryAfterSeconds === null ? '' : `, to be tried again in ${retryAfterSeconds} s`
  return [
    `refused: ${status} ${code} (${reason}${where})${wait}`,
    `  why:  ${meaning}`,
    `  do:   ${advice}`,
  ]
}
