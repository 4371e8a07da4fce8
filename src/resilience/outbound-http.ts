/**
 * The door for calls to other systems on our own behalf (keys, discovery, introspection): one pool
 * of connections an origin, everything bounded, every outcome a value.
 *
 * What a caller can rely on, whatever the other side does: an answer within the deadline, which
 * covers everything from the look-up of the name to the last byte; never more bytes than asked for;
 * no redirect followed; no proxy taken from the environment; certificates always verified, also
 * when NODE_TLS_REJECT_UNAUTHORIZED says otherwise. Traffic of clients does not come through here.
 */
import { Agent, type Dispatcher } from 'undici'
import { afterListening } from './deadline.ts'

/**
 * - `bad_url`: not an absolute http or https URL, or one with credentials in it.
 * - `timeout`: the deadline passed.
 * - `unreachable`: no such name, no route, or a port without a listener.
 * - `tls`: the certificate or the handshake is not acceptable.
 * - `connection_lost`: the connection ended before the answer did.
 * - `protocol`: not HTTP, or an encoding that was not asked for.
 * - `too_large`: more header or body bytes than allowed.
 * - `redirect`, `status`: answered, but not with 2xx.
 */
export type OutboundFailure =
  | 'bad_url'
  | 'timeout'
  | 'unreachable'
  | 'tls'
  | 'connection_lost'
  | 'protocol'
  | 'too_large'
  | 'redirect'
  | 'status'

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
      /** `Retry-After` of an answer that has one field of that name. */
      readonly retryAfter?: string
    }

export interface OutboundRequest {
  readonly url: string
  /** Media type for `Accept`. */
  readonly accept: string
  readonly bodyBytesMax: number
  /** Whole exchange, name look-up to last byte, and waiting for a free connection before that. */
  readonly timeoutMs: number
}

export interface OutboundPost extends OutboundRequest {
  /** Media type of `body`. */
  readonly contentType: string
  readonly body: string
  /** Further fields, such as `authorization`. Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
}

export interface OutboundHttpOptions {
  /** Open connections per origin. */
  readonly connectionsPerOrigin: number
}

/** Origins come from the configuration, and one more per issuer from its discovery document. */
const ORIGINS_MAX = 1_024
const HEADER_BYTES_MAX = 16 * 1_024
/** Of the page that comes with a status that is no good: more is not worth a connection. */
const DISCARDED_BYTES_MAX = 16 * 1_024
/** Shorter than common server defaults, so that we rarely write into a connection being closed. */
const KEEP_ALIVE_MS = 4_000

const UNREACHABLE_CODES: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
  'EACCES',
  'UND_ERR_MAX_ORIGINS_REACHED',
])
const TIMEOUT_CODES: ReadonlySet<string> = new Set([
  'ETIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
])
const LOST_CODES: ReadonlySet<string> = new Set([
  'ECONNRESET',
  'EPIPE',
  'UND_ERR_SOCKET',
  'UND_ERR_CLOSED',
  'UND_ERR_DESTROYED',
])
/** What differs between the methods. */
interface SentMessage {
  readonly method: 'GET' | 'POST'
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | null
}

const GET: SentMessage = { method: 'GET', headers: {}, body: null }
const LOST_BEFORE_ANSWER = failed('connection_lost')
/** How the codes of OpenSSL's and Node's errors about a certificate or a handshake begin. */
const TLS_CODE = /^(?:ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|HOSTNAME_|EPROTO)/

export class OutboundHttp {
  readonly #agent: Agent

