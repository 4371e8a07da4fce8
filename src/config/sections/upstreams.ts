/** `upstreams`: the services behind the gateway. */
import { httpOrigin } from '../../http/http-url.ts'
import type { UpstreamHost } from '../../proxy/request-fields.ts'
import { PATH_PREFIX_PROBLEM, parsePathPrefix } from '../../routing/path-rewrite.ts'
import { checkUnique } from '../check-unique.ts'
import { checkClientTls, clientTls, resolveClientTls } from '../client-tls.ts'
import type { ConfigPath, ReportProblem } from '../config-error.ts'
import { allOf, eachNamed, type Immutable, type NamedSettings, type Section } from '../section.ts'
import {
  checkedText,
  duration,
  flag,
  fraction,
  listOf,
  type Output,
  section,
  unlessAbsent,
  wholeNumber,
} from '../setting.ts'
import type { SettingFiles } from '../setting-files.ts'

/** A name as RFC 1123 §2.1 has it, or an IPv4 address. */
const HOST_NAME = /^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?(?::[0-9]{1,5})?$/

function parseHostSetting(value: string): UpstreamHost | null {
  if (value === 'client' || value === 'target') return { kind: value }
  return HOST_NAME.test(value) && URL.canParse(`http://${value}`)
    ? { kind: 'name', name: value }
    : null
}

const upstream = section('One service behind the gateway.', {
  targets: listOf(
    'Origins that serve it. A request goes to the one with the fewest requests in flight.',
    checkedText(
      'Origin.',
      httpOrigin,
      'must be an origin such as http://10.0.0.5:8080, without path, query, credentials and *: ' +
        'each target is written out, and a path that all of them have is basePath',
    ),
    { minimum: 1 },
  ),
  host: checkedText(
    '`Host` of the requests. `client`: what the client sent. `target`: host and port of the target. ' +
      'Or a name, perhaps with a port, which then is also the name that TLS asks for and that the ' +
      'certificate must have. `X-Forwarded-Host` always has what the client sent.',
    parseHostSetting,
    'must be client, target, or a host name, perhaps with a port',
  ).prefault('client'),
  basePath: unlessAbsent(
    checkedText(
      'Path at which the service begins: it is put in front of every path.',
      parsePathPrefix,
      PATH_PREFIX_PROBLEM,
    ),
  ),
  connectTimeout: duration('Time to open a connection.', {
    minimum: '10ms',
    maximum: '60s',
  }).prefault('2s'),
  responseTimeout: duration(
    'Time from the last byte of the request to the headers of the answer. Time in which the client ' +
      'sends its body does not count, unless the upstream does not take it. Noticed up to one ' +
      'second later.',
    {
      minimum: '10ms',
      maximum: '1h',
    },
  ).prefault('30s'),
  bodyTimeout: duration(
    'Longest pause within the body of an answer, while the client takes what comes. Noticed up to ' +
      'one second later.',
    {
      minimum: '10ms',
      maximum: '24h',
    },
  ).prefault('60s'),
  idleTimeout: duration(
    'How long a connection that is not in use stays open: less than the service keeps it, or ' +
      'requests meet connections that are being closed. What the service says in `Keep-Alive: ' +
      'timeout=` counts, less one second, where that is sooner.',
    {
      minimum: '100ms',
      maximum: '10m',
    },
  ).prefault('4s'),
  bodyBytes: unlessAbsent(
    wholeNumber(
      'Size of a request body. Left out: that of `server.limits`, beyond which no body is read.',
      { minimum: 0, maximum: 1_099_511_627_776 },
    ),
  ),
  responseHeaderBytes: wholeNumber(
    'Size of a response head: names and values. One that is larger is 502. Each answer under way ' +
      'may take so much memory.',
    { minimum: 1_024, maximum: 1_048_576 },
  ).prefault(16_384),
  tls: clientTls('TLS with targets that have https. Certificates are always verified.').prefault(
    {},
  ),
  ejectAfterFailures: wholeNumber(
    'Failures in a row after which a target gets no more requests until a probe succeeds.',
    { minimum: 1, maximum: 1_000 },
  ).prefault(3),
  probeInterval: duration('Time between probes of an ejected target.', {
    minimum: '100ms',
    maximum: '10m',
  }).prefault('5s'),
  retryBudget: fraction(
    'Share of requests that may be sent a second time. Bounded, because retries multiply the ' +
      'load on a service that is already failing. 0: never.',
  ).prefault(0.1),
  caseSensitive: flag(
    'Whether the service tells paths of different case apart. Many do not, Express and ASP.NET ' +
      'among them: a path that in another case belongs to another route is refused, so that ' +
      '`/API/Admin` cannot pass as what is not below `/api/admin`.',
  ).prefault(false),
}).transform(({ connectTimeout, responseTimeout, bodyTimeout, idleTimeout, ...rest }) => {
  const { probeInterval, ...others } = rest
  return {
    ...others,
    connectTimeoutMs: connectTimeout,
    responseTimeoutMs: responseTimeout,
    bodyTimeoutMs: bodyTimeout,
    idleTimeoutMs: idleTimeout,
    probeIntervalMs: probeInterval,
  }
})

type UpstreamOutput = Output<typeof upstream>
/** Origins are in their one spelling, each once. */
export type UpstreamConfiguration = Immutable<ReturnType<typeof resolveUpstream>>

/** What of `server` counts here; `null`: it is not well-formed. */
interface ServerLimits {
  readonly server: { readonly limits: { readonly bodyBytes: number } } | null
}

export interface UpstreamsSettings extends ServerLimits {
  readonly upstreams: NamedSettings<UpstreamOutput>
}

export const upstreamsSection: Section<
  UpstreamsSettings['upstreams'],
  UpstreamsSettings,
  readonly UpstreamConfiguration[]
> = {
  ...eachNamed('The services behind the gateway, by a name of your choice.', upstream),
  check({ upstreams, server }, report) {
    for (const [name, settings] of upstreams) {
      if (settings === null) continue
      const path = ['upstreams', name]
      checkUnique([...path, 'targets'], settings.targets, report)
      checkBodyBytes(path, settings.bodyBytes, server, report)
      checkClientTls([...path, 'tls'], settings.tls, report)
      const hasHttps = settings.targets.some((origin) => origin.startsWith('https:'))
      if (hasHttps || Object.values(settings.tls).every((file) => file === null)) continue
      report([...path, 'tls'], 'is for targets with https, and there is none')
    }
  },
  resolve: ({ upstreams }, { files }) =>
    allOf(
      [...upstreams].map(([name, settings]) => settings && resolveUpstream(name, settings, files)),
    ),
}

/** Checks a limit of an upstream or a route. */
export function checkBodyBytes(
  path: ConfigPath,
  bodyBytes: number | null,
  server: ServerLimits['server'],
  report: ReportProblem,
): void {
  if (bodyBytes === null || server === null || bodyBytes <= server.limits.bodyBytes) return
  report([...path, 'bodyBytes'], 'must be at most server.limits.bodyBytes: no more is read')
}

function resolveUpstream(name: string, { tls, ...settings }: UpstreamOutput, files: SettingFiles) {
  return { name, ...settings, tls: resolveClientTls(['upstreams', name, 'tls'], tls, files) }
}
