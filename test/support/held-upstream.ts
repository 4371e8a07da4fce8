/** An upstream that answers `/held` only when it is told to, and everything else at once. */
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

export class HeldUpstream {
  readonly #server: Server
  readonly #held: (() => void)[] = []

  private constructor() {
    this.#server = createServer((request, response) => {
      if (request.url?.startsWith('/held')) this.#held.push(() => response.end('at last'))
      else response.end('ok')
    })
  }

  static async start(): Promise<HeldUpstream> {
    const upstream = new HeldUpstream()
    upstream.#server.listen(0, '127.0.0.1')
    await once(upstream.#server, 'listening')
    return upstream
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Requests for `/held` so far, answered or not. */
  get heldCount(): number {
    return this.#held.length
  }

  /** Answers those that came after so many others. */
  answerAfter(count: number): void {
    for (const answer of this.#held.slice(count)) answer()
  }

  close(): void {
    this.#server.closeAllConnections()
    this.#server.close()
  }
}
