/** A gateway as those see it who start and end it: the command line, the demonstration, tests. */
import type { Readiness } from '../gateway/health.ts'
import type { NativeBinary } from '../server/native-binary.ts'

export interface SupervisorOptions {
  readonly version: string
  /** Aborts when the process is asked to end: a start that is under way is given up then. */
  readonly stop: AbortSignal
  /** Aborts when the process must end at once: nothing that runs is waited for then. */
  readonly cut: AbortSignal
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
}
