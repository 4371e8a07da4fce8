/**
 * Says when a breaker of an introspection endpoint opens, lets a few requests through, or closes.
 *
 * All threads share a breaker, so the supervisor looks, and each change is told once and not by
 * each thread. What opens and closes between two looks is told as well: openings are counted.
 */
import type { Logger } from '../observability/logger.ts'
import type { CircuitState } from '../resilience/circuit-breaker.ts'
import type { IntrospectionReading } from './introspection-reader.ts'

const LOOK_EVERY_MS = 500

const EVENTS = {
  open: 'circuit_opened',
  half_open: 'circuit_half_open',
  closed: 'circuit_closed',
} as const satisfies Record<CircuitState, string>

interface Seen {
  readonly state: CircuitState
  readonly opened: number
}

const AT_FIRST: Seen = { state: 'closed', opened: 0 }

export class CircuitWatch {
  readonly #read: () => readonly IntrospectionReading[]
  readonly #logger: Logger
  readonly #seen = new Map<string, Seen>()
  #timer: NodeJS.Timeout | null = null

  constructor(read: () => readonly IntrospectionReading[], logger: Logger) {
    this.#read = read
    this.#logger = logger
  }

  /** From now on, until `stop`. Also where no endpoint is asked: a reload may name one. */
  start(): void {
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS).unref()
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer)
  }

  #look(): void {
    for (const { issuer, circuits } of this.#read()) {
      for (const { callers, state, opened } of circuits) {
        const name = `${issuer} ${callers}`
        const last = this.#seen.get(name) ?? AT_FIRST
        this.#seen.set(name, { state, opened })
        const hasOpened = opened !== last.opened && state !== 'open' && last.state === 'closed'
        if (hasOpened) this.#logger.log({ event: 'circuit_opened', issuer, callers })
        if (hasOpened || state !== last.state) {
          this.#logger.log({ event: EVENTS[state], issuer, callers })
        }
      }
    }
  }
}
