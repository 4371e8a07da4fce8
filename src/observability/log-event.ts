/**
 * Everything that the operational log can say: a closed union, so that no object of unknown content
 * ever reaches a log line. A new thing to say is a new member here.
 *
 * Names are the configuration's; texts from outside are words of a closed list.
 */
import type { LinesByStream } from './log-buffer.ts'
import type { ErrorDescription } from './redact.ts'

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const

export type LogLevel = (typeof LOG_LEVELS)[number]

export type LogEvent =
  | {
      readonly event: 'starting'
      readonly version: string
      readonly node: string
      readonly listenerThreads: number
      /** Of the machine, or of the container's share of it. */
      readonly cores: number
      /** Of the container; `null`: none. */
      readonly memoryLimitMiB: number | null
      readonly cacheMiB: number
    }
  | {
      readonly event: 'native_server_loaded'
      readonly version: string | null
      readonly kind: string
      readonly sha256: string
    }
  | { readonly event: 'listening'; readonly host: string; readonly port: number }
  | { readonly event: 'admin_listening'; readonly host: string; readonly port: number }
  /** Should get traffic, from now on. */
  | { readonly event: 'ready' }
  /** Everything is started, but not ready yet, or no longer. Not for draining: that is told. */
  | {
      readonly event: 'not_ready'
      /** As at `/health/ready`. */
      readonly status: string
      readonly waitingForIssuers: readonly string[]
    }
  | { readonly event: 'listener_started'; readonly thread: number }
  /** OpenSSL checks all signatures in its place. */
  | { readonly event: 'signature_binding_unavailable'; readonly reason: string }
  /** Uploads that outrun the gateway can cost memory. */
  | { readonly event: 'receive_buffer_unbounded'; readonly reason: string }
  /** A session or API key in Redis: requests with it get 503. Once for each, by each thread. */
  | { readonly event: 'redis_record_too_large' }
  /** The endpoint says that it was asked too often. It is not asked for so long. */
  | {
      readonly event: 'introspection_paused'
      readonly issuer: string
      /** Who keeps this pause. */
      readonly callers: 'all' | 'unknown'
      readonly seconds: number
    }
  /** Of each stream, since the last line of this kind or since the start. */
  | ({ readonly event: 'log_lines_dropped' } & LinesByStream)
  /** Another configuration is in use from now on. */
  | {
      readonly event: 'configuration_reloaded'
      readonly cause: string
      readonly revision: number
      /** Names of the sections that differ. */
      readonly changed: readonly string[]
      readonly durationMs: number
    }
  /** The file was read, and says what is in use already. */
  | { readonly event: 'configuration_unchanged'; readonly cause: string; readonly revision: number }
  /** The configuration in use stays in use. */
  | {
      readonly event: 'configuration_refused'
      readonly cause: string
      readonly revision: number
      /** As many as there are; of `problems` the first are told. */
      readonly count: number
      readonly problems: readonly string[]
    }
  /** Connections get another certificate from now on. */
  | { readonly event: 'tls_certificate_replaced'; readonly expiresAt: string }
  /** The files hold no certificate with its key. The one in use stays until they do. */
  | { readonly event: 'tls_certificate_refused'; readonly problems: readonly string[] }
  | { readonly event: 'draining' }
  /** So many listener threads did not end when they were told to. */
  | { readonly event: 'listeners_stuck'; readonly count: number }
  | { readonly event: 'stopped' }
  | { readonly event: 'jwks_refresh_recovered'; readonly issuer: string }
  | {
      readonly event: 'jwks_key_skipped'
      readonly issuer: string
      readonly keyId: string | null
      readonly reason: string
    }
  /** A key that is fit for use but for which there is no room. Its tokens get 503. */
  | {
      readonly event: 'jwks_key_without_place'
      readonly issuer: string
      readonly keyId: string | null
    }
  | { readonly event: 'jwks_disk_copy_failed'; readonly issuer: string; readonly reason: string }
  /** Internal tokens are signed with keys that no other instance has. */
  | { readonly event: 'signing_keys_unshared' }
  | ({ readonly event: 'unexpected_failure'; readonly where: string } & ErrorDescription)

export const LOG_EVENT_LEVELS: Readonly<Record<LogEvent['event'], LogLevel>> = {
  starting: 'info',
  native_server_loaded: 'info',
  listening: 'info',
  admin_listening: 'info',
  ready: 'info',
  not_ready: 'warn',
  listener_started: 'info',
  signature_binding_unavailable: 'warn',
  receive_buffer_unbounded: 'warn',
  redis_record_too_large: 'warn',
  introspection_paused: 'warn',
  log_lines_dropped: 'error',
  configuration_reloaded: 'info',
  configuration_unchanged: 'info',
  configuration_refused: 'error',
  tls_certificate_replaced: 'info',
  tls_certificate_refused: 'warn',
  draining: 'info',
  listeners_stuck: 'error',
  stopped: 'info',
  jwks_refresh_recovered: 'info',
  jwks_key_skipped: 'warn',
  jwks_key_without_place: 'error',
  jwks_disk_copy_failed: 'warn',
  signing_keys_unshared: 'warn',
  unexpected_failure: 'error',
}
