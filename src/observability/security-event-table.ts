/** Every security event: its level, what it means, and its fields. One row an event. */
import { type EventTable, FIELD_WORDS as WORDS } from './event-row.ts'
import type { SecurityEvent } from './security-event.ts'

const ADMIN_CALL_FIELDS = {
  call: 'What was asked for: method and path of the endpoint.',
  kind:
    'What the revocation covers (`token`, `session`, …), or how a session was named; `null` where ' +
    'that was not found out.',
  about:
    'The id of the revocation, which is a digest; the SHA-256 of the session or of the user; ' +
    '`null` where nothing is named.',
  status: 'Status that was answered.',
  peer: 'Address of the caller.',
}

export const SECURITY_EVENTS: EventTable<SecurityEvent> = {
  jwks_refresh_failed: {
    level: 'warn',
    meaning: 'The keys of the issuer cannot be fetched. When that begins, and once a minute.',
    fields: {
      issuer: WORDS.issuer,
      reason: WORDS.reason,
      status: WORDS.status,
      cause:
        'What the system or OpenSSL calls it, such as `ECONNREFUSED` or `CERT_HAS_EXPIRED`; of an ' +
        'egress proxy, `PROXY_STATUS_` with its status or `PROXY_ERROR_` with a word; or `null`.',
    },
  },
  stale_keys_in_use: {
    level: 'warn',
    meaning: 'The keys of the issuer have outlived their freshness and still serve.',
    fields: { issuer: WORDS.issuer },
  },
  keys_expired: {
    level: 'error',
    meaning: 'The keys of the issuer are too old to be used: its tokens get 503.',
    fields: { issuer: WORDS.issuer },
  },
  key_added: {
    level: 'info',
    meaning: 'The issuer has published a key.',
    fields: { issuer: WORDS.issuer, keyId: WORDS.keyId },
  },
  key_removed: {
    level: 'info',
    meaning: 'The issuer has withdrawn a key: what it signed is refused at once.',
    fields: { issuer: WORDS.issuer, keyId: WORDS.keyId },
  },
  signing_key_published: {
    level: 'info',
    meaning: 'A key of internal tokens enters the published set.',
    fields: { keyId: WORDS.keyId },
  },
  signing_key_rotated: {
    level: 'info',
    meaning: 'Another key signs internal tokens from now on.',
    fields: { keyId: WORDS.keyId },
  },
  signing_key_retired: {
    level: 'info',
    meaning: 'A key of internal tokens leaves the published set.',
    fields: { keyId: WORDS.keyId },
  },
  signing_key_files_failed: {
    level: 'error',
    meaning: 'The files of the signing keys cannot be used. The keys in use stay in use.',
    fields: { reason: WORDS.reason },
  },
  redis_unreachable: {
    level: 'error',
    meaning: 'Sessions and API keys cannot be looked up by a listener thread: they get 503.',
    fields: { thread: WORDS.thread },
  },
  redis_ready: {
    level: 'info',
    meaning: 'A listener thread reaches Redis.',
    fields: { thread: WORDS.thread },
  },
  introspection_failed: {
    level: 'error',
    meaning:
      'An introspection endpoint decides nothing: its tokens get 503, or what `onOutage` says. ' +
      'When that begins, and once a minute for each reason, by each thread.',
    fields: {
      issuer: WORDS.issuer,
      reason: 'As `result` in [metrics.md](metrics.md).',
      status: WORDS.status,
    },
  },
  introspection_recovered: {
    level: 'info',
    meaning: 'The introspection endpoint decides again, and has not failed for 10 seconds.',
    fields: { issuer: WORDS.issuer },
  },
  shadow_refused: {
    level: 'info',
    meaning: 'A route in shadow let a request pass that it would have refused.',
    fields: {
      route: WORDS.route,
      code: WORDS.code,
      reason: WORDS.refusalReason,
      detail: WORDS.refusalDetail,
    },
  },
  cross_tenant_attempt: {
    level: 'warn',
    meaning: 'A credential of one tenant was used at another.',
    fields: {
      requestId: WORDS.requestId,
      route: WORDS.route,
      reason: WORDS.refusalReason,
      requestTenant: 'Tenant that the request names.',
      credentialTenant: 'Tenant of the credential; `null`: none that exists.',
      subjectDigest: WORDS.subjectDigest,
    },
  },
  revoked_token_used: {
    level: 'warn',
    meaning: 'A credential was used after it was revoked.',
    fields: {
      requestId: WORDS.requestId,
      route: WORDS.route,
      subjectDigest: WORDS.subjectDigest,
    },
  },
  lockout_started: {
    level: 'warn',
    meaning: 'An address or a user has failed too often, and is refused for a while.',
    fields: {
      limit: 'Name of the limit, and the part of it.',
      locks: '`address` or `username`.',
      key: 'The address or its /64 network; of a user the SHA-256, in base64url.',
      lockedForSeconds: 'For how long.',
    },
  },
  token_outlives_revocations: {
    level: 'warn',
    meaning:
      'Tokens live longer than revocations: `revocation.credentialLifetimeMax` is too short. Once ' +
      'for each issuer and thread.',
    fields: {
      issuer: WORDS.issuer,
      livesForSeconds: 'Life of the token.',
      revocationsLastSeconds: 'How long a revocation is kept.',
    },
  },
  revocation_feed_unreachable: {
    level: 'error',
    meaning: 'Revocations of other instances cannot be read from Redis.',
    fields: {},
  },
  revocation_feed_cannot_send: {
    level: 'error',
    meaning: 'Revocations of this instance cannot be written to Redis.',
    fields: {},
  },
  revocation_feed_caught_up: {
    level: 'info',
    meaning: 'Everything that other instances revoked is known here.',
    fields: {},
  },
  revocation_log_lost: {
    level: 'error',
    meaning: 'The log in Redis was emptied. What is known here is sent to it again.',
    fields: {},
  },
  revocation_not_sent: {
    level: 'warn',
    meaning: 'A revocation is not in Redis yet: others learn it when it can be sent.',
    fields: {},
  },
  revocations_kept: {
    level: 'warn',
    meaning: 'The process ends: so many that Redis has not taken are on disk, for the next start.',
    fields: { count: WORDS.count },
  },
  revocations_restored: {
    level: 'warn',
    meaning: 'So many were read from disk, are in force here, and will be sent.',
    fields: { count: WORDS.count },
  },
  revocation_spool_refused: {
    level: 'error',
    meaning:
      'What is on disk is not read, as it may have been made by somebody else, or not in time: ' +
      '[revocation.md](revocation.md) has the reasons.',
    fields: { reason: WORDS.reason },
  },
  revocations_lost: {
    level: 'error',
    meaning: 'The process ends, and other instances will never learn so many revocations.',
    fields: { count: WORDS.count },
  },
  tenants_unreachable: {
    level: 'error',
    meaning: 'Tenants cannot be read from Redis: they are served as they were last read.',
    fields: {},
  },
  tenants_reached: { level: 'info', meaning: 'Tenants are read from Redis again.', fields: {} },
  tenants_unreadable: {
    level: 'error',
    meaning: 'So many records of tenants cannot be understood.',
    fields: { count: WORDS.count },
  },
  tenants_too_many: {
    level: 'error',
    meaning: 'At least so many tenants find no room, and are not served.',
    fields: { count: WORDS.count },
  },
  tenants_lost: {
    level: 'error',
    meaning: 'So many tenants are gone from Redis at once. They are served as last read.',
    fields: { count: WORDS.count },
  },
  tenants_given_up: {
    level: 'error',
    meaning: 'So many of those are served no more: they were lost too long ago.',
    fields: { count: WORDS.count },
  },
  verification_thread_lost: {
    level: 'error',
    meaning: 'A verification thread ended or was too slow. Another takes its place.',
    fields: {
      listener: 'Listener thread whose tokens it checked.',
      loss: 'How it was lost.',
      errorName: WORDS.errorName,
      errorCode: WORDS.errorCode,
      thrownAt: WORDS.thrownAt,
    },
  },
  admin_call: {
    level: 'info',
    meaning:
      'A revocation, a lift, a logout, or a call about sessions was carried out on the admin ' +
      'listener. Never left out, however many there are.',
    fields: ADMIN_CALL_FIELDS,
  },
  admin_call_refused: {
    level: 'warn',
    meaning: 'Such a call was refused or failed, and has changed nothing as far as is known.',
    fields: ADMIN_CALL_FIELDS,
  },
  admin_access_refused: {
    level: 'warn',
    meaning: 'A request was not allowed to talk to the admin listener.',
    fields: {
      reason: WORDS.reason,
      endpoint: 'Path of the endpoint that was asked for; `none`: no such endpoint.',
      peer: 'Address of the caller.',
    },
  },
  listener_restarted: {
    level: 'error',
    meaning: 'A listener thread ended unexpectedly and was replaced.',
    fields: { thread: WORDS.thread, restarts: 'Of all threads, since the start.' },
  },
}
