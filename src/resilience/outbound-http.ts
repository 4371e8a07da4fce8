/**
 * The door for calls to other systems on our own behalf (keys, discovery, introspection, security
 * events): one pool of connections an origin, everything bounded, every outcome a value.
 *
 * What a caller can rely on, whatever the other side does: an answer within the deadline, which
 * covers everything from the look-up of the name to the last byte; never more bytes than asked for,
 * compressed or not; no redirect followed; no proxy but those that it is given; certificates always
 * verified, also when NODE_TLS_REJECT_UNAUTHORIZED says otherwise; each call says who asks
 * (`User-Agent`). Traffic of clients does not come through here.
 *
 *     https ──► tunnel through the proxy, if there is one for the target ──► TLS ──► target
 *     http  ──► target, or the proxy, which is sent the whole URL (RFC 9112 §3.2.2)
 */
import { setMaxListeners } from 'node:events'
import type { Socket } from 'node:net'
import { EgressProxies, type EgressProxy } from '../http/egress-proxy.ts'
import { afterListening } from './deadline.ts'
import { openTunnel, proxyFields } from './egress-tunnel.ts'
import { Agent, buildConnector, type Connector, type StartedResponse, send } from './http-client.ts'
import { ACCEPTED_ENCODINGS, isReadableEncoding, readBody } from './outbound-body.ts'
import {
  type FailedCall,
  failureOf,
  type OutboundFailure,
  PROXY_STATUS,
  ProxyUnreachable,
} from './outbound-failure.ts'
import { DIRECT_PATH, type OutboundPath, tlsOptionsOf } from './outbound-path.ts'
import { USER_AGENT } from './product.ts'

export type OutboundResult =
  | {
      readonly ok: true
      readonly status: number
      /** `Content-Type` in lower case and without parameters; `null` when there is none. */
      readonly mediaType: string | null
      readonly body: Uint8Array
    }
  | {
      readonly ok: false
      readonly reason: OutboundFailure
      /** Status of the answer; `null` when there was none. */
      readonly status: number | null
      /** What the system or OpenSSL calls it: {@link FailedCall}. */
      readonly cause: string | null
      /** `Retry-After` of an answer that has one field of that name. */
      readonly retryAfter: string | null
    }

export interface OutboundRequest {
  readonly url: string
  /** Media type for `Accept`. */
  readonly accept: string
  /** Of the body as it comes, and of the body once it is decompressed. */
  readonly bodyBytesMax: number
  /** Whole exchange, name look-up to last byte, and waiting for a free connection before that. */
  readonly timeoutMs: number
  /** Further fields, such as `authorization`. Names in lower case. */
  readonly headers?: Readonly<Record<string, string>>
}

export interface OutboundPost extends OutboundRequest {
  /** Media type of `body`. */
  readonly contentType: string
  readonly body: string
}

export interface OutboundHttpOptions {
  /** Open connections per origin. */
  readonly connectionsPerOrigin: number
  /** Left out: {@link DIRECT_PATH}. */
  readonly path?: OutboundPath
}

/** Origins come from the configuration, and one more per issuer from its discovery document. */
const ORIGINS_MAX = 1_024
const HEADER_BYTES_MAX = 16 * 1_024
/** Of the page that comes with a status that is no good: more is not worth a connection. */
const DISCARDED_BYTES_MAX = 16 * 1_024
/** Shorter than common server defaults, so that we rarely write into a connection being closed. */
const KEEP_ALIVE_MS = 4_000

/** Name look-up, proxy and handshake together; the deadline of a call may be shorter. */
const CONNECT_TIMEOUT_MS = 10_000
const PROXY_AUTHENTICATION_REQUIRED = 407

/** What differs between the methods. */
interface SentMessage {
  readonly method: 'GET' | 'POST'
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | null
}

const LOST_BEFORE_ANSWER = failed('connection_lost')
const LATE: FailedCall = { reason: 'timeout', cause: null }

/** What is dispatched, and to which agent. */
interface Dispatched {
  readonly agent: Agent
  readonly origin: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
}

export class OutboundHttp {
  readonly #agent: Agent
  /** For http by way of a proxy: its connections are to the proxy, for all targets. */
  readonly #proxyAgent: Agent
  readonly #proxies: EgressProxies
  readonly #closing = new AbortController()

