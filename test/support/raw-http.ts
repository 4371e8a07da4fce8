/**
 * A client that sends exactly the bytes it is given and reports exactly what came back: no library
 * stands between a test and the wire, so that malformed requests can be sent and the framing of
 * answers can be judged.
 */
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls, TLSSocket } from 'node:tls'

/** How long a wait may take before the test fails, unless the test says otherwise. */
const DEADLINE_MS = 15_000

export interface RawAnswer {
  /** E.g. `HTTP/1.1 200 OK`. */
  readonly statusLine: string
  readonly status: number
  /** Names in lower case, values as sent, in order of arrival. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** Decoded when chunked. */
  readonly body: Buffer
  /** How the end of the body was found. */
  readonly framing: 'none' | 'content-length' | 'chunked' | 'close'
  /** Bytes on the wire, head and framing included. */
  readonly sizeBytes: number
}

export interface RawReply {
  /** Everything that arrived. */
  readonly bytes: Buffer
  /** The same as Latin-1 text: one character a byte. */
  readonly text: string
  /** The complete answers in it, interim (1xx) ones included. */
  readonly answers: readonly RawAnswer[]
  /** Whether the server ended the connection. */
  readonly closed: boolean
}

export interface RawConnection {
  readonly socket: Socket
  /** Everything received so far. */
  readonly received: Buffer
  /** The same as Latin-1 text. */
  readonly text: string
  /** Whether the server has ended or reset the connection. */
  readonly closed: boolean
  /** Sends text as Latin-1 (one byte a character), or bytes. */
  send(data: string | Uint8Array): void
  /** Resolves when `isReached` holds for what was received; rejects at the deadline or on close. */
  waitFor(isReached: (text: string) => boolean, deadlineMs?: number): Promise<void>
  /** Resolves when the server ended the connection; rejects at the deadline. */
  waitForClose(deadlineMs?: number): Promise<void>
  /** Resolves when so many complete final answers arrived; rejects at the deadline or on close. */
  waitForAnswers(
    count: number,
    methods?: readonly string[],
    deadlineMs?: number,
  ): Promise<readonly RawAnswer[]>
  /** Cuts the connection at once (RST where the system allows it). */
  destroy(): void
}

export interface RawTarget {
  readonly port: number
  /** Default `127.0.0.1`. */
  readonly host?: string
  /** Address to connect from. Default: as the system chooses. Not with TLS. */
  readonly localAddress?: string
  /** PEM of the certificate to trust: connects with TLS. */
  readonly ca?: string
}

export interface ExchangeOptions {
  /** Default 15000. */
  readonly deadlineMs?: number
  /** How many final answers to wait for; default 1. */
  readonly answers?: number
  /** Methods of the requests sent, in order: answers to HEAD have no body. Default all GET. */
  readonly methods?: readonly string[]
}

function connectTo(target: RawTarget): Socket {
  const host = target.host ?? '127.0.0.1'
  if (target.ca === undefined) {
    const { port, localAddress = '127.0.0.1' } = target
    return connectTcp(host === '127.0.0.1' ? { port, host, localAddress } : { port, host })
  }
  return connectTls({ port: target.port, host, ca: target.ca, servername: 'localhost' })
}

/** Opens a connection; the caller destroys it. */
export async function openRaw(target: RawTarget): Promise<RawConnection> {
  const socket = connectTo(target)
  await new Promise<void>((resolve, reject) => {
    socket.once(target.ca === undefined ? 'connect' : 'secureConnect', resolve)
    socket.once('error', reject)
  })
  return new SocketConnection(socket)
}

/** A wait that some later event of the socket may end. */
interface Waiter {
  readonly isReached: (connection: SocketConnection) => boolean
  readonly endsOnClose: boolean
  readonly settle: (error: Error | null) => void
}

class SocketConnection implements RawConnection {
  readonly socket: Socket
  closed = false
  readonly #chunks: Buffer[] = []
  #joined: Buffer = Buffer.alloc(0)
  readonly #waiters = new Set<Waiter>()

