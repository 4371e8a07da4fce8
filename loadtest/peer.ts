/** What the harness needs to know about a program that it compares. */
import type { Credentials } from './credentials.ts'
import type { Errand } from './scenario.ts'

export interface PeerContext {
  readonly credentials: Credentials
  readonly upstreamPort: number
  /** Where the sessions are; `null` in a scenario with tokens. */
  readonly redisPort: number | null
  /** Event-loop or listener threads, the same for every program. */
  readonly threads: number
  /** An empty folder for generated configuration. */
  readonly folder: string
}

export interface RunningPeer {
  readonly status: 'running'
  readonly processId: number
  readonly port: number
  readonly version: string
  stop(): Promise<void>
}

export interface SkippedPeer {
  readonly status: 'skipped'
  readonly reason: string
}

export interface Peer {
  readonly name: string
  /** One line for the report: what work this program does for a request. */
  readonly work: string
  readonly errand: Errand
  start(context: PeerContext): Promise<RunningPeer | SkippedPeer>
}
