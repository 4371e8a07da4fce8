/**
 * What a security team wants to hear of, in a stream of its own: a closed union, bounded in rate,
 * because an attacker decides how often these happen.
 */
import type { ErrorDescription } from './redact.ts'

/** A call on the admin listener, with nothing of it in clear. */
export interface AdminCall {
  readonly call: string
  /** What a revocation covers, or how a session was named; `null` where that was not found out. */
  readonly kind: string | null
  /** Names what it was about: a digest; `null` where it names nothing. */
  readonly about: string | null
  readonly status: number
  readonly peer: string | null
}

export type SecurityEvent =
  | {
      readonly event: 'jwks_refresh_failed'
      readonly issuer: string
      readonly reason: string
      /** `null`: there was no answer. */
      readonly status: number | null
      /** `ECONNREFUSED` and the like. */
      readonly cause: string | null
    }
  | { readonly event: 'stale_keys_in_use'; readonly issuer: string }
  | { readonly event: 'keys_expired'; readonly issuer: string }
  | {
      readonly event: 'key_added' | 'key_removed'
      readonly issuer: string
      /** The issuer's own name for it: printable ASCII. */
      readonly keyId: string | null
    }
  /** Keys of internal tokens: one enters or leaves the published set, or another one signs. */
  | {
      readonly event: 'signing_key_published' | 'signing_key_rotated' | 'signing_key_retired'
      readonly keyId: string
    }
  /** The keys in use stay in use. */
  | { readonly event: 'signing_key_files_failed'; readonly reason: string }
  /** Sessions and API keys of one listener thread cannot be looked up, or can again. */
  | { readonly event: 'redis_unreachable' | 'redis_ready'; readonly thread: number }
  /** A route in shadow let a request pass that it would have refused. */
  | {
      readonly event: 'shadow_refused'
      readonly route: string
      readonly code: string
      readonly reason: string
      readonly detail: string | null
    }
  /** A credential of one tenant was used at another. */
  | {
      readonly event: 'cross_tenant_attempt'
      readonly requestId: string
      readonly route: string
      readonly reason: string
      readonly requestTenant: string
      /** `null`: none that exists. */
      readonly credentialTenant: string | null
      /** SHA-256 of issuer and subject. */
      readonly subjectDigest: string
    }
  | {
      readonly event: 'revoked_token_used'
      readonly requestId: string
      readonly route: string
      /** SHA-256 of issuer and subject. */
      readonly subjectDigest: string
    }
  /** An address or a user has failed too often, and is refused for so long. */
  | {
      readonly event: 'lockout_started'
      /** Name of the limit, and the part of it. */
      readonly limit: string
      readonly locks: 'address' | 'username'
      /** The address or its /64 network; of a user the SHA-256, in base64url. */
      readonly key: string
      readonly lockedForSeconds: number
    }
  /** Once for each issuer and thread: `revocation.credentialLifetimeMax` is too short. */
  | {
      readonly event: 'token_outlives_revocations'
      readonly issuer: string
      readonly livesForSeconds: number
      readonly revocationsLastSeconds: number
    }
  | {
      readonly event:
        | 'revocation_feed_unreachable'
        | 'revocation_feed_cannot_send'
        | 'revocation_feed_caught_up'
    }
  /** It was emptied, or has less than it had. What is known here is sent to it again. */
  | { readonly event: 'revocation_log_lost' }
  /** Not in Redis yet: other instances learn it when it can be sent. */
  | { readonly event: 'revocation_not_sent' }
  /** The process ends: so many that Redis has not taken are on disk, for the next start. */
  | { readonly event: 'revocations_kept'; readonly count: number }
  /** So many were read from there, are in force here, and will be sent. */
  | { readonly event: 'revocations_restored'; readonly count: number }
  /** What is there is not read: it may have been made by somebody else. */
  | { readonly event: 'revocation_spool_refused'; readonly reason: string }
  /** The process ends, and other instances will never learn so many revocations. */
  | { readonly event: 'revocations_lost'; readonly count: number }
  | { readonly event: 'tenants_unreachable' | 'tenants_reached' }
  /**
   * - `tenants_unreadable`: so many records cannot be understood.
   * - `tenants_too_many`: at least so many find no room, and are not served.
   * - `tenants_lost`: so many are gone from Redis at once. They are served as they were last read.
   * - `tenants_given_up`: so many of those are served no more: they were lost too long ago.
   */
  | {
      readonly event:
        | 'tenants_unreadable'
        | 'tenants_too_many'
        | 'tenants_lost'
        | 'tenants_given_up'
      readonly count: number
    }
  /** `listener`: the thread whose tokens it checked. Another takes its place. */
  | ({
      readonly event: 'verification_thread_lost'
      readonly listener: number
      readonly loss: string
    } & ErrorDescription)
  /**
   * An introspection endpoint decides nothing: its tokens get 503, or what `onOutage` says. When
   * that begins, and once a minute for each reason.
   */
  | {
      readonly event: 'introspection_failed'
      readonly issuer: string
      readonly reason: string
      readonly status: number | null
    }
  | { readonly event: 'introspection_recovered'; readonly issuer: string }
  /** Of what changes or reads revocations and sessions: what was asked, by whom, and its end. */
  | ({ readonly event: 'admin_call' | 'admin_call_refused' } & AdminCall)
  /** A request that may not talk to the admin listener. */
  | {
      readonly event: 'admin_access_refused'
      readonly reason: string
      readonly endpoint: string
      readonly peer: string | null
    }
  | { readonly event: 'listener_restarted'; readonly thread: number; readonly restarts: number }

export type SecurityEventName = SecurityEvent['event']
