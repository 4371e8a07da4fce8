/** What a listener thread starts with: handed over once, and again to its successor. */
import type { GatewayConfiguration } from '../config/sections.ts'
import type { Readiness } from '../gateway/health.ts'
import type { SigningSnapshot } from '../identity/signing-keys.ts'
import type { KeySet } from '../keys/key-set.ts'
import type { LogBufferMemory } from '../observability/log-buffer.ts'
import type { ServerEngine } from '../server/server-engine.ts'
import type { ListenPlace } from '../server/socket-calls.ts'
import type { TenantsChange } from '../tenants/tenants-change.ts'
import type { IntrospectionMemory } from './introspection-memory.ts'

/** Memory that all threads see. Made by the supervisor; outlives any listener thread. */
export interface SharedBuffers {
  readonly keyGenerations: SharedArrayBuffer
  readonly tokenCache: SharedArrayBuffer
  readonly refusals: SharedArrayBuffer
  readonly inFlight: SharedArrayBuffer
  readonly revocations: SharedArrayBuffer
  readonly firstSights: SharedArrayBuffer
  /** Whether all that others revoked is known. */
  readonly learntRevocations: SharedArrayBuffer
  /** What limits have counted by key, and of all requests together. */
  readonly limitCells: SharedArrayBuffer
  readonly totalCells: SharedArrayBuffer
}

/** What a listener thread makes a revision from, beside the memory that all threads see. */
export interface RevisionPlan {
  /** Id of the revision that follows from the configuration. */
  readonly revisionId: number
  readonly configuration: GatewayConfiguration
  /** With places for the issuers of this configuration. */
  readonly introspection: IntrospectionMemory
  /** `null`: no route sends internal tokens. */
  readonly signingKeys: SigningSnapshot | null
  /**
   * All of the store; what changes meanwhile follows by message. `null`: the thread has them, for a
   * revision with the same issuers.
   */
  readonly tenants: TenantsChange | null
}

/** What the parts of a listener thread are made of. */
export interface ComposedStart extends RevisionPlan {
  readonly index: number
  readonly buffers: SharedBuffers
}

/**
 * Where listener threads serve. The port is never 0: the supervisor has chosen by then, and all
 * threads share it, each by a duplicate of the descriptor or by a socket of its own.
 */
export interface ListenerPort extends ListenPlace {
  readonly host: string
  readonly engine: ServerEngine
}

/** What a listener thread starts with. */
export interface ListenerStart extends ComposedStart {
  readonly main: ListenerPort
  /** For the decision endpoint alone; `null`: it is on the main port, or there is none. */
  readonly decision: ListenerPort | null
  readonly keySets: readonly KeySet[]
  readonly readiness: Readiness
  /** Its own log buffer. */
  readonly log: LogBufferMemory
  /** For security events that go to the webhook; `null`: there is none. */
  readonly alerts: LogBufferMemory | null
}