  constructor({ connectionsPerOrigin, path = DIRECT_PATH }: OutboundHttpOptions) {
    // One for each tunnel that is being opened.
    setMaxListeners(0, this.#closing.signal)
    this.#proxies = new EgressProxies(path.proxies)
    this.#agent = createAgent(
      connectionsPerOrigin,
      connectorOf(path, this.#proxies, this.#closing.signal),
    )
    const toProxy = buildConnector({ rejectUnauthorized: true, timeout: CONNECT_TIMEOUT_MS })
    this.#proxyAgent = createAgent(connectionsPerOrigin, toProxy)
  }

  /**
   * One GET. Never rejects. Does not check the scheme or the host: the caller does.
   *
   * A server may close an idle connection in the moment in which we use it again. So a connection
   * that is lost before the answer began is tried once more, within the same deadline.
   */
  get(request: OutboundRequest): Promise<OutboundResult> {
    const sent: SentMessage = {
      method: 'GET',
      headers: { ...request.headers, 'accept-encoding': ACCEPTED_ENCODINGS },
      body: null,
    }
    return withinTimeout(request, async (url, call) => {
      const first = await this.#attempt(url, sent, request, call)
      const isWorthRepeating = first === LOST_BEFORE_ANSWER && !call.signal.aborted
      return isWorthRepeating ? this.#attempt(url, sent, request, call) : first
    })
  }

  /**
   * One POST, sent once: it is for the caller to know whether it may be repeated, and to count
   * attempts. Otherwise as {@link get}, except that no compression is asked for: the answers are
   * a few hundred bytes, and one that is compressed all the same is read.
   */
  post(request: OutboundPost): Promise<OutboundResult> {
    const { contentType, body, headers } = request
    const sent: SentMessage = {
      method: 'POST',
      body,
      headers: { ...headers, 'content-type': contentType, 'accept-encoding': 'identity' },
    }
    return withinTimeout(request, (url, call) => this.#attempt(url, sent, request, call))
  }

  async #attempt(
    url: URL,
    sent: SentMessage,
    request: OutboundRequest,
    call: Call,
  ): Promise<OutboundResult> {
    const { signal } = call
    let status: number | null = null
    const { agent, origin, path, headers } = this.#dispatchedTo(url)
    try {
      const response = await send(agent, {
        origin,
        path,
        method: sent.method,
        headers: {
          'user-agent': USER_AGENT,
          ...sent.headers,
          accept: request.accept,
          ...headers,
        },
        body: sent.body,
        signal,
        headersTimeout: request.timeoutMs,
        bodyTimeout: request.timeoutMs,
      })
      call.isAnswered = true
      if (agent === this.#proxyAgent && response.statusCode === PROXY_AUTHENTICATION_REQUIRED) {
        await discard(response, 0, signal)
        return failed('proxy', null, `${PROXY_STATUS}${PROXY_AUTHENTICATION_REQUIRED}`)
      }
      status = response.statusCode
      return await readResponse(response, request.bodyBytesMax, signal)
    } catch (error) {
      const isToProxy = agent === this.#proxyAgent
      const { reason, cause } = signal.aborted ? LATE : failureBy(error, isToProxy)
      if (reason === 'connection_lost' && status === null) return LOST_BEFORE_ANSWER
      return failed(reason, status, cause)
    }
  }

  #dispatchedTo(url: URL): Dispatched {
    const path = `${url.pathname}${url.search}`
    const proxy = url.protocol === 'http:' ? this.#proxies.proxyOf(url) : null
    if (proxy === null) return { agent: this.#agent, origin: url.origin, path, headers: {} }
    return {
      agent: this.#proxyAgent,
      origin: originOf(proxy),
      path: `${url.origin}${path}`,
      headers: { ...proxyFields(proxy), host: url.host },
    }
  }

  /** Cuts every connection at once; calls in flight fail. */
  async close(): Promise<void> {
    this.#closing.abort()
    await Promise.all([this.#agent.destroy(), this.#proxyAgent.destroy()])
  }
}

/** Of one exchange. */
interface Call {
  readonly signal: AbortSignal
  /** Its head has come, so that its end by the signal is noticed at once. */
  isAnswered: boolean
}

/**
 * One timer for the whole exchange: the phase timeouts of the client would add up. The client takes
 * no notice of a signal while it connects, so it is not waited for then.
 */
async function withinTimeout(
  request: OutboundRequest,
  exchange: (url: URL, call: Call) => Promise<OutboundResult>,
): Promise<OutboundResult> {
  const url = parseUrl(request.url)
  if (url === null) return failed('bad_url')
  const abort = new AbortController()
  const call: Call = { signal: abort.signal, isAnswered: false }
  return new Promise((resolve) => {
    const cancel = afterListening(request.timeoutMs, () => {
      abort.abort()
      if (!call.isAnswered) resolve(failed('timeout'))
    })
    void exchange(url, call).then((result) => {
      cancel()
      resolve(result)
    })
  })
}

function parseUrl(text: string): URL | null {
  if (!URL.canParse(text)) return null
  const url = new URL(text)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return null
  return url.username === '' && url.password === '' ? url : null
}

async function readResponse(
  response: StartedResponse,
  bodyBytesMax: number,
  signal: AbortSignal,
): Promise<OutboundResult> {
  const refusal = refusalOfHead(response, bodyBytesMax)
  if (refusal !== null) {
    await discard(response, refusal === 'status' ? bodyBytesMax : 0, signal)
    const failure = failed(refusal, response.statusCode)
    const retryAfter = response.headers['retry-after']
    return typeof retryAfter === 'string' ? { ...failure, retryAfter } : failure
  }
  const chunks = response.body as AsyncIterable<Uint8Array>
  const read = await readBody(chunks, response.headers['content-encoding'], bodyBytesMax)
  if (!read.ok) return failed(read.reason, response.statusCode)
  return {
    ok: true,
    status: response.statusCode,
    mediaType: mediaTypeOf(response.headers['content-type']),
    body: read.body,
  }
}

/** A field sent twice is none that anybody could rely on. */
function mediaTypeOf(field: string | readonly string[] | undefined): string | null {
  if (field === undefined) return null
  if (typeof field !== 'string') return ''
  const end = field.indexOf(';')
  return (end === -1 ? field : field.slice(0, end)).trim().toLowerCase()
}

/** Why the head alone is enough to refuse this answer; `null` when it is not. */
function refusalOfHead(response: StartedResponse, bodyBytesMax: number): OutboundFailure | null {
  const status = response.statusCode
  if (status >= 300 && status <= 399) return 'redirect'
  if (status < 200 || status > 299) return 'status'
  if (!isReadableEncoding(response.headers['content-encoding'])) return 'protocol'
  const length = response.headers['content-length']
  return length !== undefined && Number(length) > bodyBytesMax ? 'too_large' : null
}

/**
 * Drops the body: read to its end when it is short, so that the connection can be used again (a
 * server that refuses a flood would otherwise cost one for each call), else with its connection.
 */
async function discard(
  { body }: StartedResponse,
  bytesMax: number,
  signal: AbortSignal,
): Promise<void> {
  // Destroying a body emits an error, which ends the process unless something listens for it.
  body.on('error', () => {})
  if (bytesMax === 0) body.destroy()
  // What became of the body changes nothing about the answer.
  else await body.dump({ limit: Math.min(bytesMax, DISCARDED_BYTES_MAX), signal }).catch(() => {})
}

function failed(
  reason: OutboundFailure,
  status: number | null = null,
  cause: string | null = null,
): Extract<OutboundResult, { ok: false }> {
  return { ok: false, reason, status, cause, retryAfter: null }
}

/** Who was not reached, where a proxy is sent the request itself, is the proxy. */
function failureBy(error: unknown, isToProxy: boolean): FailedCall {
  const failure = failureOf(error)
  const isUnreached = failure.reason === 'unreachable' || failure.reason === 'tls'
  return isToProxy && isUnreached ? failureOf(new ProxyUnreachable(error)) : failure
}

function createAgent(connections: number, connect: Connector): Agent {
  return new Agent({
    connections,
    maxOrigins: ORIGINS_MAX,
    maxHeaderSize: HEADER_BYTES_MAX,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
    allowH2: false,
    connect,
  })
}

/** Connects to targets: with https through a tunnel, where there is a proxy for them. */
function connectorOf(path: OutboundPath, proxies: EgressProxies, closing: AbortSignal): Connector {
  const connect = buildConnector({ ...tlsOptionsOf(path), timeout: CONNECT_TIMEOUT_MS })
  return (options, onEnd) => {
    const { protocol, hostname, host = hostname } = options
    const url = new URL(`${protocol}//${host}`)
    const proxy = protocol === 'https:' ? proxies.proxyOf(url) : null
    if (proxy === null) {
      connect(options, onEnd)
      return
    }
    openTunnel(proxy, url, CONNECT_TIMEOUT_MS, closing).then(
      (httpSocket: Socket) => connect({ ...options, httpSocket }, onEnd),
      (error: Error) => onEnd(error, null),
    )
  }
}

function originOf({ isTls, host, port }: EgressProxy): string {
  const name = host.includes(':') ? `[${host}]` : host
  return `${isTls ? 'https' : 'http'}://${name}:${port}`
}
