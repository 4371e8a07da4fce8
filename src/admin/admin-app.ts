/**
 * The admin listener: metrics, health and status for operators, on a port of its own.
 *
 * It runs in the supervisor on node:http, because its traffic is rare and must not depend on the
 * listener threads. Everything it tells comes from the callbacks that it is given.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { spaced } from '../resilience/spaced.ts'
import { AdminAccess, type AdminRefusal } from './admin-access.ts'
import { ADMIN_ENDPOINTS, type AdminResource, type AdminSources } from './admin-endpoints.ts'
import { type Answer, methodNotAllowed, problem } from './answer.ts'
import { ConnectionLimit } from './connection-limit.ts'
import { EventStream, VIEWERS_MAX } from './event-stream.ts'
import { closeServer, type ListenAddress, listenAt } from './listening.ts'
import type { PageFile } from './page-files.ts'
import { isOfType, readRequest } from './read-request.ts'

export interface AdminAppOptions extends ListenAddress {
  /** Demanded from everyone, health checks excepted; `null`: none. */
  readonly token: string | null
}

const HEAD_BYTES_MAX = 8_192
const HEADERS_TIMEOUT_MS = 5_000
const REQUEST_TIMEOUT_MS = 10_000
/** The time-outs above are enforced when somebody looks: so often. Node's default is 30 s. */
const CHECKING_INTERVAL_MS = 1_000
const ANSWER_TIMEOUT_MS = 15_000
const KEEP_ALIVE_TIMEOUT_MS = 5_000
const CONNECTIONS_MAX = 128
/** A scrape costs each listener thread some milliseconds: scrapers that come together share one. */
const SCRAPE_PAUSE_MS = 100
const STATUS_REFUSED_MIN = 400

const REFUSALS: Readonly<Record<AdminRefusal, readonly [number, string, string]>> = {
  bad_host: [403, 'Unknown host', 'The Host of this request is not a name of the admin listener.'],
  foreign_page: [
    403,
    'Foreign page',
    'A page of another origin may ask the admin listener nothing.',
  ],
  missing_token: [401, 'Authentication required', 'The admin listener needs its bearer token.'],
  bad_token: [401, 'Invalid token', 'The bearer token is not the one of the admin listener.'],
}

/** What every answer carries. No field of CORS is ever among them. */
const SAFE_FIELDS: Readonly<Record<string, string>> = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
}
/** Of an endpoint that does not exist: its answer would tell the names of the others. */
const CLOSED = { isOpen: false, isLinked: false }

export class AdminApp {
  readonly #options: AdminAppOptions
  readonly #sources: AdminSources
  readonly #access: AdminAccess
  readonly #events: EventStream
  readonly #connections = new ConnectionLimit(CONNECTIONS_MAX, ANSWER_TIMEOUT_MS)
  readonly #server: Server

