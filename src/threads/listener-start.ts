/** What a listener thread starts with: handed over once, and again to its successor. */
import type { GatewayConfiguration } from '../config/sections.ts'
import type { Readiness } from '../gateway/health.ts'
import type { SigningSnapshot } from '../identity/signing-keys.ts'
import type { KeySet } from '../keys/key-set.ts'
import type { LogBufferMemory } from '../observability/log-buffer.ts'
import type { NativeBinary } from '../server/native-binary.ts'
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
  readonly introspection: IntrospectionMemory
  /** What limits have counted by key, and of all requests together. */
  readonly limitCells: SharedArrayBuffer
  readonly totalCells: SharedArrayBuffer
}

/** What a listener thread starts with. */
export interface ListenerStart {
  readonly index: number
  /** Id of the revision that follows from the configuration. */
  readonly revisionId: number
  readonly configuration: GatewayConfiguration
  readonly host: string
  /** Never 0: the supervisor has chosen by then, and all threads share the port. */
  readonly port: number
  readonly nativeBinary: NativeBinary
  readonly buffers: SharedBuffers
  readonly keySets: readonly KeySet[]
  /** `null`: no route sends internal tokens. */
  readonly signingKeys: SigningSnapshot | null
  readonly readiness: Readiness
  /** All there are. What changes while the thread starts follows by message. */
  readonly tenants: TenantsChange
  /** Its own log buffer. */
  readonly log: LogBufferMemory
}
