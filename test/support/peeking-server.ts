/**
 * A real server whose handler looks at the beginning of each body, then forwards the request to a
 * real upstream that tells it back.
 */
import assert from 'node:assert/strict'
import type { ClientExchange, PeekedBody, PeekFailure } from '../../src/http/exchange.ts'
import { forward } from '../../src/proxy/forward.ts'
import type { UpstreamPool } from '../../src/proxy/upstream-pool.ts'
import { type RunningServer, type RunningServerOptions, startServer } from './native-server.ts'
import { createPool } from './proxy-harness.ts'
import { exchangeRaw, openRaw, type RawConnection } from './raw-http.ts'
import { startEchoUpstream, type UpstreamServer } from './upstream-servers.ts'

/** Nothing is added to the answer, nothing is edited, and the limits are those of the upstream. */
const AS_IT_IS = {
  ...{ answerHeaders: [], withheldField: null },
  ...{ answerCors: null, responseEdits: null, limits: null },
}

export const MIB = 1_048_576
export const PEEK_BYTES = 65_536
/** Long enough that no test waits for it. */
export const PATIENCE_MS = 120_000
export const FRAMINGS = ['content-length', 'chunked'] as const

type Framing = (typeof FRAMINGS)[number]

export interface Handling {
  /** What happens before the peek, and between it and the way to the upstream. */
  readonly before?: () => Promise<unknown>
  readonly between?: (exchange: ClientExchange) => Promise<unknown>
  readonly bytesMax?: number
  readonly timeoutMs?: number
  /** Another upstream than the one that tells the body back. */
  readonly upstreams?: UpstreamPool
}

/** What a peek told, with the bytes as they were then. */
type Told = PeekFailure | { readonly bytes: Buffer; readonly isWhole: boolean }

export class PeekingServer {
  readonly told: Told[] = []
  readonly errors: unknown[] = []
  /** What the next requests meet. */
  handle: (exchange: ClientExchange) => void = () => undefined
  readonly #running: RunningServer
  readonly #echo: UpstreamServer
  readonly #pool: UpstreamPool

  private constructor(running: RunningServer, echo: UpstreamServer) {
    this.#running = running
    this.#echo = echo
    this.#pool = createPool([echo.origin], { connectionsPerTarget: 64 })
  }

  /** The caller closes it. */
  static async start(
    limits: RunningServerOptions['limits'],
    timeouts: RunningServerOptions['timeouts'] = {},
  ): Promise<PeekingServer> {
    const echo = await startEchoUpstream()
    const running = await startServer((exchange) => server.handle(exchange), {
      limits: { bodyBytes: 4 * MIB, ...limits },
      timeouts,
    })
    const server = new PeekingServer(running, echo)
    return server
  }

  async close(): Promise<void> {
    this.#running.server.closeAll()
    await this.#pool.destroy()
    await this.#echo.close()
  }

  get port(): number {
    return this.#running.port
  }

  /** Looks, and then forwards, or answers with what failed and closes. */
  peekThenForward(handling: Handling = {}): void {
    this.told.splice(0)
    this.handleAsync(async (exchange) => {
      await handling.before?.()
      const { bytesMax = PEEK_BYTES, timeoutMs = PATIENCE_MS } = handling
      const outcome = await exchange.body.peek(bytesMax, timeoutMs)
      this.note(outcome)
      if (typeof outcome === 'string') {
        exchange.closeAfterAnswer()
        exchange.send('400 Failed', [], outcome)
        return
      }
      await handling.between?.(exchange)
      this.#forward(exchange, handling.upstreams ?? this.#pool)
    })
  }

  handleAsync(run: (exchange: ClientExchange) => Promise<void>): void {
    this.handle = (exchange) => {
      run(exchange).catch((error: unknown) => this.errors.push(error))
    }
  }

  note(outcome: PeekedBody | PeekFailure): void {
    if (typeof outcome === 'string') this.told.push(outcome)
    else this.told.push({ bytes: Buffer.from(outcome.bytes), isWhole: outcome.isWhole })
  }

  /** A connection on which so much was sent, and read. */
  async begun(wire: string | Uint8Array): Promise<RawConnection> {
    const connection = await openRaw({ port: this.port })
    connection.send(wire)
    await this.barrier()
    return connection
  }

  /** By then the server has read all that was sent before on other connections. */
  async barrier(): Promise<void> {
    await exchangeRaw(this.port, 'GET /a//b HTTP/1.1\r\nHost: a\r\n\r\n')
  }

  /** That one peek was told the beginning of this body. */
  assertTold(body: Buffer, bytesMax = PEEK_BYTES): void {
    const [outcome, ...others] = this.told.splice(0)
    assert.ok(typeof outcome === 'object', typeof outcome === 'string' ? outcome : 'told nothing')
    assert.equal(outcome.isWhole, body.length <= bytesMax)
    assert.ok(outcome.bytes.equals(body.subarray(0, bytesMax)), `${outcome.bytes.length} bytes`)
    assert.deepEqual(others, [])
    assert.deepEqual(this.errors, [])
  }

  #forward(exchange: ClientExchange, upstreams: UpstreamPool): void {
    const { method, path, query, contentLength } = exchange.head
    const length = contentLength === null ? [] : ['content-length', String(contentLength)]
    const target = query === '' ? path : `${path}?${query}`
    const request = { method, target, headers: ['host', 'a', ...length] }
    forward(
      exchange,
      upstreams,
      { ...request, gatewayFields: '', ...AS_IT_IS },
      {
        onRefusal: (reason) => exchange.send('599 Refused', [], reason),
        onAnswer: () => undefined,
        onSettled: () => undefined,
      },
    )
  }
}

/** That the upstream got this body, and told it back. */
export async function assertMirrored(connection: RawConnection, body: Buffer): Promise<void> {
  const [answer] = await connection.waitForAnswers(1)
  assert.equal(answer?.status, 200, answer?.body.toString())
  assert.ok(answer.body.equals(body), `${answer.body.length} of ${body.length} bytes`)
}

/** In which no part is like another. */
export function bodyOf(length: number): Buffer {
  return Buffer.from(Array.from({ length }, (_, index) => (index * 7 + (index >> 8)) % 251))
}

export function head(fields: string, path = '/mirror'): string {
  return `POST ${path} HTTP/1.1\r\nHost: gateway.test\r\n${fields}\r\n`
}

/** A request on the wire. @param pieceBytes Of each chunk, if it is chunked. */
export function framed(
  body: Buffer,
  framing: Framing,
  path = '/mirror',
  pieceBytes = 5_000,
): Buffer {
  if (framing === 'content-length') {
    return Buffer.concat([Buffer.from(head(`Content-Length: ${body.length}\r\n`, path)), body])
  }
  const parts: Buffer[] = [Buffer.from(head('Transfer-Encoding: chunked\r\n', path))]
  for (let start = 0; start < body.length; start += pieceBytes) {
    const piece = body.subarray(start, start + pieceBytes)
    parts.push(Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n'))
  }
  return Buffer.concat([...parts, Buffer.from('0\r\n\r\n')])
}

export const turn = () => new Promise((resolve) => setImmediate(resolve))