  constructor(options: AdminAppOptions, sources: AdminSources) {
    this.#options = options
    this.#sources = { ...sources, metrics: spaced(SCRAPE_PAUSE_MS, () => sources.metrics()) }
    this.#access = new AdminAccess(options.host, options.token)
    this.#events = new EventStream(sources.live)
    this.#server = createServer({
      maxHeaderSize: HEAD_BYTES_MAX,
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      connectionsCheckingInterval: CHECKING_INTERVAL_MS,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    })
    this.#connections.watch(this.#server)
    this.#server.on('request', (request, response) => {
      // Closed by the limit, for a request that was sent ahead of an answer.
      if (!request.socket.destroyed) void this.#respond(request, response)
    })
  }

  /**
   * @returns The port that is listened on.
   * @throws (rejects) When the address is taken or may not be used.
   */
  listen(): Promise<number> {
    return listenAt(this.#server, this.#options, (error) => this.#sources.onFailure(error))
  }

  close(): Promise<void> {
    return closeServer(this.#server)
  }

  async #respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let answer: Answer | null
    try {
      answer = await this.#answer(request, response)
    } catch (error) {
      // The client left before it had sent all: that is no defect, and anyone can cause it.
      if (request.destroyed && !request.complete) return
      this.#sources.onFailure(error)
      answer = problem(500, 'Internal error', 'The answer could not be put together.')
    }
    if (answer === null) return
    // A body that is not read would keep the connection busy.
    request.resume()
    if (answer.allow !== null) response.setHeader('Allow', answer.allow)
    const bytes = Buffer.from(answer.body)
    response.writeHead(answer.status, {
      'Content-Type': answer.contentType,
      'Content-Length': bytes.length,
      ...SAFE_FIELDS,
    })
    response.end(request.method === 'HEAD' ? undefined : bytes)
  }

  /** @returns `null`: the answer has begun, and goes on for as long as the client stays. */
  #answer(request: IncomingMessage, response: ServerResponse): Answer | Promise<Answer> | null {
    const [endpoint] = ADMIN_ENDPOINTS.at(pathOf(request.url ?? ''))
    const refusal = this.#access.check(request, endpoint ?? CLOSED)
    if (refusal !== null) {
      this.#sources.onAudit({
        event: 'admin_access_refused',
        reason: refusal,
        endpoint: endpoint?.path ?? 'none',
        peer: request.socket.remoteAddress ?? null,
      })
      const [status] = REFUSALS[refusal]
      if (status === 401) response.setHeader('WWW-Authenticate', 'Bearer realm="admin"')
      return problem(...REFUSALS[refusal])
    }
    if (endpoint === undefined) {
      const known = ADMIN_ENDPOINTS.paths.join(', ')
      return problem(404, 'Not found', `The admin listener answers ${known}.`)
    }
    if (endpoint.kind === 'resource') return this.#answerWhole(endpoint, request)
    if (endpoint.kind === 'stream') return this.#openStream(request, response)
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return methodNotAllowed(endpoint.path, 'GET, HEAD')
    }
    return endpoint.kind === 'page' ? pageAnswer(endpoint.file) : endpoint.answer(this.#sources)
  }

  #openStream(request: IncomingMessage, response: ServerResponse): Answer | null {
    if (request.method !== 'GET') return methodNotAllowed('/events', 'GET')
    if (this.#events.isFull) {
      return problem(503, 'Too many viewers', `At most ${VIEWERS_MAX} pages are served at a time.`)
    }
    request.resume()
    this.#connections.letStay(request.socket)
    response.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8', ...SAFE_FIELDS })
    this.#events.open(response)
    return null
  }

  async #answerWhole(endpoint: AdminResource, request: IncomingMessage): Promise<Answer> {
    const answer = await this.#answerRead(endpoint, request)
    if (endpoint.isAudited) this.#audit(endpoint, request, answer)
    return answer
  }

  async #answerRead(endpoint: AdminResource, request: IncomingMessage): Promise<Answer> {
    if (!isOfType(request, endpoint.bodyType)) {
      return problem(415, 'Unsupported media type', `${endpoint.path} takes ${endpoint.bodyType}.`)
    }
    const asked = await readRequest(request, endpoint.path)
    return 'status' in asked ? asked : endpoint.answer(this.#sources, asked)
  }

  #audit({ path }: AdminResource, request: IncomingMessage, { status, about }: Answer): void {
    this.#sources.onAudit({
      event: status < STATUS_REFUSED_MIN ? 'admin_call' : 'admin_call_refused',
      call: `${request.method ?? 'none'} ${path}`,
      kind: about?.kind ?? null,
      about: about?.digest ?? null,
      status,
      peer: request.socket.remoteAddress ?? null,
    })
  }
}

function pageAnswer({ contentType, body }: PageFile): Answer {
  return { status: 200, contentType, body, allow: null }
}

function pathOf(target: string): string {
  const query = target.indexOf('?')
  return query === -1 ? target : target.slice(0, query)
}
