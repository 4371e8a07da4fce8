/** What is said of one event of the log, for its level and for docs/logs.md. */

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const

export type LogLevel = (typeof LOG_LEVELS)[number]

export interface EventRow<Field extends string = string> {
  readonly level: LogLevel
  /** What has happened, and what it means for the operator. */
  readonly meaning: string
  /** Every field of the event, and what it says. */
  readonly fields: Readonly<Record<Field, string>>
}

type MemberOf<Event, Name> = Event extends { readonly event: infer Names }
  ? Name extends Names
    ? Event
    : never
  : never

/** One row for each name of a union of events, with all its fields: the compiler misses none. */
export type EventTable<Event extends { readonly event: string }> = {
  readonly [Name in Event['event']]: EventRow<
    Exclude<keyof MemberOf<Event, Name>, 'event'> & string
  >
}

/** Fields that many events have. */
export const FIELD_WORDS = {
  reloadCause: 'What has asked for it: a signal, a file that changed, or a request.',
  revision: 'Number of the configuration in use.',
  issuer: 'Name of the issuer in the configuration.',
  keyId: 'Its `kid`; `null` when it has none.',
  reason: 'A word that says why.',
  count: 'How many.',
  upstreamCause: 'Why exactly, as in [errors.md](errors.md#causes).',
  host: 'Address that is listened on.',
  port: 'Port that is listened on.',
  thread: 'Index of the listener thread.',
  route: 'Name of the route; `none`: no route was found.',
  code: 'The code, as in [errors.md](errors.md).',
  refusalReason: 'The reason, as in [errors.md](errors.md).',
  refusalDetail:
    'For `claim_unsatisfied` the rule of the route, for `claim_untellable`, ' +
    '`session_claims_mistyped` and `api_key_unreadable` the claim or member; otherwise `null`.',
  requestId: 'As in the `X-Request-Id` of the answer.',
  subjectDigest: 'SHA-256 of issuer and subject, in hexadecimal.',
  upstream: 'Name of the upstream.',
  target: 'Scheme, host and port of the target.',
  callers: 'Whose requests it is about: as in [metrics.md](metrics.md).',
  status: 'Status that was answered; `null` when there was no answer.',
  errorName: 'Class of the error.',
  errorCode: 'Code of the error, such as `ECONNREFUSED`; `null` when it has none.',
  thrownAt: 'Function, file and line; `null` when not known.',
} as const