  constructor(socket: Socket) {
    this.socket = socket
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk)
      this.#review()
    })
    socket.on('end', () => this.#markClosed())
    socket.on('close', () => this.#markClosed())
    // A reset is one way of closing, and often the expected one; `close` follows.
    socket.on('error', () => undefined)
  }

  get received(): Buffer {
    if (this.#chunks.length > 0) {
      this.#joined = Buffer.concat([this.#joined, ...this.#chunks.splice(0)])
    }
    return this.#joined
  }

  get text(): string {
    return this.received.toString('latin1')
  }

  send(data: string | Uint8Array): void {
    this.socket.write(typeof data === 'string' ? Buffer.from(data, 'latin1') : data)
  }

  async waitFor(isReached: (text: string) => boolean, deadlineMs = DEADLINE_MS): Promise<void> {
    await this.#wait((connection) => isReached(connection.text), true, deadlineMs)
  }

  async waitForClose(deadlineMs = DEADLINE_MS): Promise<void> {
    await this.#wait((connection) => connection.closed, false, deadlineMs)
  }

  async waitForAnswers(
    count: number,
    methods: readonly string[] = [],
    deadlineMs = DEADLINE_MS,
  ): Promise<readonly RawAnswer[]> {
    const finalAnswers = () =>
      parseAnswers(this.received, methods, this.closed).filter((answer) => answer.status >= 200)
    await this.#wait(() => finalAnswers().length >= count, true, deadlineMs)
    return finalAnswers()
  }

  destroy(): void {
    // A reset after the other end has closed leaves a handle that keeps the process alive; one of a
    // TLS connection is not possible.
    if (this.closed || this.socket instanceof TLSSocket) this.socket.destroy()
    else this.socket.resetAndDestroy()
  }

  #markClosed(): void {
    this.closed = true
    this.#review()
  }

  #review(): void {
    for (const waiter of this.#waiters) {
      if (waiter.isReached(this)) waiter.settle(null)
      else if (this.closed && waiter.endsOnClose) {
        waiter.settle(new Error(`connection closed; received: ${JSON.stringify(this.text)}`))
      }
    }
  }

  async #wait(
    isReached: (connection: SocketConnection) => boolean,
    endsOnClose: boolean,
    deadlineMs: number,
  ): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const settle = (error: Error | null) => {
        clearTimeout(timer)
        this.#waiters.delete(waiter)
        if (error === null) resolve()
        else reject(error)
      }
      const waiter: Waiter = { isReached, endsOnClose, settle }
      const timer = setTimeout(() => {
        const received = JSON.stringify(this.text.slice(0, 500))
        settle(new Error(`not reached within ${deadlineMs} ms; received: ${received}`))
      }, deadlineMs)
      this.#waiters.add(waiter)
      this.#review()
    })
  }
}

/**
 * Sends bytes over a fresh connection and reports what came back.
 *
 * Ends when the server closes the connection; when the answers asked for are complete and the last
 * does not announce `Connection: close`; or at the deadline, which is not an error: `closed` and
 * `answers` tell. The connection is destroyed afterwards.
 */
export async function exchangeRaw(
  target: RawTarget | number,
  request: string | Uint8Array,
  options: ExchangeOptions = {},
): Promise<RawReply> {
  const connection = await openRaw(typeof target === 'number' ? { port: target } : target)
  const methods = options.methods ?? []
  const wanted = options.answers ?? 1
  const isComplete = () => {
    const answers = parseAnswers(connection.received, methods, connection.closed)
    const final = answers.filter((answer) => answer.status >= 200)
    const last = final.at(-1)
    return final.length >= wanted && last !== undefined && !announcesClose(last)
  }
  connection.send(request)
  await connection.waitFor(isComplete, options.deadlineMs).catch(() => undefined)
  const reply: RawReply = {
    bytes: connection.received,
    text: connection.text,
    answers: parseAnswers(connection.received, methods, connection.closed),
    closed: connection.closed,
  }
  connection.destroy()
  return reply
}

