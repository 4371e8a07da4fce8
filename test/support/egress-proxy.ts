/** A real HTTP proxy of a company: it alone knows the names outside, and writes down who asks. */
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http'
import { connect, type Socket } from 'node:net'
import { listen, portOf } from './listening-port.ts'

interface ProxiedRequest {
  readonly method: string
  /** Host and port, or the whole URL. */
  readonly target: string
  readonly userAgent: string | null
}

/** `hangs`: it takes the request and says nothing. `rubbish`: it does not speak HTTP. */
type ProxyMood = 'works' | 'hangs' | 'rubbish'

export class EgressProxyServer {
  readonly requests: ProxiedRequest[] = []
  mood: ProxyMood = 'works'
  /** `user:password` that it wants; `null`: anybody may ask. */
  credentials: string | null = null
  /** Ports of loopback by the host and port that they stand for. */
  readonly #hosts: ReadonlyMap<string, number>
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(hosts: ReadonlyMap<string, number>) {
    this.#hosts = hosts
    this.#server = createServer((request, response) => this.#forward(request, response))
    this.#server.on('connect', (request: IncomingMessage, socket: Socket) => {
      this.#tunnel(request, socket)
    })
    this.#server.on('connection', (socket: Socket) => this.#keep(socket))
  }

  /** @param hosts Such as `keycloak.corp.example:443`, with the port that serves it. */
  static async start(hosts: Readonly<Record<string, number>>): Promise<EgressProxyServer> {
    const proxy = new EgressProxyServer(new Map(Object.entries(hosts)))
    await listen(proxy.#server)
    return proxy
  }

  get port(): number {
    return portOf(this.#server)
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('close', () => this.#sockets.delete(socket))
    socket.on('error', () => socket.destroy())
  }

  /** @returns The status with which it refuses; `null`: it does not. */
  #note(request: IncomingMessage, target: string): number | null {
    const { method = '', headers } = request
    this.requests.push({ method, target, userAgent: headers['user-agent'] ?? null })
    if (this.credentials === null) return null
    const expected = `Basic ${Buffer.from(this.credentials).toString('base64')}`
    return headers['proxy-authorization'] === expected ? null : 407
  }

  #tunnel(request: IncomingMessage, socket: Socket): void {
    const target = request.url ?? ''
    const refusal = this.#note(request, target)
    if (this.mood === 'hangs') return
    if (this.mood === 'rubbish') {
      socket.end('SSH-2.0-OpenSSH_9.2\r\n')
      return
    }
    const port = this.#hosts.get(target)
    if (refusal !== null || port === undefined) {
      socket.end(`HTTP/1.1 ${refusal ?? 502} Refused\r\ncontent-length: 0\r\n\r\n`)
      return
    }
    const outside = connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
      outside.pipe(socket)
      socket.pipe(outside)
    })
    this.#keep(outside)
  }

  /** The whole URL is in the request line. */
  #forward(request: IncomingMessage, response: ServerResponse): void {
    const target = request.url ?? ''
    const refusal = this.#note(request, target)
    const { host, pathname, search } = new URL(target)
    const port = this.#hosts.get(host)
    if (refusal !== null || port === undefined) {
      response.writeHead(refusal ?? 502).end()
      return
    }
    const { 'proxy-authorization': _, ...headers } = request.headers
    const options = { host: '127.0.0.1', port, path: `${pathname}${search}`, headers }
    const outside = httpRequest({ ...options, method: request.method }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    outside.on('error', () => response.destroy())
    request.pipe(outside)
  }
}
