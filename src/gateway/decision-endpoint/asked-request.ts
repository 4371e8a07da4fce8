/**
 * Reads which request another proxy asks about. Where it is told depends on the proxy, so there is
 * a path for each way, and nothing is guessed:
 *
 *     forward-auth   X-Forwarded-Method, -Proto, -Host, -Uri   Traefik, Caddy, APISIX, HAProxy
 *     auth-request   X-Original-Method, X-Original-URL         nginx, ingress-nginx
 *     ext-authz/…    the request line behind the prefix        Envoy, Istio, Gateway API
 *
 * All of it must be there once. What the proxy left to its client would let that client choose the
 * request that is decided about, so it is never made up from elsewhere.
 */
import { canonicalPathWith, isAcceptableQuery } from '../../http/canonical-path.ts'
import type { RequestHead } from '../../http/exchange.ts'
import { schemeOf } from '../../http/forwarded-field.ts'
import { fieldValue, type HeaderList } from '../../http/header-list.ts'
import { hostWithoutPort } from '../../http/host-header.ts'
import { isMethodToken, isStandardMethod } from '../../http/methods.ts'
import type { RefusalReason } from '../../protocol/refusal-reason.ts'
import type { RouteTable } from '../../routing/compile-routes.ts'

/** The request that is decided about. */
export interface AskedRequest {
  readonly kind: 'asked'
  readonly head: RequestHead
  readonly scheme: 'http' | 'https'
}

/** The call itself does not say what is asked: a mistake in the settings of the proxy. */
export interface UnreadableCall {
  readonly kind: 'unreadable'
  /** The field that is missing, repeated or malformed, in lower case. */
  readonly field: string
}

/** The request is told, and the server would have refused it if it had come here. */
export interface RefusedRequestLine {
  readonly kind: 'refused'
  readonly reason: RefusalReason
}

export type AskedReading = AskedRequest | UnreadableCall | RefusedRequestLine

/** What the server asks of every request that it reads itself. */
export interface AskedRules extends Pick<RouteTable<unknown>, 'keptForms' | 'methods'> {
  /** Most characters of path and query together. */
  readonly urlBytesMax: number
}

/**
 * Scheme, authority, and the target, which has a path: a client that could end the host with `?`
 * would make the whole target a query.
 */
const ABSOLUTE_URL = /^([A-Za-z]+):\/\/([^/]*)(\/.*)$/
/** Words of proxies for a handshake of web sockets, which begins as a request of this scheme. */
const SOCKET_SCHEMES: Readonly<Record<string, 'http' | 'https'>> = { ws: 'http', wss: 'https' }

/**
 * Fields of the call that are not the client's. What a proxy says of scheme, host and prefix is in
 * the request line that it tells; beside that, each could be the client's own.
 */
const OF_THE_CALL: ReadonlySet<string> = new Set([
  ...['host', 'connection', 'content-length', 'transfer-encoding', 'expect', 'upgrade'],
  ...['x-original-url', 'x-original-method', 'x-forwarded-method', 'x-forwarded-uri'],
  ...['x-forwarded-proto', 'x-forwarded-host', 'x-forwarded-port', 'x-forwarded-prefix'],
  'forwarded',
])

/** @param headers Of a call from a trusted peer. */
export function readForwardAuth(headers: HeaderList, rules: AskedRules): AskedReading {
  const method = fieldValue(headers, 'x-forwarded-method')
  if (method === null || !isMethodToken(method)) return unreadable('x-forwarded-method')
  const scheme = askedScheme(fieldValue(headers, 'x-forwarded-proto') ?? '')
  if (scheme === null) return unreadable('x-forwarded-proto')
  const authority = fieldValue(headers, 'x-forwarded-host') ?? ''
  const host = hostWithoutPort(authority)
  if (host === null) return unreadable('x-forwarded-host')
  const target = fieldValue(headers, 'x-forwarded-uri')
  if (target === null || target === '') return unreadable('x-forwarded-uri')
  return askedRequest({ method, scheme, authority, host, target }, headers, rules)
}

/** @param headers Of a call from a trusted peer. */
export function readAuthRequest(headers: HeaderList, rules: AskedRules): AskedReading {
  const method = fieldValue(headers, 'x-original-method')
  if (method === null || !isMethodToken(method)) return unreadable('x-original-method')
  const url = ABSOLUTE_URL.exec(fieldValue(headers, 'x-original-url') ?? '')
  const [, schemeText = '', authority = '', target = ''] = url ?? []
  const scheme = askedScheme(schemeText)
  const host = hostWithoutPort(authority)
  if (scheme === null || host === null) return unreadable('x-original-url')
  return askedRequest({ method, scheme, authority, host, target }, headers, rules)
}

/**
 * The server has read the request line already, and found it well-formed.
 *
 * @param head Of a call from a trusted peer. Its body is none of the request's.
 * @param prefixLength Of the path in front of that of the request, without the slash between them.
 */
export function readExtAuthz(
  head: RequestHead,
  scheme: 'http' | 'https',
  prefixLength: number,
): AskedRequest {
  const path = head.path.slice(prefixLength)
  return { kind: 'asked', head: { ...head, path, contentLength: 0, hasBody: false }, scheme }
}

interface RequestLine {
  readonly method: string
  readonly scheme: 'http' | 'https'
  readonly authority: string
  /** Of the authority: http/host-header.ts. */
  readonly host: string
  /** Path and query as the client sent them. */
  readonly target: string
}

/** Reads a request line as the hard shell reads one that comes by itself: request-snapshot.ts. */
function askedRequest(
  { method, scheme, authority, host, target }: RequestLine,
  received: HeaderList,
  { urlBytesMax, keptForms, methods }: AskedRules,
): AskedReading {
  if (!isStandardMethod(method) && !methods.has(method)) return lineRefused('method_unknown')
  const mark = target.indexOf('?')
  const rawPath = mark === -1 ? target : target.slice(0, mark)
  const query = mark === -1 ? '' : target.slice(mark + 1)
  if (rawPath.length + query.length > urlBytesMax) return lineRefused('uri_too_long')
  const path = canonicalPathWith(rawPath, keptForms)
  if (path === null || !isAcceptableQuery(query)) return lineRefused('request_malformed')
  const head = {
    method,
    path,
    query,
    hasQuery: mark !== -1,
    headers: clientFields(received, authority),
    host,
    authority,
    contentLength: 0,
    hasBody: false,
  }
  return { kind: 'asked', head, scheme }
}

function clientFields(received: HeaderList, authority: string): HeaderList {
  const fields = ['host', authority]
  for (let index = 0; index + 1 < received.length; index += 2) {
    const name = received[index] as string
    if (!OF_THE_CALL.has(name)) fields.push(name, received[index + 1] as string)
  }
  return fields
}

function askedScheme(text: string): 'http' | 'https' | null {
  return schemeOf(text) ?? SOCKET_SCHEMES[text.toLowerCase()] ?? null
}

function unreadable(field: string): UnreadableCall {
  return { kind: 'unreadable', field }
}

function lineRefused(reason: RefusalReason): RefusedRequestLine {
  return { kind: 'refused', reason }
}
