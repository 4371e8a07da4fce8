/**
 * Makes log lines: JSON, one event a line, three streams told apart by their field `stream`. The
 * only door to pino, and the only way to say something to the log.
 *
 * Lines go to a {@link LogSink}, which never waits and never throws; neither does a logger.
 */
import { type Logger as Pino, pino } from 'pino'
import type { LogSink, LogStream } from './log-buffer.ts'
import { LOG_EVENT_LEVELS, type LogEvent, type LogLevel } from './log-event.ts'
import { redactText } from './redact.ts'
import {
  SECURITY_EVENT_LEVELS,
  type SecurityEvent,
  SecurityEventLimiter,
} from './security-event.ts'

/** Most entries of a list in a log line. */
const LIST_LENGTH_MAX = 32

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
}

/** One finished request. Has no place for a query, a header or a credential. */
export interface AccessRecord {
  readonly requestId: string
  readonly method: string
  /** Name of the route, not the path: paths carry identifiers of people. `none`: no route. */
  readonly route: string
  readonly status: number
  /** Why the gateway refused; `null` when an upstream answered. */
  readonly code: string | null
  /** Why exactly: for the operator alone. `null` for an answer of the upstream. */
  readonly reason: string | null
  readonly durationMicros: number
}

export class Logger {
  readonly #operations: Pino
  readonly #security: Pino
  readonly #access: Pino
  readonly #limiter = new SecurityEventLimiter()
  readonly #clock: LoggerClock

  constructor(options: LoggerOptions, clock: LoggerClock) {
    this.#clock = clock
    this.#operations = createStream('operations', options.level, options, clock)
    this.#security = createStream('security', 'info', options, clock)
    this.#access = createStream('access', 'info', options, clock)
  }

  log(event: LogEvent): void {
    this.#operations[LOG_EVENT_LEVELS[event.event]](redactFields(event))
  }

  /** Of each kind of event at most ten a second are written, with the number of those left out. */
  security(event: SecurityEvent): void {
    const suppressed = this.#limiter.admit(event.event, this.#clock.monotonicMs())
    if (suppressed === null) return
    this.#security[SECURITY_EVENT_LEVELS[event.event]]({ ...redactFields(event), suppressed })
  }

  /** Not redacted: every field is a word of a closed list, a number, or an id that was checked. */
  access(record: AccessRecord): void {
    this.#access.info(record)
  }
}

function createStream(
  stream: LogStream,
  level: LogLevel,
  { thread, sink }: LoggerOptions,
  clock: LoggerClock,
): Pino {
  return pino(
    {
      level,
      base: thread === null ? { stream } : { stream, thread },
      formatters: { level: (label) => ({ level: label }) },
      timestamp: () => `,"time":"${new Date(clock.wallMs()).toISOString()}"`,
    },
    { write: (line) => sink.append(stream, line) },
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
