/** A gateway as those see it who start and end it: the command line, the demonstration, tests. */
import type { LoadedConfig } from '../config/load-config.ts'
import type { Readiness } from '../gateway/health.ts'
import type { ServerEngine } from '../server/server-engine.ts'
import type { ReloadCause, ReloadResult } from './configuration-reloads.ts'

export interface SupervisorOptions {
  /** Loads the configuration anew; `null`: it has no file. */
  readonly load: (() => LoadedConfig) | null
  /** Those that the configuration of the start was read from. */
  readonly files: ReadonlyMap<string, string>
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
  /** Of the decision endpoint; `null`: it has none of its own. */
  readonly decisionPort: number | null
  readonly engine: ServerEngine
  readiness(): Readiness
  /** Settles when the instance is ready, which an issuer without keys can put off for long. */
  whenReady(): Promise<void>
  /** Loads the configuration anew. Settles with what became of it; never rejects. */
  reload(cause: ReloadCause): Promise<ReloadResult>
  /** Drains and ends everything: no request that was accepted is lost. */
  stop(): Promise<void>
}
