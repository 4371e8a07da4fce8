/** What the harness needs to know about a program that it compares. */
import type { Credentials } from './credentials.ts'
import { type CredentialKind, HOT_TOKENS } from './scenario.ts'

/**
 * Room in a program's own cache of tokens, in tokens. Defaults are too small for a rotation of
 * {@link HOT_TOKENS}: Envoy's 100 would never find one of them again.
 */
export const CACHED_TOKENS = 10 * HOT_TOKENS

export interface PeerContext {
  readonly credentials: Credentials
  readonly upstreamPort: number
  /** What callers send. */
  readonly credential: CredentialKind
  /** Whether requests are counted by address, all together, and verifications. */
  readonly hasLimits: boolean
  /** Who knows the opaque tokens; `null` in a scenario without. */
  readonly introspection: Introspection | null
  /** Where the sessions are; `null` in a scenario with tokens. */
  readonly redisPort: number | null
  /** Event-loop or listener threads, the same for every program. */
  readonly threads: number
  /** An empty folder for generated configuration. */
  readonly folder: string
}

/** Where a program asks about opaque tokens (RFC 7662), and as which client. */
export interface Introspection {
  readonly issuer: string
  readonly endpoint: string
  readonly clientId: string
  readonly clientSecret: string
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
  /** Whether it only tells another proxy who is calling, and proxies nothing. */
  readonly decides: boolean
  start(context: PeerContext): Promise<RunningPeer | SkippedPeer>
}
