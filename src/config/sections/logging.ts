/** `logging`: what is written to the standard output. */
import { always, type Immutable, type Section } from '../section.ts'
import { flag, fraction, type Output, oneOf, section, wholeNumber } from '../setting.ts'

const accessLog = section('One line per request.', {
  enabled: flag('Write an access log at all.').prefault(true),
  sampling: fraction(
    'Share of the requests answered below 500 that are logged. Low, because writing a line is a ' +
      'cost that each of these requests pays.',
  ).prefault(0.001),
  failureSampling: fraction('The same for answers of 500 and above.').prefault(1),
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
