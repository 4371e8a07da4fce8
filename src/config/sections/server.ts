/** `server`: the listener that clients talk to. */
import { rangeList } from '../address-lists.ts'
import { HOST_PROBLEM, listenHost } from '../network-address.ts'
import { always, type Immutable, type Section } from '../section.ts'
import {
  checkedText,
  duration,
  type Output,
  section,
  text,
  unlessAbsent,
  wholeNumber,
} from '../setting.ts'
import type { SettingFiles } from '../setting-files.ts'
import { tlsFileProblems } from '../tls-files.ts'

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
    'Length of a token. A longer one is refused before any decoding, so that no client can make ' +
      'the gateway hash and parse megabytes.',
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

const tls = section(
  'Serve HTTPS: TLS 1.2 and 1.3. Both files are PEM, read at start and again when they have changed. ' +
    'Certificates of clients are not asked for: the native server does not tell who showed which.',
  {
    certFile: text('Certificate chain, leaf first. Relative to the configuration file.'),
    keyFile: text('Private key. Relative to the configuration file.'),
  },
)

const schema = section('The listener that clients talk to.', {
  host: checkedText('Address to listen on.', listenHost, HOST_PROBLEM).prefault('0.0.0.0'),
  port: wholeNumber('Port to listen on; 0 lets the system choose.', {
    minimum: 0,
    maximum: 65_535,
  }).prefault(8_080),
  trustedProxies: rangeList(
    'Addresses and CIDR ranges whose `X-Forwarded-For` and PROXY header (version 2) are believed. ' +
      'Empty: none, because a client could otherwise choose its own address.',
  ),
  tls: unlessAbsent(tls),
  limits: limits.prefault({}),
  drain: drain.prefault({}),
})

type ServerOutput = Output<typeof schema>
export type ServerConfiguration = Immutable<ReturnType<typeof resolveServer>>

export interface ServerSettings {
  readonly server: ServerOutput | null
}

export const serverSection: Section<ServerSettings['server'], ServerSettings, ServerConfiguration> =
  {
    ...always(schema),
    resolve: ({ server }, { files }) =>
      server === null ? undefined : resolveServer(server, files),
  }

/** Reads the files once, to say at once what is wrong with them. */
function resolveServer(server: ServerOutput, files: SettingFiles) {
  if (server.tls === null) return { ...server, tls: null }
  const path = ['server', 'tls']
  const { certFile, keyFile } = server.tls
  const certificate = files.checked([...path, 'certFile'], certFile)
  const key = files.checked([...path, 'keyFile'], keyFile)
  if (certificate !== null && key !== null) {
    for (const { setting, message } of tlsFileProblems(certificate, key)) {
      files.report([...path, setting], message)
    }
  }
  return {
    ...server,
    tls: { certFile: files.absolute(certFile), keyFile: files.absolute(keyFile) },
  }
}
