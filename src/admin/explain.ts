/**
 * Explains requests, and finds the reasons of refusals that have been answered.
 *
 *     POST /explain              {"method": "GET", "url": "/api/x", "token": "…", …}     200
 *     GET /refusals              the last ones, newest first                             200
 *     GET /refusals/<id>         that of the answer with this X-Request-Id               200
 */
import { answeredRefusal, type ExplainQuestion, type Explanation } from '../gateway/explanation.ts'
import type { RecentRefusal } from '../observability/recent-refusals.ts'
import { type AdminRequest, type Answer, json, methodNotAllowed, problem } from './answer.ts'

/** What the supervisor knows of requests, from its listener threads. */
export interface Explanations {
  /** `null`: no listener thread answered in time, or one failed, which the log tells. */
  explain(question: ExplainQuestion): Promise<Explanation | null>
  /** Newest first. @param requestId `null`: of all requests. */
  refusals(requestId: string | null): Promise<readonly RecentRefusal[]>
}

/** Listed at once. */
const LISTED_MAX = 100

/** Members of a question: all texts, but for the fields and the switch. */
const TEXTS = ['method', 'url', 'host', 'token', 'cookie', 'clientAddress', 'body'] as const
const MEMBERS: ReadonlySet<string> = new Set([...TEXTS, 'headers', 'showValues'])

export async function answerExplain(
  explanations: Explanations,
  { method, body }: AdminRequest,
): Promise<Answer> {
  if (method !== 'POST') return methodNotAllowed('/explain', 'POST')
  if (body === null) {
    return problem(400, 'Invalid request', 'The body must be a JSON object in application/json.')
  }
  const question = questionOf(body)
  if (typeof question === 'string') return problem(400, 'Invalid request', question)
  const explanation = await explanations.explain(question)
  if (explanation !== null) return json(200, explanation)
  return problem(
    503,
    'No answer',
    'No listener thread explained it in time, or one failed: then the log says more.',
  )
}

export async function answerRefusals(
  explanations: Explanations,
  { method, reference }: AdminRequest,
): Promise<Answer> {
  if (method !== 'GET' && method !== 'HEAD') return methodNotAllowed('/refusals', 'GET, HEAD')
  const found = await explanations.refusals(reference === '' ? null : reference)
  const refusals = found.slice(0, LISTED_MAX).map(answeredRefusal)
  if (reference === '') return json(200, { refusals })
  const [refusal] = refusals
  if (refusal !== undefined) return json(200, refusal)
  const kept = 'Each listener thread keeps its last refusals, and this id is not among them.'
  return problem(404, 'Not found', kept)
}

/** @returns Why it is none, in one sentence that shows no value. */
function questionOf(body: Readonly<Record<string, unknown>>): ExplainQuestion | string {
  const unknown = Object.keys(body).find((name) => !MEMBERS.has(name))
  if (unknown !== undefined) return `Known members are ${[...MEMBERS].join(', ')}.`
  for (const name of TEXTS) {
    if (typeof (body[name] ?? '') !== 'string') return `${name} must be a text.`
  }
  const text = (name: (typeof TEXTS)[number]) => (body[name] ?? null) as string | null
  const headers = body['headers'] ?? {}
  if (!isFields(headers)) return 'headers must be an object of texts, or of lists of texts.'
  const showValues = body['showValues'] ?? false
  if (typeof showValues !== 'boolean') return 'showValues must be true or false.'
  const [method, url] = [text('method') ?? 'GET', text('url')]
  if (url === null) return 'url is needed: the path and query of the request.'
  const fields = Object.entries(headers).flatMap(([name, values]) =>
    (typeof values === 'string' ? [values] : values).flatMap((value) => [name, value]),
  )
  const [token, cookie] = [text('token'), text('cookie')]
  if (token !== null) fields.push('authorization', `Bearer ${token}`)
  if (cookie !== null) fields.push('cookie', cookie)
  const rest = { host: text('host'), clientAddress: text('clientAddress'), body: text('body') }
  return { method, url, headers: fields, showValues, ...rest }
}

function isFields(value: unknown): value is Readonly<Record<string, string | readonly string[]>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return Object.values(value).every((field) => {
    return typeof field === 'string' || (Array.isArray(field) && field.every(isString))
  })
}

function isString(value: unknown): boolean {
  return typeof value === 'string'
}
