/** `logging`: what is written to the standard output. */
import { PATH_PATTERN } from '../../observability/redact-path.ts'
import { always, type Immutable, type Section } from '../section.ts'
import {
  flag,
  fraction,
  listOf,
  type Output,
  oneOf,
  patternText,
  section,
  wholeNumber,
} from '../setting.ts'

const accessLog = section('One line per request.', {
  enabled: flag('Write an access log at all.').prefault(true),
  sampling: fraction(
    'Share of the requests answered by an upstream below 500 that are logged. Low, because ' +
      'writing a line is a cost that each of these requests pays.',
  ).prefault(0.001),
  refusalSampling: fraction(
    'The same for refusals of the gateway below 500, such as 401, 403 and 429.',
  ).prefault(0.1),
  failureSampling: fraction(
    'The same for answers of 500 and above, and for answers that were cut.',
  ).prefault(1),
  linesPerSecondMax: wholeNumber(
    'Lines of each of these three kinds within a second, of the whole process, shared out evenly ' +
      'between the listener threads. Lines beyond it are left out and counted. A line has some 600 ' +
      'bytes: at 500 lines of one kind in every second, 26 GB a day.',
    { minimum: 1, maximum: 1_000_000 },
  ).prefault(500),
  redactPath: listOf(
    'Paths with parts that lines must not tell. `*` is one segment, and is replaced by ' +
      '`[redacted]`; `/**` at the end is all that follows. A pattern is for all paths that begin ' +
      'as it says: `/users/*` also redacts `/users/17/orders`. `/**` redacts every path.',
    patternText(
      'One pattern.',
      PATH_PATTERN,
      'must be a path of segments, with `*` for a whole segment, and `**` only as the last',
    ),
  ).prefault([]),
  userDigest: flag(
    'Name the user in each line, by the SHA-256 of issuer and subject. It tells which lines are of ' +
      'one user, and who can guess a subject can find its lines.',
  ).prefault(false),
})

const schema = section('Logs: JSON lines on standard output.', {
  level: oneOf('Least severe level that is written.', ['debug', 'info', 'warn', 'error']).prefault(
    'info',
  ),
  bufferKiB: wholeNumber(
    'Memory for lines that wait to be written, shared out evenly between the listener threads and ' +
      'the supervisor, 16 KiB each at least. When the reader of the standard output is behind and ' +
      'this is full, lines are dropped and counted: access lines first, security events last. ' +
      'Requests never wait.',
    { minimum: 64, maximum: 1_048_576 },
  ).prefault(1_024),
  accessLog: accessLog.prefault({}),
})

type LoggingOutput = Output<typeof schema>
type LoggingConfiguration = Immutable<LoggingOutput>

interface LoggingSettings {
  readonly logging: LoggingOutput | null
}

export const loggingSection: Section<
  LoggingSettings['logging'],
  LoggingSettings,
  LoggingConfiguration
> = {
  ...always(schema),
  resolve: ({ logging }) => logging ?? undefined,
}
