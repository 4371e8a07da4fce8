/** Clients that keep their connections and ask without end, and the book of what they got. */
import { once, setMaxListeners } from 'node:events'
import { Agent, type IncomingMessage, request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'

export interface KeepAliveClientsOptions {
  readonly port: number
  readonly tokens: readonly string[]
  /** Clients that send the next request when the answer to the last one is there. */
  readonly busy: number
  /** Clients that pause between two requests, so that connections are idle when something ends. */
  readonly slow: number
  /** The longest of those pauses, below the time after which idle connections are closed. */
  readonly pauseMsMax: number
}

/** An agent takes a socket out of use as soon as its answer says `Connection: close`. */
const AGENT = { keepAlive: true, maxSockets: Number.POSITIVE_INFINITY }
/** A request that has no answer by then counts as lost. */
const ANSWER_MS_MAX = 20_000

export class KeepAliveClients {
  /** Answers by status. */
  readonly statuses = new Map<number, number>()
  /** Requests without an answer, by the code of the error: `ECONNREFUSED`, `ECONNRESET` … */
  readonly failures = new Map<string, number>()
  /** Connections that were opened. */
  connections = 0
  slowestMs = 0
  readonly #options: KeepAliveClientsOptions
  readonly #agent = new Agent(AGENT)
  readonly #clients: readonly Promise<void>[]
  readonly #over = new AbortController()
  #turn = 0

  constructor(options: KeepAliveClientsOptions) {
    this.#options = options
    const { busy, slow, pauseMsMax } = options
    setMaxListeners(slow + 1, this.#over.signal)
    this.#clients = [
      ...Array.from({ length: busy }, () => this.#run(0)),
      ...Array.from({ length: slow }, () => this.#run(pauseMsMax)),
    ]
  }

  /** Answers of status 200. */
  get answered(): number {
    return this.statuses.get(200) ?? 0
  }

  /** Requests that were refused, reset, or answered with anything but 200. */
  get lost(): number {
    const other = [...this.statuses].filter(([status]) => status !== 200)
    return [...other, ...this.failures].reduce((sum, [, count]) => sum + count, 0)
  }

  /** Settles when every request that is under way has its answer. */
  async stop(): Promise<void> {
    this.#over.abort()
    await Promise.all(this.#clients)
    this.#agent.destroy()
  }

  async #run(pauseMsMax: number): Promise<void> {
    const { signal } = this.#over
    while (!signal.aborted) {
      await this.#ask()
      if (pauseMsMax > 0) {
        await delay(Math.random() * pauseMsMax, undefined, { signal }).catch(() => {})
      }
    }
  }

  async #ask(): Promise<void> {
    const { port, tokens } = this.#options
    const token = tokens[this.#turn++ % tokens.length] ?? ''
    const beganMs = performance.now()
    const outgoing = request({
      host: '127.0.0.1',
      port,
      path: '/api/items',
      agent: this.#agent,
      headers: { authorization: `Bearer ${token}` },
      timeout: ANSWER_MS_MAX,
    })
    outgoing.on('timeout', () => outgoing.destroy(new Error('no answer in time')))
    outgoing.on('socket', () => {
      if (!outgoing.reusedSocket) this.connections += 1
    })
    outgoing.end()
    try {
      const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
      await answer.toArray()
      count(this.statuses, answer.statusCode ?? 0)
    } catch (error) {
      count(this.failures, error instanceof Error && 'code' in error ? String(error.code) : 'other')
    }
    this.slowestMs = Math.max(this.slowestMs, performance.now() - beganMs)
  }
}

function count<Key>(counts: Map<Key, number>, key: Key): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}
