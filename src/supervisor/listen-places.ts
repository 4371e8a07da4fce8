/** The ports that listener threads serve: the main one, and that of the decision endpoint. */
import type { GatewayConfiguration } from '../config/sections.ts'
import { closeDescriptor, type ListenPlace } from '../server/socket-calls.ts'
import type { ListenerPort } from '../threads/listener-start.ts'
import { claimPort } from './claim-port.ts'
import type { ChosenEngines } from './engine-choice.ts'

const NOWHERE: ListenPlace = { port: 0, descriptor: null }

export class ListenPlaces {
  readonly #engines: ChosenEngines
  #main = NOWHERE
  /** `null`: the decision endpoint has no port of its own. */
  #decision: ListenPlace | null = null

  constructor(engines: ChosenEngines) {
    this.#engines = engines
  }

  /**
   * Chooses all of them: claim-port.ts.
   *
   * @throws (rejects) StartError when one cannot be bound.
   */
  async claim({ server, decision }: GatewayConfiguration): Promise<void> {
    const { main, decision: engine } = this.#engines
    this.#main = await claimPort('server', main, server.host, server.port)
    if (engine === null || decision === null || decision.port === null) return
    this.#decision = await claimPort('decision', engine, decision.host, decision.port)
  }

  get all(): readonly ListenPlace[] {
    return this.#decision === null ? [this.#main] : [this.#main, this.#decision]
  }

  /** The actual one, where the configuration says 0. */
  get mainPort(): number {
    return this.#main.port
  }

  /** The same; `null`: there is none. */
  get decisionPort(): number | null {
    return this.#decision?.port ?? null
  }

  /** What a thread needs to listen. */
  ports({ server, decision }: GatewayConfiguration): ListenerPorts {
    const { main, decision: engine } = this.#engines
    const own = this.#decision
    return {
      main: { ...this.#main, host: server.host, engine: main },
      decision:
        own === null || engine === null || decision === null
          ? null
          : { ...own, host: decision.host, engine },
    }
  }

  /** Threads have duplicates of their own, and a socket is open as long as one of them is. */
  close(): void {
    for (const { descriptor } of this.all) {
      if (descriptor !== null) closeDescriptor(descriptor)
    }
    this.#main = { ...this.#main, descriptor: null }
    this.#decision &&= { ...this.#decision, descriptor: null }
  }
}

interface ListenerPorts {
  readonly main: ListenerPort
  readonly decision: ListenerPort | null
}
