/** Settings of the listeners, the token cache and the logs. */
import { addressRange, listenHost } from './network-address.ts'
import {
  duration,
  flag,
  fraction,
  judgedText,
  listOf,
  type Output,
  oneOf,
  patternText,
  section,
  text,
  unlessAbsent,
  wholeNumber,
} from './setting.ts'

const HOST_COMPLAINT = 'must be an IP address or a host name'

const limits = section('What a request may consist of. Anything larger is refused.', {
  headers: wholeNumber('Header fields of a request. The native server reads 100 at most.', {
    minimum: 1,
    maximum: 100,
  }).prefault(100),
  headerBytes: wholeNumber('Size of the header section, request line included.', {
    minimum: 1_024,
    maximum: 65_536,
  }).prefault(16_384),
  urlBytes: wholeNumber('Length of the request target, query included.', {
    minimum: 64,
    maximum: 65_536,
  }).prefault(8_192),
  bodyBytes: wholeNumber(
    'Size of a request body. Bodies are streamed, so this bounds the work of an upstream, not ' +
      'memory here.',
    { minimum: 0, maximum: 1_099_511_627_776 },
  ).prefault(10_485_760),
  tokenBytes: wholeNumber(
    'Length of a token. A longer one is refused before any decoding, so that nobody can make the ' +
      'gateway hash and parse megabytes.',
    { minimum: 64, maximum: 65_536 },
  ).prefault(8_192),
})

const drain = section('What happens on SIGTERM.', {
  delay: duration(
    'Time to answer on while already reporting unready, so that balancers notice before ' +
      'connections are refused.',
    { minimum: '0s', maximum: '10m' },
  ).prefault('5s'),
  timeout: duration('Time for running requests to finish. Whatever still runs then is cut.', {
    minimum: '0s',
    maximum: '1h',
  }).prefault('30s'),
}).transform(({ delay, timeout }) => ({ delayMs: delay, timeoutMs: timeout }))

const tls = section('Serve HTTPS. Both files are PEM and are read at start.', {
  certFile: text('Certificate chain, leaf first. Relative to the configuration file.'),
  keyFile: text('Private key. Relative to the configuration file.'),
})

export const serverSchema = section('The listener that clients talk to.', {
  host: judgedText('Address to listen on.', listenHost, HOST_COMPLAINT).prefault('0.0.0.0'),
  port: wholeNumber('Port to listen on; 0 lets the system choose.', {
    minimum: 0,
    maximum: 65_535,
  }).prefault(8_080),
  trustedProxies: listOf(
    'Addresses and CIDR ranges whose `X-Forwarded-For` is believed. Empty: nobody is, because a ' +
      'client could otherwise choose its own address.',
    judgedText(
      'Address or CIDR range.',
      addressRange,
      'must be an IP address or a CIDR range such as 10.0.0.0/8',
    ),
  ).prefault([]),
  tls: unlessAbsent(tls),
  limits: limits.prefault({}),
  drain: drain.prefault({}),
})

/** What a bearer token may consist of (RFC 6750 §2.1), long enough not to be guessed. */
const ADMIN_TOKEN = /^[A-Za-z0-9\-._~+/]{16,1024}=*$/

export const adminSchema = section('The listener that operators talk to.', {
  host: judgedText(
    'Address to listen on. Anything but loopback needs a token.',
    listenHost,
    HOST_COMPLAINT,
  ).prefault('127.0.0.1'),
  port: wholeNumber('Port to listen on; 0 lets the system choose.', {
    minimum: 0,
    maximum: 65_535,
  }).prefault(9_090),
  token: unlessAbsent(
    patternText(
      'Bearer token that requests to this listener must carry. Needed as soon as `host` is not ' +
        'loopback. At least 16 characters.',
      ADMIN_TOKEN,
      'must be 16 to 1024 characters that a bearer token may hold: letters, digits and -._~+/',
    ),
  ),
  tokenFile: unlessAbsent(
    text('File that holds the token instead. Relative to the configuration file.'),
  ),
})

/** For a token that comes from a file: the same rule. */
export function isAdminToken(value: string): boolean {
  return ADMIN_TOKEN.test(value)
}

export const cacheSchema = section('The token cache that all threads share.', {
  sizeMiB: unlessAbsent(
    wholeNumber(
      'Memory for cached decisions in MiB: about one KiB each. Left out: 64, or an eighth of the ' +
        'memory limit of the container if that is less. `SALLYPORT_CACHE_MIB` wins.',
      { minimum: 1, maximum: 1_024 },
    ),
  ),
  refusalTtl: duration(
    'How long a refusal is remembered. Short, because its cause may go away; long enough to make ' +
      'repeating a bad token cheap for the gateway.',
    { minimum: '0s', maximum: '60s' },
  ).prefault('10s'),
}).transform(({ sizeMiB, refusalTtl }) => ({ sizeMiB, refusalTtlMs: refusalTtl }))

const accessLog = section('One line per request.', {
  enabled: flag('Write an access log at all.').prefault(true),
  sampling: fraction(
    'Share of the requests answered below 500 that are logged. Low, because writing a line is a ' +
      'cost that each of these requests pays.',
  ).prefault(0.001),
  failureSampling: fraction('The same for answers of 500 and above.').prefault(1),
})

export const loggingSchema = section('Logs: JSON lines on standard output.', {
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

export type ServerOutput = Output<typeof serverSchema>
export type AdminOutput = Output<typeof adminSchema>
export type CacheOutput = Output<typeof cacheSchema>
export type LoggingOutput = Output<typeof loggingSchema>
