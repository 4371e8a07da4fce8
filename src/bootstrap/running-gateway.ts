/** A gateway as those see it who start and end it: the command line, the demonstration, tests. */
import type { Readiness } from '../gateway/health.ts'
import type { Clock } from '../resilience/clock.ts'
import type { NativeBinary } from '../server/native-binary.ts'

export interface SupervisorOptions {
  readonly version: string
  /** By which the keys of internal tokens rotate. Only tests have another than the system's. */
  readonly signingClock?: Clock
}

/** A gateway that runs. */
export interface RunningGateway {
  /** The actual ones, where the configuration says 0. */
  readonly port: number
  readonly adminPort: number
  readonly nativeBinary: NativeBinary
  readiness(): Readiness
  /** Settles when the instance is ready, which an issuer without keys can put off for long. */
  whenReady(): Promise<void>
  /** Drains and ends everything: no request that was accepted is lost. */
  stop(): Promise<void>
  /** Makes one listener thread fail. Only tests call this. */
  crashListener(index: number): void
  /** Brings the keys of internal tokens up to the present instant. Only tests call this. */
  reviewSigningKeys(): Promise<void>
}
