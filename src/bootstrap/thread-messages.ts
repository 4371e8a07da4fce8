/**
 * What the supervisor and a listener thread say to each other. Everything here survives structured
 * cloning; shared buffers are handed over once, at the start.
 */
import type { GatewayConfiguration } from '../config/gateway-configuration.ts'
import type { Readiness } from '../gateway/health.ts'
import type { SigningSnapshot } from '../identity/signing-keys.ts'
import type { KeySet } from '../keys/key-set.ts'
import type { UnknownKeyAnswer } from '../keys/unknown-key-answer.ts'
import type { ListenerSnapshot } from '../observability/listener-metrics.ts'
import type { LogBufferMemory } from '../observability/log-buffer.ts'
import type { RedisState } from '../resilience/redis-pool.ts'
import type { NativeBinary } from '../server/native-binary.ts'
import type { TenantsChange } from '../tenants/tenants-change.ts'
import type { SignatureProof } from '../verifiers/jwt/signature-proof.ts'
import type { StoreReply } from '../verifiers/session/session-store.ts'
import type { StoreCall } from './memory-sessions.ts'

/** What the threads know together about introspection endpoints, in the order of the issuers. */
export interface IntrospectionBuffers {
  /** Circuit breakers: two for each issuer. */
  readonly breakers: SharedArrayBuffer
  /** When the gateway itself may ask, for each issuer. */
  readonly probes: SharedArrayBuffer
  readonly crowds: SharedArrayBuffer
  /** Three for each issuer. */
  readonly pauses: SharedArrayBuffer
}

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
  readonly introspection: IntrospectionBuffers
}

/** What a listener thread starts with. */
export interface ListenerStart {
  readonly index: number
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

export type ToListener =
  /** Never all of them: at a hundred thousand tenants that would hold up requests. */
  | { readonly type: 'tenants'; readonly change: TenantsChange }
  | { readonly type: 'key_set'; readonly keySet: KeySet }
  | { readonly type: 'signing_keys'; readonly keys: SigningSnapshot }
  | {
      readonly type: 'unknown_key_answer'
      readonly question: number
      readonly answer: UnknownKeyAnswer
    }
  | { readonly type: 'snapshot_request'; readonly question: number }
  | {
      readonly type: 'store_answer'
      readonly question: number
      readonly reply: StoreReply<unknown>
    }
  /** What to say at `/health/ready`. Draining: also ask clients to reconnect elsewhere. */
  | { readonly type: 'readiness'; readonly readiness: Readiness }
  /** Accept no more connections; report `drained` when the last one is gone. */
  | { readonly type: 'stop_accepting' }
  /** Close everything and leave. */
  | { readonly type: 'end' }

export type FromListener =
  | { readonly type: 'listening' }
  | { readonly type: 'failed'; readonly message: string }
  | {
      readonly type: 'unknown_key'
      readonly question: number
      readonly issuerName: string
      /** `null`: a signature was bad under the keys at hand. */
      readonly keyId: string | null
    }
  /** About the sessions in the memory of the supervisor. */
  | { readonly type: 'store_question'; readonly question: number; readonly call: StoreCall }
  | { readonly type: 'redis_state'; readonly state: RedisState }
  /** What a verification thread of this listener proved, if it differs from what was told. */
  | { readonly type: 'signature_proof'; readonly proof: SignatureProof }
  | {
      readonly type: 'snapshot'
      readonly question: number
      readonly snapshot: ListenerSnapshot
    }
  | { readonly type: 'drained' }
  /** There are lines in its log buffer. */
  | { readonly type: 'log_waiting' }
