/**
 * Everything that the operational log can say: a closed union, so that no object of unknown content
 * ever reaches a log line. A new thing to say is a new member here.
 *
 * Names are the configuration's; texts from outside are words of a closed list.
 */
import { ENGINE_EVENTS, type EngineEvent } from './engine-event.ts'
import { type EventTable, FIELD_WORDS as WORDS } from './event-row.ts'
import { LISTENING_EVENTS, type ListeningEvent } from './listening-event.ts'
import type { LinesByStream } from './log-buffer.ts'
import type { ErrorDescription } from './redact.ts'

/** An attempt at an upstream that failed. */
interface FailedTarget {
  readonly upstream: string
  readonly target: string
  readonly reason: string
  readonly cause: string
}

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
  | EngineEvent
  | ListeningEvent
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
  /** Which native code checks which algorithms; once, and again if a thread finds otherwise. */
  | {
      readonly event: 'signature_backends'
      readonly openssl: readonly string[]
      readonly rust: readonly string[]
    }
  /** OpenSSL checks all signatures in its place. */
  | { readonly event: 'signature_binding_unavailable'; readonly reason: string }
  /** Uploads that outrun the gateway can cost memory. */
  | { readonly event: 'receive_buffer_unbounded'; readonly reason: string }
  /** A session or API key in Redis. Once for each, by each thread. */
  | { readonly event: 'redis_record_too_large' }
  /** Its requests get 401, or pass without identity where a session is optional. */
  | {
      readonly event: 'session_unreadable'
      readonly reason: string
      /** Of this reason, since the last line. */
      readonly suppressed: number
    }
  /** The endpoint says that it was asked too often. It is not asked for so long. */
  | {
      readonly event: 'introspection_paused'
      readonly issuer: string
      /** Who keeps this pause. */
      readonly callers: 'all' | 'unknown'
      readonly seconds: number
    }
  /** A breaker of an introspection endpoint has changed: none, some, or all attempts are made. */
  | {
      readonly event: 'circuit_opened' | 'circuit_half_open' | 'circuit_closed'
      readonly issuer: string
      /** For whom this breaker is. */
      readonly callers: string
    }
  /** An attempt at an upstream failed: the first of a kind within a second. */
  | ({
      readonly event: 'upstream_failed'
      readonly errorCode: string | null
      /** Of this kind, since the last line. */
      readonly suppressed: number
    } & FailedTarget)
  /** It gets no requests but one probe at a time. Each listener thread finds out by itself. */
  | ({ readonly event: 'upstream_target_ejected'; readonly probedAfterMs: number } & FailedTarget)
  | {
      readonly event: 'upstream_target_returned'
      readonly upstream: string
      readonly target: string
    }
  /** Of each stream, since the last line of this kind or since the start. */
  | ({ readonly event: 'log_lines_dropped' } & LinesByStream)
  /** Security events cannot be delivered. When that begins, and once a minute. */
  | { readonly event: 'webhook_failed'; readonly reason: string; readonly status: number | null }
  | { readonly event: 'webhook_recovered' }
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
  /** No token has anything there, of the first hundred that a thread has verified. */
  | {
      readonly event: 'claim_path_unmet'
      readonly issuer: string
      readonly setting: string
      readonly path: string
    }
  | ({ readonly event: 'unexpected_failure'; readonly where: string } & ErrorDescription)

