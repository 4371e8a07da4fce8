/** How the supervisor looks at what the threads know of introspection endpoints. */
import type { GatewayConfiguration } from '../config/sections.ts'
import type { CircuitState } from '../resilience/circuit-breaker.ts'
import { systemClock } from '../runtime/clock.ts'
import {
  breakerOf,
  CALLERS,
  type Callers,
  type IntrospectionMemory,
  pauseOf,
} from '../threads/introspection-memory.ts'
import { PAUSED_CALLERS, type PausedCallers } from '../verifiers/introspection/endpoint-pauses.ts'

const MS_PER_SECOND = 1_000

export interface IntrospectionReading {
  readonly issuer: string
  readonly circuits: readonly {
    readonly callers: Callers
    readonly state: CircuitState
    readonly opened: number
  }[]
  readonly pauses: readonly {
    readonly callers: PausedCallers
    /** Until it ends; 0: there is none. */
    readonly seconds: number
    readonly begun: number
  }[]
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
    const kept = PAUSED_CALLERS.map((callers) => ({
      callers,
      pause: pauseOf(memory, name, callers),
    }))
    return [{ issuer: name, circuits, kept }]
  })
  return () => {
    const nowMs = systemClock.wallMs()
    return endpoints.map(({ issuer, circuits, kept }) => ({
      issuer,
      circuits: circuits.map(({ callers, breaker }) => ({
        callers,
        state: breaker.state(nowMs),
        opened: breaker.openedCount,
      })),
      pauses: kept.map(({ callers, pause }) => ({
        callers,
        seconds: Math.ceil(pause.leftMs(nowMs) / MS_PER_SECOND),
        begun: pause.count,
      })),
    }))
  }
}
