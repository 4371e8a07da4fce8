/**
 * Every kind of message between the supervisor and a listener thread, by who takes it. Everything
 * here survives structured cloning.
 */
import type { ExplainQuestion, Explanation } from '../gateway/explanation.ts'
import type { Readiness } from '../gateway/health.ts'
import type { SigningSnapshot } from '../identity/signing-keys.ts'
import type { KeySet } from '../keys/key-set.ts'
import type { UnknownKeyAnswer } from '../keys/unknown-key-answer.ts'
import type { ListenerSnapshot, TrafficReading } from '../observability/listener-metrics.ts'
import type { RecentRefusal } from '../observability/recent-refusals.ts'
import type { RedisState } from '../redis/redis-pool.ts'
import type { TenantsChange } from '../tenants/tenants-change.ts'
import type { UnmetClaimPath } from '../verifiers/claim-path-watch.ts'
import type { SignatureProof } from '../verifiers/jwt/signature-proof.ts'
import type { StoreReply } from '../verifiers/session/session-store.ts'
import type { RevisionPlan } from './listener-start.ts'
import type { Exchange } from './thread-channel.ts'

/** What a listener thread takes. */
export interface ListenerMessages {
  readonly notices: {
    /** Never all tenants: at a hundred thousand that would hold up requests. */
    readonly tenants: TenantsChange
    readonly key_set: KeySet
    readonly signing_keys: SigningSnapshot
    /** What to say at `/health/ready`. Draining: also ask clients to reconnect elsewhere. */
    readonly readiness: Readiness
    /** The revision of this id will not be committed. Unknown ids are ignored. */
    readonly drop_revision: number
    /** Connections get the certificate that was prepared from now on. */
    readonly use_certificate: null
    /** What was prepared is not used. */
    readonly drop_certificate: null
    /** These sources of keys are the only ones now. */
    readonly key_sources: readonly string[]
    /** Close everything and leave. */
    readonly end: null
  }
  readonly requests: {
    readonly snapshot: Exchange<null, ListenerSnapshot>
    /** Once a second, for the live page. */
    readonly traffic: Exchange<null, TrafficReading>
    /** Accept no more connections; reply when the last one is gone. */
    readonly drain: Exchange<null, null>
    /** Make everything that a revision needs. The reply: why it cannot be; `null`: it is there. */
    readonly prepare_revision: Exchange<RevisionPlan, string | null>
    /** Read these files. The reply: why they are of no use; `null`: they can be used. */
    readonly prepare_certificate: Exchange<CertificateFiles, string | null>
    /** Requests begin under the revision of this id from now on. It was prepared. */
    readonly commit_revision: Exchange<number, null>
    /** Explains a request; changes nothing. `null`: it failed, and the log says more. */
    readonly explain: Exchange<ExplainQuestion, Explanation | null>
    /** The last refusals, newest first: that of one request id, or (`null`) all. */
    readonly refusals: Exchange<string | null, readonly RecentRefusal[]>
  }
}

/** A certificate and its key. */
export interface CertificateFiles {
  readonly certFile: string
  readonly keyFile: string
  /** Of what the files hold: {@link certificateDigest}. */
  readonly digest: string
}

/** What the supervisor takes. */
export interface SupervisorMessages {
  readonly notices: {
    readonly listening: null
    /** Why the thread cannot serve, for operators. */
    readonly failed: string
    readonly redis_state: RedisState
    /** What a verification thread of this listener proved, if it differs from what was told. */
    readonly signature_proof: SignatureProof
    /** There are lines in its log buffer. */
    readonly log_waiting: null
    /** Once for each path, by each thread and revision. */
    readonly claim_path_unmet: UnmetClaimPath
  }
  readonly requests: {
    readonly unknown_key: Exchange<UnknownKeyQuestion, UnknownKeyAnswer>
    /** About the sessions in the memory of the supervisor. */
    readonly session_store: Exchange<StoreCall, StoreReply<unknown>>
  }
}

export interface UnknownKeyQuestion {
  /** Of the key set that does not settle it. */
  readonly sourceId: string
  /** `null`: a signature was bad under the keys at hand. */
  readonly keyId: string | null
}

/** One call of a `SessionReader`. */
export type StoreCall =
  | { readonly name: 'getex'; readonly key: string; readonly seconds: number | null }
  | { readonly name: 'expireAt' | 'prolong'; readonly key: string; readonly seconds: number }
  | { readonly name: 'delete'; readonly key: string }
