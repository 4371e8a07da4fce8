/** `logging`: what is written to the standard output. */
import { httpUrl, isConfidentialUrl } from '../../http/http-url.ts'
import { PATH_PATTERN } from '../../observability/redact-path.ts'
import { DIRECT_PATH, type OutboundPath } from '../../resilience/outbound-path.ts'
import { checkSecret, resolveSecret } from '../secret-setting.ts'
import { always, type Immutable, type Section, type Surroundings } from '../section.ts'
import {
  checkedText,
  duration,
  flag,
  fraction,
  listOf,
  type Output,
  oneOf,
  patternText,
  secretText,
  section,
  text,
  unlessAbsent,
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

const webhook = section(
  'Sends security events to another system, as JSON in batches, signed and repeated until they are ' +
    'taken. What it receives is described in [logs.md](logs.md#webhook).',
  {
    url: checkedText(
      'Where they are posted. https, unless the host is loopback.',
      httpUrl,
      'must be an absolute http or https URL without credentials and fragment',
    ),
    secret: unlessAbsent(
      secretText(
        `Key of the signature, which the receiver knows too: 16 characters at least. Take it from \
the environment, as \${NAME}.`,
      ),
    ),
    secretFile: unlessAbsent(
      text('File that holds the secret instead. Relative to the configuration file.'),
    ),
    timeout: duration('For one attempt, connection to answer.', {
      minimum: '100ms',
      maximum: '30s',
    }).prefault('5s'),
    queueMax: wholeNumber(
      'Events that wait while the receiver is away, beside 64 KiB of them for each thread. Further ' +
        'ones are dropped and counted.',
      { minimum: 1, maximum: 100_000 },
    ).prefault(10_000),
    batchMax: wholeNumber('Events in one message.', { minimum: 1, maximum: 1_000 }).prefault(100),
  },
).transform(({ timeout, ...rest }) => ({ ...rest, timeoutMs: timeout }))

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
  webhook: unlessAbsent(webhook),
})

type LoggingOutput = Output<typeof schema>
type LoggingConfiguration = Immutable<ReturnType<typeof resolveLogging>>

interface LoggingSettings {
  readonly logging: LoggingOutput | null
}

const WEBHOOK = ['logging', 'webhook']
/** A shorter one could be found by trying. */
const SECRET_BYTES_MIN = 16

export const loggingSection: Section<
  LoggingSettings['logging'],
  LoggingSettings,
  LoggingConfiguration
> = {
  ...always(schema),
  check({ logging }, report) {
    const settings = logging?.webhook ?? null
    if (settings === null) return
    if (!isConfidentialUrl(settings.url)) {
      report([...WEBHOOK, 'url'], 'must be https, unless the host is loopback')
    }
    checkSecret(WEBHOOK, 'secret', settings, report)
    if (settings.secret === null && settings.secretFile === null) {
      report([...WEBHOOK, 'secret'], 'or secretFile is required')
    }
  },
  resolve: ({ logging }, surroundings) =>
    logging === null ? undefined : resolveLogging(logging, surroundings),
}

function resolveLogging({ webhook: settings, ...rest }: LoggingOutput, surroundings: Surroundings) {
  return { ...rest, webhook: settings && resolveWebhook(settings, surroundings) }
}

function resolveWebhook(settings: Output<typeof webhook>, { files, environment }: Surroundings) {
  const { url, timeoutMs, queueMax, batchMax } = settings
  const secret = resolveSecret(WEBHOOK, 'secret', settings, files)
  if (secret !== null && secret.bytes.length < SECRET_BYTES_MIN) {
    files.report(secret.at, `must have ${SECRET_BYTES_MIN} characters at least`)
  }
  const text = secret?.bytes.toString('utf8') ?? ''
  const path: OutboundPath = { ...DIRECT_PATH, proxies: environment.proxies }
  return { url, secret: text, timeoutMs, queueMax, batchMax, path }
}