/** All values of a header, name in lower case. */
export function answerHeader(answer: RawAnswer, name: string): readonly string[] {
  return answer.headers.filter(([key]) => key === name).map(([, value]) => value)
}

function announcesClose(answer: RawAnswer): boolean {
  return answerHeader(answer, 'connection').some((value) => value.toLowerCase() === 'close')
}

/**
 * Cuts received bytes into complete answers (RFC 9112 §6.3). An unfinished one at the end is left
 * out. Throws on bytes that are no HTTP/1.1 answer: desynchronised framing must fail a test loudly.
 *
 * @param methods Of the requests, in order; what is missing counts as GET.
 * @param isClosed Whether the connection has ended, which completes a body without a length.
 */
function parseAnswers(
  bytes: Buffer,
  methods: readonly string[] = [],
  isClosed = false,
): readonly RawAnswer[] {
  const answers: RawAnswer[] = []
  let offset = 0
  let finals = 0
  while (offset < bytes.length) {
    const answer = parseAnswer(bytes.subarray(offset), methods[finals] ?? 'GET', isClosed)
    if (answer === null) break
    answers.push(answer)
    offset += answer.sizeBytes
    if (answer.status >= 200) finals += 1
  }
  return answers
}

function parseAnswer(bytes: Buffer, method: string, isClosed: boolean): RawAnswer | null {
  const headEnd = bytes.indexOf('\r\n\r\n')
  if (headEnd === -1) return null
  const [statusLine = '', ...lines] = bytes.toString('latin1', 0, headEnd).split('\r\n')
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(statusLine)?.[1] ?? Number.NaN)
  if (Number.isNaN(status)) throw new Error(`no status line: ${JSON.stringify(statusLine)}`)
  const headers = lines.map((line) => {
    const colon = line.indexOf(':')
    if (colon < 1) throw new Error(`no header field: ${JSON.stringify(line)}`)
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const
  })
  const rest = bytes.subarray(headEnd + 4)
  const found = parseBody(rest, { status, method, headers: new Map(headers), isClosed })
  if (found === null) return null
  const sizeBytes = headEnd + 4 + found.wireBytes
  return { statusLine, status, headers, body: found.body, framing: found.framing, sizeBytes }
}

interface BodyContext {
  readonly status: number
  readonly method: string
  readonly headers: ReadonlyMap<string, string>
  readonly isClosed: boolean
}

interface FoundBody {
  readonly body: Buffer
  readonly framing: RawAnswer['framing']
  readonly wireBytes: number
}

function parseBody(rest: Buffer, context: BodyContext): FoundBody | null {
  const { status, method, headers } = context
  if (method === 'HEAD' || status < 200 || status === 204 || status === 304) {
    return { body: Buffer.alloc(0), framing: 'none', wireBytes: 0 }
  }
  if (headers.get('transfer-encoding') === 'chunked') return parseChunks(rest)
  const length = headers.get('content-length')
  if (length !== undefined) {
    const size = Number(length)
    if (rest.length < size) return null
    return { body: rest.subarray(0, size), framing: 'content-length', wireBytes: size }
  }
  return context.isClosed ? { body: rest, framing: 'close', wireBytes: rest.length } : null
}

function parseChunks(rest: Buffer): FoundBody | null {
  const chunks: Buffer[] = []
  let offset = 0
  for (;;) {
    const lineEnd = rest.indexOf('\r\n', offset)
    if (lineEnd === -1) return null
    const line = rest.toString('latin1', offset, lineEnd)
    if (!/^[0-9a-fA-F]+$/.test(line)) throw new Error(`no chunk size: ${JSON.stringify(line)}`)
    const size = Number.parseInt(line, 16)
    const chunkEnd = lineEnd + 2 + size
    if (rest.length < chunkEnd + 2) return null
    chunks.push(rest.subarray(lineEnd + 2, chunkEnd))
    offset = chunkEnd + 2
    if (size === 0) return { body: Buffer.concat(chunks), framing: 'chunked', wireBytes: offset }
  }
}
