/**
 * The admin listener: metrics, health and status for operators, on a port of its own.
 *
 * It runs in the supervisor on node:http, because its traffic is rare and must not depend on the
 * listener threads. Everything it tells comes from the callbacks that it is given.
 */
import { isUtf8 } from 'node:buffer'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Readiness } from '../gateway/health.ts'
import { parseJsonText } from '../protocol/strict-json.ts'
import { spaced } from '../resilience/spaced.ts'
import type { SessionRegistry } from '../verifiers/session/session-registry.ts'
import { AdminAccess, type AdminRefusal } from './admin-access.ts'
import { type AdminRequest, type Answer, json, methodNotAllowed, problem } from './answer.ts'
import { ConnectionLimit } from './connection-limit.ts'
import {
  answerBackchannelLogout,
  answerRevocations,
  BACKCHANNEL_LOGOUT,
  REVOCATIONS,
  type Revocations,
} from './revocations.ts'
import { answerSessions } from './sessions.ts'

export interface AdminAppOptions {
  readonly host: string
  /** 0: any free port. */
  readonly port: number
  /** Demanded from everyone, health checks excepted; `null`: none. */
  readonly token: string | null
}

/** Where the answers come from. */
export interface AdminSources {
  /** Prometheus text. */
  metrics(): Promise<string>
  readonly metricsContentType: string
  readiness(): Readiness
  /** Everything that an operator may know, as plain data. */
  status(): Promise<object>
  /** `null`: sessions are not configured. */
  readonly sessions: SessionRegistry | null
  readonly revocations: Revocations
  /** Something failed that should not have; the client has been told 500. */
  onFailure(error: unknown): void
}

const HEAD_BYTES_MAX = 8_192
const HEADERS_TIMEOUT_MS = 5_000
const REQUEST_TIMEOUT_MS = 10_000
/** The time-outs above are enforced when somebody looks: so often. Node's default is 30 s. */
const CHECKING_INTERVAL_MS = 1_000
const ANSWER_TIMEOUT_MS = 15_000
const KEEP_ALIVE_TIMEOUT_MS = 5_000
const CONNECTIONS_MAX = 128
/** The largest thing that an operator sends is one session. */
const BODY_BYTES_MAX = 65_536
/** A scrape costs each listener thread some milliseconds: scrapers that come together share one. */
const SCRAPE_PAUSE_MS = 100
const SESSIONS = '/sessions'
const FORM = /^application\/x-www-form-urlencoded\s*(;|$)/i

interface AdminRoute {
  /** Open to probes, which carry no token. They tell no more than the main port does. */
  readonly isOpen: boolean
  answer(sources: AdminSources): Answer | Promise<Answer>
}

const ROUTES: ReadonlyMap<string, AdminRoute> = new Map([
  ['/metrics', { isOpen: false, answer: answerMetrics }],
  ['/status', { isOpen: false, answer: answerStatus }],
  ['/health/live', { isOpen: true, answer: answerLive }],
  ['/health/ready', { isOpen: true, answer: answerReady }],
])

const REFUSALS: Readonly<Record<AdminRefusal, readonly [number, string, string]>> = {
  bad_host: [403, 'Unknown host', 'The Host of this request is not a name of the admin listener.'],
  missing_token: [401, 'Authentication required', 'The admin listener needs its bearer token.'],
  bad_token: [401, 'Invalid token', 'The bearer token is not the one of the admin listener.'],
}

export class AdminApp {
  readonly #options: AdminAppOptions
  readonly #sources: AdminSources
  readonly #access: AdminAccess
  readonly #server: Server

