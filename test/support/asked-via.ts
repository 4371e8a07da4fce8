/** Asks the decision endpoint about a request, in the words of each kind of proxy. */
import { type Answer, ask, type Fields } from './gateway-answer.ts'

export const ADAPTERS = ['forward-auth', 'auth-request', 'ext-authz'] as const

export type Adapter = (typeof ADAPTERS)[number]

/** A request of a client, as a proxy sees it. */
export interface ProxiedRequest {
  readonly method: string
  /** With a query, or without. */
  readonly target: string
  readonly host: string
  readonly scheme: 'http' | 'https'
  /** Of the client, `Host` left out. */
  readonly fields: Fields
}

export const BASE = '/_sallyport/decide'

interface Call {
  readonly method: string
  readonly target: string
  readonly fields: Fields
}

const SENT_BY_CLIENTS = new Set([
  ...['x-original-url', 'x-original-method', 'x-forwarded-method', 'x-forwarded-uri'],
  ...['x-forwarded-proto', 'x-forwarded-host'],
])

/** A proxy takes out what its client sends of its own fields, and sets them. */
export function callAbout(adapter: Adapter, request: ProxiedRequest): Call {
  const { method, target, host, scheme } = request
  const fields = request.fields.filter(([name]) => !SENT_BY_CLIENTS.has(name.toLowerCase()))
  if (adapter === 'forward-auth') {
    const told: Fields = [
      ['X-Forwarded-Method', method],
      ['X-Forwarded-Proto', scheme],
      ['X-Forwarded-Host', host],
      ['X-Forwarded-Uri', target],
    ]
    return { method: 'GET', target: `${BASE}/forward-auth`, fields: [...fields, ...told] }
  }
  if (adapter === 'auth-request') {
    const told: Fields = [
      ['X-Original-Method', method],
      ['X-Original-URL', `${scheme}://${host}${target}`],
    ]
    return { method: 'GET', target: `${BASE}/auth-request`, fields: [...fields, ...told] }
  }
  const own: Fields = [
    ['Host', host],
    ['X-Forwarded-Proto', scheme],
  ]
  return { method, target: `${BASE}/ext-authz${target}`, fields: [...own, ...fields] }
}

export function askedVia(port: number, adapter: Adapter, request: ProxiedRequest): Promise<Answer> {
  const { method, target, fields } = callAbout(adapter, request)
  return ask(port, target, fields, method)
}
