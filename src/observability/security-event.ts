/**
 * What a security team wants to hear of, in a stream of its own: a closed union, bounded in rate,
 * because an attacker decides how often these happen.
 */

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
  /** Sessions and API keys of one listener thread cannot be looked up, or can again. */
  | { readonly event: 'redis_unreachable' | 'redis_ready'; readonly thread: number }
  /** Somebody still presents what was revoked. */
  | {
      readonly event: 'revoked_token_used'
      readonly route: string
      /** SHA-256 of the subject, in hexadecimal. */
      readonly subjectDigest: string
    }
  | {
      readonly event: 'revocation_added'
      readonly kind: string
      /** Under which it is stored: a digest. */
      readonly key: string
      readonly untilSeconds: number
      /** `operator`: over the admin listener; `logout`: by a logout token. */
      readonly origin: 'operator' | 'logout'
      readonly outcome: string
      /** The operator's remark. */
      readonly reason: string | null
    }
  /** The word says why; nothing of the token is repeated. */
  | { readonly event: 'logout_token_refused'; readonly reason: string }
  /** Revocations of other instances are not learnt meanwhile, or are again. */
  | {
      readonly event: 'revocation_log_unreachable' | 'revocation_log_caught_up'
      readonly pending: number
    }
  | { readonly event: 'listener_restarted'; readonly thread: number; readonly restarts: number }

export type SecurityEventName = SecurityEvent['event']

export const SECURITY_EVENT_LEVELS: Readonly<Record<SecurityEventName, 'info' | 'warn' | 'error'>> =
  {
    jwks_refresh_failed: 'warn',
    stale_keys_in_use: 'warn',
    keys_expired: 'error',
    key_added: 'info',
    key_removed: 'info',
    redis_unreachable: 'error',
    redis_ready: 'info',
    revoked_token_used: 'warn',
    revocation_added: 'info',
    logout_token_refused: 'warn',
    revocation_log_unreachable: 'error',
    revocation_log_caught_up: 'info',
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
