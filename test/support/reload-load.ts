/**
 * Clients that ask a gateway without pause while its configuration alternates, and what was wrong
 * with the answers.
 *
 * A configuration of an even number lets scope `read` pass and names the request in `x-even-id`;
 * one of an odd number lets `write` pass, and names it in `x-odd-id`. So each answer tells which
 * one decided, and which one wrote what the upstream got.
 */
import { once } from 'node:events'
import { Agent, type IncomingMessage, request } from 'node:http'
import type { Echo } from './upstream-servers.ts'

export type Scope = 'read' | 'write'

/** The scope that a configuration lets pass. */
export function scopeOf(number: number): Scope {
  return number % 2 === 0 ? 'read' : 'write'
}

export function requestIdNameOf(number: number): string {
  return number % 2 === 0 ? 'X-Even-Id' : 'X-Odd-Id'
}

export class ReloadLoad {
  /** Of the configuration that was last told to be in use, and of the one last asked for. */
  committed = 0
  asked = 0
  answers = 0
  /** What was lost, or wrong. */
  readonly problems: string[] = []
  readonly #origin: string
  readonly #tokens: Readonly<Record<Scope, string>>
  readonly #agent: Agent
  readonly #clients: Promise<void>[]
  #isOver = false
  #connections = 0

  constructor(origin: string, tokens: Readonly<Record<Scope, string>>, clients: number) {
    this.#origin = origin
    this.#tokens = tokens
    this.#agent = new Agent({ keepAlive: true, maxSockets: clients })
    this.#clients = Array.from({ length: clients }, (_, index) => this.#run(index))
  }

  /** Connections opened so far. */
  get connections(): number {
    return this.#connections
  }

  async stop(): Promise<void> {
    this.#isOver = true
    await Promise.all(this.#clients)
    this.#agent.destroy()
  }

  async #run(index: number): Promise<void> {
    for (let count = index; !this.#isOver; count += 1) {
      const scope = scopeOf(count)
      try {
        await this.#ask(scope)
      } catch (error) {
        this.problems.push(`no answer: ${String(error)}`)
      }
    }
  }

  async #ask(scope: Scope): Promise<void> {
    const since = this.committed
    const headers = { authorization: `Bearer ${this.#tokens[scope]}` }
    const outgoing = request(`${this.#origin}/x`, { agent: this.#agent, headers })
    outgoing.once('socket', (socket) => {
      if (socket.connecting) this.#connections += 1
    })
    outgoing.end()
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
    const text = Buffer.concat((await answer.toArray()) as Buffer[]).toString()
    this.answers += 1
    const status = answer.statusCode ?? 0
    // Those that may have been in use at some time since the request was sent.
    const possible = Array.from({ length: this.asked - since + 1 }, (_, ahead) => since + ahead)
    const isRight = possible.some((number) => isAnswerOf(number, scope, status, text))
    if (!isRight) this.problems.push(`${status} for ${scope} under one of ${possible.join()}`)
  }
}

function isAnswerOf(number: number, scope: Scope, status: number, text: string): boolean {
  if (scopeOf(number) !== scope) return status === 403
  if (status !== 200) return false
  const { headers } = JSON.parse(text) as Echo
  const other = requestIdNameOf(number + 1).toLowerCase()
  return headers[requestIdNameOf(number).toLowerCase()] !== undefined && !(other in headers)
}
