/**
 * Makes log lines: JSON, one event a line, three streams told apart by their field `stream`. The
 * only door to pino, and the only way to say something to the log.
 *
 * Lines go to a {@link LogSink}, which never waits and never throws; neither does a logger.
 */
import { type Logger as Pino, pino } from 'pino'
import type { AccessRecord } from './access-record.ts'
import { EventLimiter } from './event-limiter.ts'
import type { LogLevel } from './event-row.ts'
import type { LogSink, LogStream } from './log-buffer.ts'
import { LOG_EVENTS, type LogEvent } from './log-event.ts'
import { redactText } from './redact.ts'
import type { SecurityEvent, SecurityEventName } from './security-event.ts'
import { SECURITY_EVENTS } from './security-event-table.ts'

/** Most entries of a list in a log line. */
const LIST_LENGTH_MAX = 32

/** Of one name, in one thread, within one second: an attacker decides how often some happen. */
export const SECURITY_EVENTS_PER_SECOND_MAX = 10
const SECOND_MS = 1_000
/** What only somebody with the right to do it brings about, and nothing of which may be missing. */
const NEVER_LEFT_OUT: ReadonlySet<SecurityEventName> = new Set(['admin_call'])

/** Time as the logger needs it (runtime/clock.ts). */
export interface LoggerClock {
  wallMs(): number
  monotonicMs(): number
}

export interface LoggerOptions {
  /** Operational events below this level are not written. The other streams know no level. */
  readonly level: LogLevel
  /** Listener thread that writes; `null` in the supervisor. */
  readonly thread: number | null
  readonly sink: LogSink
  /** Gets security events as well; `null`: nothing else wants them. */
  readonly alerts: LogSink | null
}

export class Logger {
  readonly #operations: Pino
  readonly #security: Pino
  readonly #access: Pino
  readonly #limiter = new EventLimiter(SECURITY_EVENTS_PER_SECOND_MAX, SECOND_MS)
  readonly #clock: LoggerClock
  readonly #securityCounts = new Map<SecurityEventName, number>()

  constructor(options: LoggerOptions, clock: LoggerClock) {
    this.#clock = clock
    this.#operations = createStream('operations', options.level, options, clock)
    this.#security = createStream('security', 'info', options, clock)
    this.#access = createStream('access', 'info', options, clock)
  }

  log(event: LogEvent): void {
    this.#operations[LOG_EVENTS[event.event].level](redactFields(event))
  }

  /** Security events since the start by name, those that were left out included. */
  get securityCounts(): ReadonlyMap<SecurityEventName, number> {
    return this.#securityCounts
  }

  /** Of each kind of event at most ten a second are written, with the number of those left out. */
  security(event: SecurityEvent): void {
    const name = event.event
    this.#securityCounts.set(name, (this.#securityCounts.get(name) ?? 0) + 1)
    const suppressed = NEVER_LEFT_OUT.has(name)
      ? 0
      : this.#limiter.admit(name, this.#clock.monotonicMs())
    if (suppressed === null) return
    this.#security[SECURITY_EVENTS[name].level]({ ...redactFields(event), suppressed })
  }

  /** Not redacted here: who makes the record cleans what a client has written. */
  access(record: AccessRecord): void {
    this.#access.info(record)
  }
}

function createStream(
  stream: LogStream,
  level: LogLevel,
  { thread, sink, alerts }: LoggerOptions,
  clock: LoggerClock,
): Pino {
  return pino(
    {
      level,
      base: thread === null ? { stream } : { stream, thread },
      formatters: { level: (label) => ({ level: label }) },
      timestamp: () => `,"time":"${new Date(clock.wallMs()).toISOString()}"`,
    },
    {
      write(line) {
        sink.append(stream, line)
        if (stream === 'security' && alerts !== null) alerts.append(stream, line)
      },
    },
  )
}

function redactFields(event: object): Record<string, unknown> {
  const fields = Object.entries(event).map(([name, value]) => [name, redactValue(value)])
  return Object.fromEntries(fields) as Record<string, unknown>
}

function redactValue(value: unknown): unknown {
  if (typeof value === 'string') return redactText(value)
  if (Array.isArray(value)) return value.slice(0, LIST_LENGTH_MAX).map(redactValue)
  return value
}