  constructor(options: AdminAppOptions, sources: AdminSources) {
    this.#options = options
    this.#sources = { ...sources, metrics: spaced(SCRAPE_PAUSE_MS, () => sources.metrics()) }
    this.#access = new AdminAccess(options.host, options.token)
    this.#server = createServer({
      maxHeaderSize: HEAD_BYTES_MAX,
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      connectionsCheckingInterval: CHECKING_INTERVAL_MS,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    })
    new ConnectionLimit(CONNECTIONS_MAX, ANSWER_TIMEOUT_MS).watch(this.#server)
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
    const { host, port } = this.#options
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(port, host, () => {
        this.#server.off('error', reject)
        // From here on an error concerns one connection at most; none may end the process.
        this.#server.on('error', (error) => this.#sources.onFailure(error))
        resolve((this.#server.address() as AddressInfo).port)
      })
    })
  }

  /** Stops listening and cuts what is open: nothing here is worth waiting for. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve())
      this.#server.closeAllConnections()
    })
  }

  async #respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let answer: Answer
    try {
      answer = await this.#answer(request, response)
    } catch (error) {
      this.#sources.onFailure(error)
      answer = problem(500, 'Internal error', 'The answer could not be put together.')
    }
    // A body that nobody read would hold the connection.
    request.resume()
    if (answer.allow !== null) response.setHeader('Allow', answer.allow)
    const bytes = Buffer.from(answer.body)
    response.writeHead(answer.status, {
      'Content-Type': answer.contentType,
      'Content-Length': bytes.length,
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
    })
    response.end(request.method === 'HEAD' ? undefined : bytes)
  }

  #answer(request: IncomingMessage, response: ServerResponse): Answer | Promise<Answer> {
    const path = pathOf(request.url ?? '')
    const route = ROUTES.get(path)
    const refusal = this.#access.check(request)
    // A logout token proves by its signature who sent it.
    const isOpen = route?.isOpen === true || path === BACKCHANNEL_LOGOUT
    if (refusal !== null && (refusal === 'bad_host' || !isOpen)) {
      if (refusal !== 'bad_host') response.setHeader('WWW-Authenticate', 'Bearer realm="admin"')
      return problem(...REFUSALS[refusal])
    }
    if (path === SESSIONS || path.startsWith(`${SESSIONS}/`)) return this.#answerSessions(request)
    if (path === REVOCATIONS || path.startsWith(`${REVOCATIONS}/`)) {
      return this.#answerWith(request, REVOCATIONS, answerRevocations)
    }
    if (path === BACKCHANNEL_LOGOUT) {
      return this.#answerWith(request, BACKCHANNEL_LOGOUT, answerBackchannelLogout)
    }
    if (route === undefined) {
      const known = [...ROUTES.keys(), SESSIONS, REVOCATIONS, BACKCHANNEL_LOGOUT].join(', ')
      return problem(404, 'Not found', `The admin listener answers ${known}.`)
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return methodNotAllowed(path, 'GET, HEAD')
    }
    return route.answer(this.#sources)
  }

  async #answerWith(
    request: IncomingMessage,
    resource: string,
    answer: (revocations: Revocations, asked: AdminRequest) => Answer | Promise<Answer>,
  ): Promise<Answer> {
    const asked = await readRequest(request, resource)
    return 'status' in asked ? asked : answer(this.#sources.revocations, asked)
  }

  async #answerSessions(request: IncomingMessage): Promise<Answer> {
    const { sessions } = this.#sources
    if (sessions === null) return problem(404, 'No sessions', 'Sessions are not configured.')
    const asked = await readRequest(request, SESSIONS)
    return 'status' in asked ? asked : answerSessions(sessions, asked)
  }
}

async function answerMetrics(sources: AdminSources): Promise<Answer> {
  const body = await sources.metrics()
  return { status: 200, contentType: sources.metricsContentType, body, allow: null }
}

async function answerStatus(sources: AdminSources): Promise<Answer> {
  return json(200, await sources.status())
}

function answerLive(): Answer {
  return json(200, { status: 'live' })
}

function answerReady(sources: AdminSources): Answer {
  const { ready, ...told } = sources.readiness()
  return json(ready ? 200 : 503, told)
}

function pathOf(target: string): string {
  const query = target.indexOf('?')
  return query === -1 ? target : target.slice(0, query)
}

/** @returns An answer when the request is none that a resource could take. */
async function readRequest(
  request: IncomingMessage,
  resource: string,
): Promise<AdminRequest | Answer> {
  const url = new URL(request.url ?? '', 'http://admin')
  let reference: string
  try {
    reference = decodeURIComponent(url.pathname.slice(resource.length + 1))
  } catch {
    return problem(400, 'Invalid request', 'The path is not percent-encoded as it should be.')
  }
  const bytes = await readBody(request)
  if (bytes === null) return problem(413, 'Too large', `At most ${BODY_BYTES_MAX} bytes are read.`)
  // Decoding would put U+FFFD for what is not, and another value would be acted upon.
  if (!isUtf8(bytes)) return problem(400, 'Invalid request', 'The body must be UTF-8.')
  const text = bytes.toString('utf8')
  const type = request.headers['content-type'] ?? ''
  // A page of another site can send any text, but not with this type: that would take a preflight.
  const isJson = /^application\/json\s*(;|$)/i.test(type)
  const method = request.method ?? ''
  const body = isJson ? parseJsonText(text) : null
  const form = FORM.test(type) ? new URLSearchParams(text) : null
  return { method, reference, query: url.searchParams, body, form }
}

/** @returns `null` when there is more than may be. */
async function readBody(request: IncomingMessage): Promise<Buffer | null> {
  const chunks: Buffer[] = []
  let sizeBytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    sizeBytes += chunk.byteLength
    if (sizeBytes <= BODY_BYTES_MAX) chunks.push(chunk)
  }
  return sizeBytes > BODY_BYTES_MAX ? null : Buffer.concat(chunks)
}
