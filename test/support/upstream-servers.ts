/**
 * Real upstreams on loopback: one that behaves, and one that answers with exactly the bytes it is
 * told to, so that every kind of misbehaviour can be put on the wire.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer as createHttpServer, type IncomingHttpHeaders, type Server } from 'node:http'
import { connect, createServer as createTcpServer, type Socket } from 'node:net'
import { reservePort } from './reserved-port.ts'

export interface UpstreamServer {
  readonly origin: string
  readonly port: number
  /** Connections accepted so far. */
  readonly connections: number
  /** Requests of which the head arrived so far. */
  readonly requests: number
  /** Stops listening and cuts every connection. */
  close(): Promise<void>
}

/** What the echo upstream received, as it tells it back. */
export interface Echo {
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
  /** Names and values exactly as on the wire. */
  readonly rawHeaders: readonly string[]
  readonly body: string
}

/**
 * An ordinary Node upstream: tells back what it received as JSON ({@link Echo}).
 *
 * - `/slow?ms=50`: the same after so many milliseconds.
 * - `/download?bytes=N`: N bytes with a declared length.
 * - `/upload`: counts the body's bytes and answers with the number.
 * - `/events?count=N&ms=M`: N server-sent events, one every M milliseconds, head first.
 * - `/mirror`: streams the body back while it comes.
 * - `/status?code=N`: an empty answer of that status.
 */
export function startEchoUpstream(port?: number): Promise<UpstreamServer> {
  let requests = 0
  const server = createHttpServer((request, response) => {
    requests += 1
    const url = new URL(request.url ?? '/', 'http://upstream')
    const number = (name: string): number => Number(url.searchParams.get(name) ?? 0)
    if (url.pathname === '/download') {
      writeBytes(response, number('bytes'))
    } else if (url.pathname === '/events') {
      writeEvents(response, number('count'), number('ms'))
    } else if (url.pathname === '/mirror') {
      response.writeHead(200)
      request.pipe(response)
    } else if (url.pathname === '/status') {
      response.writeHead(number('code')).end()
    } else {
      let bytes = 0
      const chunks: Buffer[] = []
      request.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        if (url.pathname !== '/upload') chunks.push(chunk)
      })
      request.on('end', () => {
        const echo: Echo = {
          method: request.method ?? '',
          url: request.url ?? '',
          headers: request.headers,
          rawHeaders: request.rawHeaders,
          body: Buffer.concat(chunks).toString('latin1'),
        }
        const text = url.pathname === '/upload' ? String(bytes) : JSON.stringify(echo)
        const answer = (): void => {
          const length = Buffer.byteLength(text)
          response.writeHead(200, { 'content-type': 'application/json', 'content-length': length })
          response.end(text)
        }
        if (url.pathname === '/slow') setTimeout(answer, number('ms')).unref()
        else answer()
      })
    }
  })
  return listening(server, port, () => requests)
}

function writeBytes(
  response: import('node:http').ServerResponse<import('node:http').IncomingMessage>,
  bytes: number,
): void {
  const chunk = Buffer.alloc(65_536, 'x')
  let left = bytes
  response.writeHead(200, { 'content-length': bytes })
  const writeMore = (): void => {
    while (left > 0) {
      const part = left < chunk.length ? chunk.subarray(0, left) : chunk
      left -= part.length
      if (!response.write(part)) {
        response.once('drain', writeMore)
        return
      }
    }
    response.end()
  }
  writeMore()
}

function writeEvents(
  response: import('node:http').ServerResponse<import('node:http').IncomingMessage>,
  count: number,
  intervalMs: number,
): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.flushHeaders()
  let sent = 0
  const timer = setInterval(() => {
    if (sent === count) {
      clearInterval(timer)
      response.end()
      return
    }
    response.write(`data: ${sent}\n\n`)
    sent += 1
  }, intervalMs)
  response.on('close', () => clearInterval(timer))
}

/** A connection of a raw upstream, as its script sees it. */
export interface RawUpstreamConnection {
  readonly socket: Socket
  /** Everything received on this connection, one character a byte. */
  readonly received: string
  /** Requests answered on this connection before this one. */
  readonly answered: number
}

/**
 * What a raw upstream does when the head of a request has arrived: bytes to write as Latin-1, or
 * anything else through the connection.
 */
export type RawScript = (connection: RawUpstreamConnection) => string | undefined

