/** How the supervisor looks at what the threads know of introspection endpoints. */
import type { GatewayConfiguration } from '../config/sections.ts'
import type { CircuitState } from '../resilience/circuit-breaker.ts'
import { systemClock } from '../resilience/clock.ts'
import {
  breakerOf,
  CALLERS,
  type Callers,
  type IntrospectionMemory,
  pauseOf,
} from '../threads/introspection-memory.ts'

const MS_PER_SECOND = 1_000

export interface IntrospectionReading {
  readonly issuer: string
  readonly circuits: readonly {
    readonly callers: Callers
    readonly state: CircuitState
    readonly opened: number
  }[]
  /** Seconds until the pause ends that the endpoint has asked for; 0: there is none. */
  readonly pauseSeconds: number
  readonly pauses: number
}

export function introspectionReader(
  { issuers }: GatewayConfiguration,
  memory: IntrospectionMemory,
): () => readonly IntrospectionReading[] {
  const endpoints = issuers.flatMap(({ name, introspection }) => {
    if (introspection === null) return []
    const circuits = CALLERS.map((callers) => ({
      callers,
      breaker: breakerOf(memory, name, callers, introspection),
    }))
    return [{ issuer: name, circuits, pause: pauseOf(memory, name) }]
  })
  return () => {
    const nowMs = systemClock.wallMs()
    return endpoints.map(({ issuer, circuits, pause }) => ({
      issuer,
      circuits: circuits.map(({ callers, breaker }) => ({
        callers,
        state: breaker.state(nowMs),
        opened: breaker.openedCount,
      })),
      pauseSeconds: Math.ceil(pause.leftMs(nowMs) / MS_PER_SECOND),
      pauses: pause.count,
    }))
  }
}
