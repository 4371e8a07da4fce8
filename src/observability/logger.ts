/**
 * Writes log lines: JSON, one event a line, three streams told apart by their field `stream`. The
 * only door to pino, and the only way to say something to the log.
 *
 * `operations` and `security` lines are written at once. `access` lines are collected up to 4 KiB,
 * which is also what a pipe takes from several threads without mixing their lines.
 */
import { type DestinationStream, type Logger as Pino, pino } from 'pino'
import { LOG_EVENT_LEVELS, type LogEvent, type LogLevel } from './log-event.ts'
import { redactText } from './redact.ts'
import {
  SECURITY_EVENT_LEVELS,
  type SecurityEvent,
  SecurityEventLimiter,
} from './security-event.ts'

const STANDARD_OUTPUT = 1
const ACCESS_BUFFER_BYTES = 4_096
/** An access line is on its way at the latest after this. */
const ACCESS_FLUSH_MS = 500
/** Most entries of a list in a log line. */
const LIST_LENGTH_MAX = 32

/** Time as the logger needs it (resilience/clock.ts). */
export interface LoggerClock {
  wallMs(): number
  monotonicMs(): number
}

export interface LoggerOptions {
  /** Operational events below this level are not written. The other streams know no level. */
  readonly level: LogLevel
  /** Listener thread that writes; `null` in the supervisor. */
  readonly thread: number | null
  /** Where lines go instead of the standard output. */
  readonly destination?: DestinationStream
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
    const atOnce = options.destination ?? pino.destination({ fd: STANDARD_OUTPUT, sync: true })
    const collected =
      options.destination ??
      pino.destination({
        fd: STANDARD_OUTPUT,
        sync: true,
        minLength: ACCESS_BUFFER_BYTES - 1,
        maxWrite: ACCESS_BUFFER_BYTES,
        periodicFlush: ACCESS_FLUSH_MS,
      })
    this.#operations = createStream('operations', options.level, options, clock, atOnce)
    this.#security = createStream('security', 'info', options, clock, atOnce)
    this.#access = createStream('access', 'info', options, clock, collected)
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

  /** Writes what is still collected. Call before the thread or the process ends. */
  flush(): void {
    this.#access.flush()
  }
}

function createStream(
  stream: 'operations' | 'security' | 'access',
  level: LogLevel,
  options: LoggerOptions,
  clock: LoggerClock,
  destination: DestinationStream,
): Pino {
  const { thread } = options
  return pino(
    {
      level,
      base: thread === null ? { stream } : { stream, thread },
      formatters: { level: (label) => ({ level: label }) },
      timestamp: () => `,"time":"${new Date(clock.wallMs()).toISOString()}"`,
    },
    destination,
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