/** Answers each request head with what `script` says. Bodies are not looked at. */
export function startRawUpstream(script: RawScript, port?: number): Promise<UpstreamServer> {
  let requests = 0
  const server = createTcpServer((socket) => {
    const connection = { socket, received: '', answered: 0 }
    let headsSeen = 0
    socket.on('error', () => {})
    socket.on('data', (data: Buffer) => {
      connection.received += data.toString('latin1')
      const heads = connection.received.split('\r\n\r\n').length - 1
      // One script run for each head; a body with an empty line in it is not for this server.
      for (; headsSeen < heads; headsSeen += 1) {
        requests += 1
        const answer = script(connection)
        connection.answered += 1
        if (answer !== undefined) socket.write(answer, 'latin1')
      }
    })
  })
  return listening(server, port, () => requests)
}

/** Scripts for the misbehaviours that every gateway meets sooner or later. */
export const RAW_ANSWERS = {
  ok: 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok',
  twoLengths: 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 5\r\n\r\nokokok',
  equalLengthsTwice: 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 2\r\n\r\nok',
  lengthAndChunked:
    'HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
  badLength: 'HTTP/1.1 200 OK\r\ncontent-length: 2x\r\n\r\nok',
  negativeLength: 'HTTP/1.1 200 OK\r\ncontent-length: -2\r\n\r\nok',
  hugeLength: 'HTTP/1.1 200 OK\r\ncontent-length: 9999999999999999\r\n\r\nok',
  switching: 'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\nbytes',
  bareSwitching: 'HTTP/1.1 101 Switching Protocols\r\n\r\n',
  notHttp: 'SSH-2.0-OpenSSH_9.2\r\n',
  oversizeHead: `HTTP/1.1 200 OK\r\nx-large: ${'a'.repeat(20_000)}\r\ncontent-length: 2\r\n\r\nok`,
  bareLineFeedInHeader:
    'HTTP/1.1 200 OK\r\nx-split: a\nset-cookie: sid=evil\r\ncontent-length: 2\r\n\r\nok',
  bareReturnInHeader:
    'HTTP/1.1 200 OK\r\nx-split: a\rset-cookie: sid=evil\r\ncontent-length: 2\r\n\r\nok',
  nulInHeader: 'HTTP/1.1 200 OK\r\nx-split: a\0b\r\ncontent-length: 2\r\n\r\nok',
  badHeaderName: 'HTTP/1.1 200 OK\r\nx bad: 1\r\ncontent-length: 2\r\n\r\nok',
  badChunk: 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nok\r\n0\r\n\r\n',
  statusOutOfRange: 'HTTP/1.1 777 Jackpot\r\ncontent-length: 2\r\n\r\nok',
  earlyHints:
    'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok',
  hintsWithoutEnd: 'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n'.repeat(50),
  noContentWithBody: 'HTTP/1.1 204 No Content\r\ncontent-length: 4\r\n\r\nevil',
  notModifiedWithBody: 'HTTP/1.1 304 Not Modified\r\ncontent-length: 4\r\netag: "1"\r\n\r\nevil',
  twoAnswers: `${'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'}HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nstolen`,
  trailers:
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-t\r\n\r\n2\r\nok\r\n0\r\nx-t: 1\r\n\r\n',
} as const

/** A process that listens, and then stops: it never accepts anything any more. */
const DEAF_SOURCE = `
  const server = require('node:net').createServer()
  server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
    console.log(server.address().port)
  })
`
/** More than fit into its queue; the kernel leaves what comes after them without an answer. */
const DEAF_QUEUE_FILLERS = 8

/** An address that is listened on, but where no connection can be made any more. */
export async function startDeafListener(): Promise<{
  readonly origin: string
  close(): Promise<void>
}> {
  const listener = spawn(process.execPath, ['-e', DEAF_SOURCE], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [output] = (await once(listener.stdout, 'data')) as [Buffer]
  const port = Number(output)
  listener.kill('SIGSTOP')
  const fillers: Socket[] = []
  for (let count = 0; count < DEAF_QUEUE_FILLERS; count += 1) {
    const filler = connect(port, '127.0.0.1')
    filler.on('error', () => {})
    fillers.push(filler)
  }
  await once(fillers[0] as Socket, 'connect')
  return {
    origin: `http://127.0.0.1:${port}`,
    close: async () => {
      for (const filler of fillers) filler.destroy()
      const ended = once(listener, 'exit')
      listener.kill('SIGKILL')
      await ended
    },
  }
}

/** @param wantedPort To take the place of a server that has gone; default: a port of its own. */
async function listening(
  server: Server | import('node:net').Server,
  wantedPort: number | undefined,
  requests: () => number,
): Promise<UpstreamServer> {
  const port = wantedPort ?? (await reservePort())
  let connections = 0
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    connections += 1
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  return {
    origin: `http://127.0.0.1:${port}`,
    port,
    get connections() {
      return connections
    },
    get requests() {
      return requests()
    },
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const socket of sockets) socket.resetAndDestroy()
      await closed
    },
  }
}