export const LOG_EVENTS: EventTable<LogEvent> = {
  starting: {
    level: 'info',
    meaning: 'The process starts, with these versions and sizes.',
    fields: {
      version: 'Of Sallyport.',
      node: 'Version of Node.js.',
      listenerThreads: 'How many are started.',
      cores: 'Of the machine, or of the share of it that the container has.',
      memoryLimitMiB: 'Of the container; `null`: none.',
      cacheMiB: 'Size of the token cache.',
    },
  },
  ...ENGINE_EVENTS,
  ...LISTENING_EVENTS,
  ready: { level: 'info', meaning: 'The instance should get traffic, from now on.', fields: {} },
  not_ready: {
    level: 'warn',
    meaning: 'Everything is started, but the instance is not ready yet, or no longer.',
    fields: {
      status: 'Why: as at `/health/ready`.',
      waitingForIssuers: 'Issuers that have had no keys since the start.',
    },
  },
  listener_started: {
    level: 'info',
    meaning: 'A listener thread serves.',
    fields: { thread: WORDS.thread },
  },
  signature_backends: {
    level: 'info',
    meaning: 'What checks signatures on this machine, proven at the start.',
    fields: {
      openssl: 'Algorithms that OpenSSL checks, within Node.',
      rust: 'Algorithms that the Rust binding checks.',
    },
  },
  signature_binding_unavailable: {
    level: 'warn',
    meaning: 'OpenSSL checks all signatures in the place of the Rust binding.',
    fields: { reason: WORDS.reason },
  },
  receive_buffer_unbounded: {
    level: 'warn',
    meaning: 'Receive buffers cannot be bounded: uploads that outrun the gateway cost memory.',
    fields: { reason: WORDS.reason },
  },
  redis_record_too_large: {
    level: 'warn',
    meaning:
      'A session or API key in Redis is too large to be read: requests with the key get 503, those ' +
      'with the session 401, or pass without identity. Once for each, by each thread.',
    fields: {},
  },
  session_unreadable: {
    level: 'warn',
    meaning:
      'A session cannot be read: requests with it get 401, or pass without identity where a ' +
      'session is optional. The first of each reason within a minute, by each thread.',
    fields: {
      reason: WORDS.refusalReason,
      suppressed: 'More of the same since the last line of this reason.',
    },
  },
  introspection_paused: {
    level: 'warn',
    meaning: 'The introspection endpoint says that it was asked too often, and is not asked.',
    fields: { issuer: WORDS.issuer, callers: WORDS.callers, seconds: 'For how long.' },
  },
  circuit_opened: {
    level: 'warn',
    meaning: 'The introspection endpoint failed so often that it is not asked for a while.',
    fields: { issuer: WORDS.issuer, callers: WORDS.callers },
  },
  circuit_half_open: {
    level: 'info',
    meaning: 'That while is over: a few requests find out whether the endpoint is back.',
    fields: { issuer: WORDS.issuer, callers: WORDS.callers },
  },
  circuit_closed: {
    level: 'info',
    meaning: 'The introspection endpoint is asked as usual again.',
    fields: { issuer: WORDS.issuer, callers: WORDS.callers },
  },
  upstream_failed: {
    level: 'warn',
    meaning:
      'An attempt at an upstream failed: why a 502 or 504 was one, or a retry was made. The first ' +
      'of each target and cause within a second, by each thread.',
    fields: {
      upstream: WORDS.upstream,
      target: WORDS.target,
      reason: WORDS.refusalReason,
      cause: WORDS.upstreamCause,
      errorCode: WORDS.errorCode,
      suppressed: 'More of the same since the last line of this target and cause.',
    },
  },
  upstream_target_ejected: {
    level: 'warn',
    meaning:
      'A target failed so often in a row that it gets no requests but one probe at a time. Each ' +
      'listener thread finds out by itself; once until the target returns.',
    fields: {
      upstream: WORDS.upstream,
      target: WORDS.target,
      reason: 'Of the last failure: as in [errors.md](errors.md).',
      cause: 'Of the last failure: as in [errors.md](errors.md#causes).',
      probedAfterMs: 'When the first probe is sent. Later ones come less often.',
    },
  },
  upstream_target_returned: {
    level: 'info',
    meaning: 'A target that was ejected has answered, and gets requests as before.',
    fields: { upstream: WORDS.upstream, target: WORDS.target },
  },
  log_lines_dropped: {
    level: 'error',
    meaning:
      'The reader of the log was behind, and lines are missing: how many of each stream since the ' +
      'last line of this kind.',
    fields: {
      operations: 'Lines of this stream.',
      security: 'Lines of this stream.',
      access: 'Lines of this stream.',
    },
  },
  webhook_failed: {
    level: 'warn',
    meaning:
      'The webhook does not take security events; they wait, and are sent again. When that begins, ' +
      'and once a minute for each reason.',
    fields: { reason: 'How the attempt failed.', status: WORDS.status },
  },
  webhook_recovered: {
    level: 'info',
    meaning: 'The webhook takes security events again.',
    fields: {},
  },
  configuration_reloaded: {
    level: 'info',
    meaning: 'Another configuration is in use from now on.',
    fields: {
      cause: WORDS.reloadCause,
      revision: WORDS.revision,
      changed: 'Names of the sections that differ.',
      durationMs: 'From the request to the first request under it.',
    },
  },
  configuration_unchanged: {
    level: 'info',
    meaning: 'The file was read, and says what is in use already.',
    fields: { cause: WORDS.reloadCause, revision: WORDS.revision },
  },
  configuration_refused: {
    level: 'error',
    meaning: 'The file, or a part of the process, has problems: the configuration in use stays.',
    fields: {
      cause: WORDS.reloadCause,
      revision: WORDS.revision,
      count: 'How many problems there are.',
      problems: 'The first of them, with their paths in the file and without any value of it.',
    },
  },
  tls_certificate_replaced: {
    level: 'info',
    meaning: 'Connections get another certificate from now on.',
    fields: { expiresAt: 'Its `notAfter`, in UTC.' },
  },
  tls_certificate_refused: {
    level: 'warn',
    meaning: 'The files hold no certificate with its key. The one in use stays until they do.',
    fields: { problems: 'What is wrong with them.' },
  },
  draining: { level: 'info', meaning: 'The process was told to end, and drains.', fields: {} },
  listeners_stuck: {
    level: 'error',
    meaning: 'Listener threads did not end when they were told to.',
    fields: { count: WORDS.count },
  },
  stopped: { level: 'info', meaning: 'Everything has ended. The last line.', fields: {} },
  jwks_refresh_recovered: {
    level: 'info',
    meaning: 'The keys of the issuer were fetched, after failures.',
    fields: { issuer: WORDS.issuer },
  },
  jwks_key_skipped: {
    level: 'warn',
    meaning: 'A published key is not fit for use. When the set changes.',
    fields: { issuer: WORDS.issuer, keyId: WORDS.keyId, reason: WORDS.reason },
  },
  jwks_key_without_place: {
    level: 'error',
    meaning: 'A key is fit for use, but there is no room for it: its tokens get 503.',
    fields: { issuer: WORDS.issuer, keyId: WORDS.keyId },
  },
  jwks_disk_copy_failed: {
    level: 'warn',
    meaning: 'The copy of the keys on disk could not be used or written. Keys are unaffected.',
    fields: { issuer: WORDS.issuer, reason: WORDS.reason },
  },
  claim_path_unmet: {
    level: 'warn',
    meaning:
      'The first hundred tokens of the issuer that a thread verified have nothing at this path, ' +
      'which the configuration uses. Told once for each path.',
    fields: {
      issuer: WORDS.issuer,
      setting: 'Where the configuration has it; of more than three places the first.',
      path: 'As it is written there.',
    },
  },
  signing_keys_unshared: {
    level: 'warn',
    meaning: 'Internal tokens are signed with keys that no other instance has.',
    fields: {},
  },
  unexpected_failure: {
    level: 'error',
    meaning: 'A defect of the gateway. It concerned one request or one call; please report it.',
    fields: {
      where: 'Which part met it.',
      errorName: WORDS.errorName,
      errorCode: WORDS.errorCode,
      thrownAt: WORDS.thrownAt,
    },
  },
}
