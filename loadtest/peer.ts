/** What the harness needs to know about a program that it compares. */
import type { Credentials } from './credentials.ts'
import { type Errand, HOT_TOKENS } from './scenario.ts'

/**
 * Room in a program's own cache of tokens, in tokens. Defaults are too small for a rotation of
 * {@link HOT_TOKENS}: Envoy's 100 would never find one of them again.
 */
export const CACHED_TOKENS = 10 * HOT_TOKENS

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

/** What a program gives that takes no part: `program: reason, skipped` in the report. */
export function skipped(program: string, reason: string): SkippedPeer {
  return { status: 'skipped', reason: `${program}: ${reason}, skipped` }
}

export interface Peer {
  readonly name: string
  /** One line for the report: what work this program does for a request. */
  readonly work: string
  readonly errand: Errand
  start(context: PeerContext): Promise<RunningPeer | SkippedPeer>
}