  constructor(options: OutboundHttpOptions) {
    this.#agent = new Agent({
      connections: options.connectionsPerOrigin,
      maxOrigins: ORIGINS_MAX,
      maxHeaderSize: HEADER_BYTES_MAX,
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAliveMaxTimeout: KEEP_ALIVE_MS,
      allowH2: false,
      connect: { rejectUnauthorized: true },
    })
  }

  /**
   * One GET. Never rejects. Does not check the scheme or the host: the caller does.
   *
   * A server may close an idle connection in the moment in which we use it again. So a connection
   * that is lost before the answer began is tried once more, within the same deadline.
   */
  get(request: OutboundRequest): Promise<OutboundResult> {
    return withinTimeout(request, async (url, signal) => {
      const first = await this.#attempt(url, GET, request, signal)
      const isWorthRepeating = first === LOST_BEFORE_ANSWER && !signal.aborted
      return isWorthRepeating ? this.#attempt(url, GET, request, signal) : first
    })
  }

  /**
   * One POST, sent once: it is for the caller to know whether it may be repeated, and to count
   * attempts. Otherwise as {@link get}.
   */
  post(request: OutboundPost): Promise<OutboundResult> {
    const { contentType, body, headers } = request
    const sent: SentMessage = {
      method: 'POST',
      body,
      headers: { ...headers, 'content-type': contentType },
    }
    return withinTimeout(request, (url, signal) => this.#attempt(url, sent, request, signal))
  }

  async #attempt(
    url: URL,
    sent: SentMessage,
    request: OutboundRequest,
    signal: AbortSignal,
  ): Promise<OutboundResult> {
    let status: number | null = null
    try {
      const response = await this.#agent.request({
        origin: url.origin,
        path: `${url.pathname}${url.search}`,
        method: sent.method,
        headers: { ...sent.headers, accept: request.accept, 'accept-encoding': 'identity' },
        body: sent.body,
        signal,
        headersTimeout: request.timeoutMs,
        bodyTimeout: request.timeoutMs,
      })
      status = response.statusCode
      return await readResponse(response, request.bodyBytesMax, signal)
    } catch (error) {
      const reason = signal.aborted ? 'timeout' : failureOf(error)
      if (reason === 'connection_lost' && status === null) return LOST_BEFORE_ANSWER
      return failed(reason, status)
    }
  }

  /** Cuts every connection at once; calls in flight fail. */
  async close(): Promise<void> {
    await this.#agent.destroy()
  }
}

/** One timer for the whole exchange: the phase timeouts of the client would add up. */
async function withinTimeout(
  request: OutboundRequest,
  exchange: (url: URL, signal: AbortSignal) => Promise<OutboundResult>,
): Promise<OutboundResult> {
  const url = parseUrl(request.url)
  if (url === null) return failed('bad_url')
  const abort = new AbortController()
  const cancel = afterListening(request.timeoutMs, () => abort.abort())
  const result = await exchange(url, abort.signal)
  cancel()
  return result
}

function parseUrl(text: string): URL | null {
  if (!URL.canParse(text)) return null
  const url = new URL(text)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return null
  return url.username === '' && url.password === '' ? url : null
}

async function readResponse(
  response: Dispatcher.ResponseData,
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
  const chunks: Uint8Array[] = []
  let sizeBytes = 0
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    sizeBytes += chunk.byteLength
    // Leaving the loop destroys the body and with it the connection: nothing more is read.
    if (sizeBytes > bodyBytesMax) return failed('too_large', response.statusCode)
    chunks.push(chunk)
  }
  return {
    ok: true,
    status: response.statusCode,
    mediaType: mediaTypeOf(response.headers['content-type']),
    body: Buffer.concat(chunks, sizeBytes),
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
function refusalOfHead(
  response: Dispatcher.ResponseData,
  bodyBytesMax: number,
): OutboundFailure | null {
  const status = response.statusCode
  if (status >= 300 && status <= 399) return 'redirect'
  if (status < 200 || status > 299) return 'status'
  // Asking for identity and getting a compressed body is how a small answer becomes a large one.
  const encoding = response.headers['content-encoding']
  if (encoding !== undefined && encoding !== 'identity') return 'protocol'
  const length = response.headers['content-length']
  return length !== undefined && Number(length) > bodyBytesMax ? 'too_large' : null
}

/**
 * Drops the body: read to its end when it is short, so that the connection can be used again (a
 * server that refuses a flood would otherwise cost one for each call), else with its connection.
 */
async function discard(
  { body }: Dispatcher.ResponseData,
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
): Extract<OutboundResult, { ok: false }> {
  return { ok: false, reason, status }
}

/** Maps what the client library throws to our own words: its messages may quote a URL. */
function failureOf(error: unknown): OutboundFailure {
  const code = codeOf(error)
  if (code === 'UND_ERR_HEADERS_OVERFLOW' || code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE') {
    return 'too_large'
  }
  if (UNREACHABLE_CODES.has(code)) return 'unreachable'
  if (TIMEOUT_CODES.has(code)) return 'timeout'
  if (LOST_CODES.has(code)) return 'connection_lost'
  return TLS_CODE.test(code) ? 'tls' : 'protocol'
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return ''
  if ('code' in error && typeof error.code === 'string') return error.code
  // Several addresses were tried, and each failed in its own way.
  if (error instanceof AggregateError) return codeOf(error.errors[0])
  return ''
}
