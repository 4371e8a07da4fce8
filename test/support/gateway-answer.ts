/** Requests to a gateway, one connection each, and what its answers say. */
import { exchangeRaw, type RawAnswer, type RawTarget } from './raw-http.ts'
import type { Echo } from './upstream-servers.ts'

export type Fields = readonly (readonly [name: string, value: string])[]

/** Fields of a request: by name, or in an order and as often as wanted. */
export type AskedFields = Fields | Readonly<Record<string, string>>

export interface Answer extends RawAnswer {
  /** The body. */
  readonly text: string
  readonly durationMs: number
  /** A field, its values joined (RFC 9110 §5.3), name in lower case; `null`: it is not there. */
  field(name: string): string | null
  /** All values of a field. */
  values(name: string): readonly string[]
}

const DEADLINE_MS = 20_000
/** Methods whose requests have a body, if only an empty one. */
const WITH_BODY = new Set(['POST', 'PUT', 'PATCH'])

/** The bytes of a request with exactly these fields, and `Host` where they have none. */
function requestBytes(method: string, target: string, fields: Fields): string {
  const named = new Set(fields.map(([name]) => name.toLowerCase()))
  const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`)
  if (WITH_BODY.has(method) && !named.has('content-length')) lines.unshift('Content-Length: 0\r\n')
  if (!named.has('host')) lines.unshift('Host: gateway.test\r\n')
  return `${method} ${target} HTTP/1.1\r\n${lines.join('')}\r\n`
}

/** Sends a request over a connection of its own, so that any listener thread may get it. */
export async function ask(
  gateway: RawTarget | number,
  target: string,
  fields: AskedFields = [],
  method = 'GET',
): Promise<Answer> {
  const pairs = Array.isArray(fields) ? (fields as Fields) : Object.entries(fields)
  const startedAtMs = performance.now()
  const bytes = requestBytes(method, target, pairs)
  const reply = await exchangeRaw(gateway, bytes, { deadlineMs: DEADLINE_MS, methods: [method] })
  const answer = reply.answers[0]
  if (answer === undefined) {
    throw new Error(`no answer; closed: ${reply.closed}; received: ${JSON.stringify(reply.text)}`)
  }
  const values = (name: string) =>
    answer.headers.filter(([key]) => key === name).map(([, value]) => value)
  return {
    ...answer,
    text: answer.body.toString(),
    durationMs: performance.now() - startedAtMs,
    field: (name) => (values(name).length === 0 ? null : values(name).join(', ')),
    values,
  }
}

/**
 * `200`, or the status and the reason.
 *
 * @param fromAdmin Asks the admin listener of the gateway for what is at a path.
 */
export async function statusAndReason(
  { status, text }: Answer,
  fromAdmin: (path: string) => Promise<unknown>,
): Promise<string> {
  if (status === 200) return '200'
  const { request_id: id } = JSON.parse(text) as { readonly request_id: string }
  const { reason } = (await fromAdmin(`/refusals/${id}`)) as { readonly reason: string }
  return `${status} ${reason}`
}

/** `error` of a refusal, or `passed`. */
export function outcomeOf({ status, text }: Answer): string {
  return status === 200 ? 'passed' : `${status} ${(JSON.parse(text) as { error: string }).error}`
}

/** `error` of a refusal; the status where the body is none. */
export function errorOf(answer: RawAnswer): string {
  const isProblem = answer.headers.some(
    ([name, value]) => name === 'content-type' && value === 'application/problem+json',
  )
  if (!isProblem) return String(answer.status)
  return (JSON.parse(answer.body.toString()) as { readonly error: string }).error
}

/** Status and code of a refusal, `401 invalid_token`; the status where the body tells no code. */
export function statusAndCode(answer: RawAnswer): string {
  const code = errorOf(answer)
  return code === String(answer.status) ? code : `${answer.status} ${code}`
}

/** What the echo upstream received. */
export function echoOf(answer: RawAnswer): Echo {
  return JSON.parse(answer.body.toString()) as Echo
}

/** Every value of a field as the upstream got it; `_` in its name counts as `-`. */
export function valuesOf(echo: Echo, wanted: string): readonly string[] {
  const values: string[] = []
  for (let index = 0; index < echo.rawHeaders.length; index += 2) {
    const name = echo.rawHeaders[index]?.toLowerCase().replaceAll('_', '-')
    if (name === wanted.toLowerCase()) values.push(echo.rawHeaders[index + 1] ?? '')
  }
  return values
}

/** One value that the upstream got, or `null`. */
export function upstreamField(answer: RawAnswer, name: string): string | null {
  const { rawHeaders } = echoOf(answer)
  const place = rawHeaders.findIndex((field, at) => at % 2 === 0 && field.toLowerCase() === name)
  return place === -1 ? null : (rawHeaders[place + 1] ?? null)
}
