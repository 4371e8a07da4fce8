/**
 * Bounds the connections of the admin listener and makes room for new ones, so that operators and
 * probes get in while somebody holds as many connections as there may be. Each connection has one
 * request at a time and bounded time for it.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

interface Served {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** Cuts what takes too long. */
  readonly timer: NodeJS.Timeout
}

export class ConnectionLimit {
  readonly #connectionsMax: number
  readonly #answerTimeoutMs: number
  /** In the order in which they were opened; `null`: no head of a request has come. */
  readonly #connections = new Map<Socket, Served | null>()

  /**
   * @param answerTimeoutMs From the head of a request until the client has taken the last byte of
   *   its answer.
   */
  constructor(connectionsMax: number, answerTimeoutMs: number) {
    this.#connectionsMax = connectionsMax
    this.#answerTimeoutMs = answerTimeoutMs
  }

  watch(server: Server): void {
    server.on('connection', (socket) => this.#admit(socket))
    server.on('request', (request, response) => this.#begin(request, response))
  }

  /** The answer to its request has no end, so no time for it either. */
  letStay(socket: Socket): void {
    clearTimeout(this.#connections.get(socket)?.timer)
  }

  #admit(socket: Socket): void {
    if (this.#connections.size >= this.#connectionsMax) this.#makeRoom()
    this.#connections.set(socket, null)
    socket.once('close', () => this.#connections.delete(socket))
  }

  #begin(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request
    // Many answers at once to a client that reads none would be held in memory.
    if (this.#connections.get(socket)) {
      socket.destroy()
      return
    }
    const timer = setTimeout(() => socket.destroy(), this.#answerTimeoutMs)
    this.#connections.set(socket, { request, response, timer })
    response.once('close', () => {
      clearTimeout(timer)
      // Closed before its answer, the connection is not among them any more.
      if (this.#connections.has(socket)) this.#connections.set(socket, null)
    })
  }

  /**
   * Closes the oldest connection that has not sent a whole request; if there is none, the oldest
   * whose client has its answer to read; else the oldest of all.
   */
  #makeRoom(): void {
    const all = [...this.#connections]
    const isWaiting = ([, served]: (typeof all)[number]) => served?.request.complete !== true
    const isAnswered = ([, served]: (typeof all)[number]) => served?.response.writableEnded === true
    const [socket] = all.find(isWaiting) ?? all.find(isAnswered) ?? all[0] ?? []
    if (socket === undefined) return
    this.#connections.delete(socket)
    socket.destroy()
  }
}
