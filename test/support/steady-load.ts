/** Clients that ask a gateway without pause, and the book of what they were answered. */
import { once } from 'node:events'
import { Agent, type IncomingMessage, request } from 'node:http'

interface SteadyLoadOptions {
  readonly origin: string
  /** Each has one request in flight, on a connection that it keeps as long as it may. */
  readonly clients: number
  /** `null` when there are no more. Default: requests without a token, without end. */
  readonly nextToken?: () => string | null
}

const NO_TOKEN = () => ''

export class SteadyLoad {
  /** Answers by status. */
  readonly statuses = new Map<number, number>()
  /** Requests that got no answer: connection refused or cut. */
  unanswered = 0
  readonly #origin: string
  readonly #agent: Agent
  readonly #clients: Promise<void>[]
  #isOver = false

  constructor({ origin, clients, nextToken = NO_TOKEN }: SteadyLoadOptions) {
    this.#origin = origin
    this.#agent = new Agent({ keepAlive: true, maxSockets: clients })
    this.#clients = Array.from({ length: clients }, () => this.#run(nextToken))
  }

  /** Answers of status 200. */
  get answered(): number {
    return this.statuses.get(200) ?? 0
  }

  async stop(): Promise<void> {
    this.#isOver = true
    await this.finished()
  }

  /** Settles when there are no more tokens. */
  async finished(): Promise<void> {
    await Promise.all(this.#clients)
    this.#agent.destroy()
  }

  async #run(nextToken: () => string | null): Promise<void> {
    let token = nextToken()
    // What got no answer is asked again.
    while (token !== null && !this.#isOver) if (await this.#ask(token)) token = nextToken()
  }

  async #ask(token: string): Promise<boolean> {
    const headers = token === '' ? {} : { authorization: `Bearer ${token}` }
    const outgoing = request(`${this.#origin}/x`, { agent: this.#agent, headers })
    outgoing.end()
    try {
      const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
      await answer.toArray()
      const status = answer.statusCode ?? 0
      this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1)
      return true
    } catch {
      this.unanswered += 1
      return false
    }
  }
}
