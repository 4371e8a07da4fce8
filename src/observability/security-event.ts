/**
 * What a security team wants to hear of, in a stream of its own: a closed union, bounded in rate,
 * because an attacker decides how often these happen.
 */
import type { ErrorDescription } from './redact.ts'

export type SecurityEvent =
  | {
      readonly event: 'jwks_refresh_failed'
      readonly issuer: string
      readonly reason: string
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
  | { readonly event: 'listener_restarted'; readonly thread: number; readonly restarts: number }

export type SecurityEventName = SecurityEvent['event']

export const SECURITY_EVENT_LEVELS: Readonly<Record<SecurityEventName, 'info' | 'warn' | 'error'>> =
  {
    jwks_refresh_failed: 'warn',
    stale_keys_in_use: 'warn',
    keys_expired: 'error',
    key_added: 'info',
    key_removed: 'info',
    signing_key_published: 'info',
    signing_key_rotated: 'info',
    signing_key_retired: 'info',
    signing_key_files_failed: 'error',
    redis_unreachable: 'error',
    redis_ready: 'info',
    shadow_refused: 'info',
    cross_tenant_attempt: 'warn',
    revoked_token_used: 'warn',
    lockout_started: 'warn',
    token_outlives_revocations: 'warn',
    revocation_feed_unreachable: 'error',
    revocation_feed_cannot_send: 'error',
    revocation_feed_caught_up: 'info',
    revocation_log_lost: 'error',
    revocation_not_sent: 'warn',
    revocations_kept: 'warn',
    revocations_restored: 'warn',
    revocation_spool_refused: 'error',
    revocations_lost: 'error',
    tenants_unreachable: 'error',
    tenants_reached: 'info',
    tenants_unreadable: 'error',
    tenants_too_many: 'error',
    tenants_lost: 'error',
    tenants_given_up: 'error',
    verification_thread_lost: 'error',
    listener_restarted: 'error',
  }

/** Of one name, in one thread, within one second. */
export const SECURITY_EVENTS_PER_SECOND_MAX = 10

interface Window {
  startMs: number
  written: number
  suppressed: number
}

/** Lets the first few of each second pass and counts the rest. */
export class SecurityEventLimiter {
  readonly #windows = new Map<SecurityEventName, Window>()

  /**
   * @param nowMs Monotonic.
   * @returns `null` when the event must not be written, otherwise how many of its name were left
   *   out since the last one that was.
   */
  admit(name: SecurityEventName, nowMs: number): number | null {
    const window = this.#windows.get(name) ?? { startMs: nowMs, written: 0, suppressed: 0 }
    this.#windows.set(name, window)
    if (nowMs - window.startMs >= 1_000) {
      window.startMs = nowMs
      window.written = 0
    }
    if (window.written >= SECURITY_EVENTS_PER_SECOND_MAX) {
      window.suppressed += 1
      return null
    }
    window.written += 1
    const { suppressed } = window
    window.suppressed = 0
    return suppressed
  }
}
