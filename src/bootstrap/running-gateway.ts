/** A gateway as whoever started it sees it. */
import type { Readiness } from '../gateway/health.ts'
import type { NativeBinary } from '../server/native-binary.ts'

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
}
