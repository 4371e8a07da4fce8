/** A real HTTP server that can go away and come back on the port it had. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { reservePort } from './reserved-port.ts'

export abstract class RestartableServer {
  #server: Server | null = null
  #port = 0

  get origin(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  protected abstract answer(request: IncomingMessage, response: ServerResponse): void

  /** Listens, on the port it had before if there was one. */
  async up(): Promise<void> {
    if (this.#port === 0) this.#port = await reservePort()
    const server = createServer((request, response) => this.answer(request, response))
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(this.#port, '127.0.0.1', resolve)
    })
    this.#server = server
  }

  /** Stops listening, and cuts open connections. */
  async down(): Promise<void> {
    const server = this.#server
    this.#server = null
    if (server === null) return
    await new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  }
}
