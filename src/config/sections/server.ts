/** `server`: the listener that clients talk to. */
import { rangeList } from '../address-lists.ts'
import { HOST_PROBLEM, listenHost } from '../network-address.ts'
import { always, type Immutable, type Section } from '../section.ts'
import {
  checkedText,
  duration,
  flag,
  type Output,
  oneOf,
  section,
  text,
  unlessAbsent,
  wholeNumber,
} from '../setting.ts'
import type { SettingFiles } from '../setting-files.ts'
import { tlsFileProblems } from '../tls-files.ts'
import { checkKeptHeaders, type FieldNameSettings, keepHeaders } from './kept-headers.ts'

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

const timeouts = section(
  'How long clients may take. Noticed up to two seconds later. With the native engine heads and ' +
    'idle connections follow its own clock, whatever is set here: `docs/operations.md`.',
  {
    head: duration('Time from the first byte of a request to the end of its head.', {
      minimum: '1s',
      maximum: '2m',
    }).prefault('10s'),
    body: duration(
      'Longest pause within the body of a request, while the gateway reads on. Then 408, or the ' +
        'connection is closed where an answer has begun.',
      { minimum: '1s', maximum: '1h' },
    ).prefault('60s'),
    bodyMinRate: wholeNumber(
      'Bytes a second that the body of a request must bring on average. A client may be behind ' +
        'this by as long as `body`; then 408 as for `body`. 0: any.',
      { minimum: 0, maximum: 1_048_576 },
    ).prefault(512),
    request: unlessAbsent(
      duration(
        'Time from the end of the head to the last byte of the body, with the time in which the ' +
          'upstream takes nothing of it. Then 408 as for `body`. `null`: as long as the rate of ' +
          'the body allows.',
        { minimum: '1s', maximum: '24h' },
      ),
    ),
    stalledReader: duration(
      'Longest time in which a client takes nothing of an answer that waits for it. Then the ' +
        'connection is closed.',
      { minimum: '1s', maximum: '1h' },
    ).prefault('60s'),
    keepAlive: duration(
      'Longest time between two requests of a connection. Balancers need it longer than their own ' +
        'time for idle connections: 60 s for those of AWS, 600 s for those of Google.',
      { minimum: '1s', maximum: '650s' },
    ).prefault('60s'),
  },
).transform(({ head, body, request, stalledReader, keepAlive, ...rest }) => ({
  ...rest,
  headMs: head,
  bodyMs: body,
  requestMs: request,
  stalledReaderMs: stalledReader,
  keepAliveMs: keepAlive,
}))

const tls = section(
  'Serve HTTPS: TLS 1.2 and 1.3. Both files are PEM, read at start and again when they have changed. ' +
    'Certificates of clients are not asked for: the native server does not tell who showed which.',
  {
    certFile: text('Certificate chain, leaf first. Relative to the configuration file.'),
    keyFile: text('Private key. Relative to the configuration file.'),
  },
)

const schema = section('The listener that clients talk to.', {
  engine: oneOf(
    'What serves clients. `native` takes least CPU time. `node` is node:http, for clients and ' +
      'proxies that need HTTP/1.0, pipelining, or connections that are idle for longer than 10 s: ' +
      '`docs/engines.md`.',
    ['native', 'node'],
  ).prefault('native'),
  host: checkedText('Address to listen on.', listenHost, HOST_PROBLEM).prefault('0.0.0.0'),
  port: wholeNumber('Port to listen on; 0 lets the system choose.', {
    minimum: 0,
    maximum: 65_535,
  }).prefault(8_080),
  trustedProxies: rangeList(
    'Addresses and CIDR ranges whose `X-Forwarded-For`, `-Proto`, `-Host`, `-Port` and `-Prefix`, ' +
      'or `Forwarded` in place of all of them, and PROXY header (version 2) are believed. ' +
      'Empty: none, because a client could otherwise choose its own address.',
  ),
  sendForwarded: flag(
    'Whether upstreams get `Forwarded` (RFC 7239) beside `X-Forwarded-For`, `-Proto` and `-Host`. ' +
      'It says the same.',
  ).prefault(true),
  keepHeaders,
  tls: unlessAbsent(tls),
  limits: limits.prefault({}),
  timeouts: timeouts.prefault({}),
  drain: drain.prefault({}),
})

type ServerOutput = Output<typeof schema>
export type ServerConfiguration = Immutable<ReturnType<typeof resolveServer>>

export interface ServerSettings {
  readonly server: ServerOutput | null
}

export const serverSection: Section<
  ServerSettings['server'],
  ServerSettings & FieldNameSettings,
  ServerConfiguration
> = {
  ...always(schema),
  check(settings, report) {
    if (settings.server === null) return
    checkKeptHeaders(settings.server.keepHeaders, settings, report)
  },
  resolve: ({ server }, { files }) => (server === null ? undefined : resolveServer(server, files)),
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
