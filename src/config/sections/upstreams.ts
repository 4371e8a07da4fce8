/** `upstreams`: the services behind the gateway. */
import { httpOrigin } from '../../http/http-url.ts'
import { checkUnique } from '../check-unique.ts'
import { allOf, eachNamed, type Immutable, type NamedSettings, type Section } from '../section.ts'
import {
  checkedText,
  duration,
  flag,
  fraction,
  listOf,
  type Output,
  section,
  wholeNumber,
} from '../setting.ts'

const upstream = section('One service behind the gateway.', {
  targets: listOf(
    'Origins that serve it. A request goes to the one with the fewest requests in flight.',
    checkedText(
      'Origin.',
      httpOrigin,
      'must be an origin such as http://10.0.0.5:8080, without path, query, credentials and *: ' +
        'each target is written out',
    ),
    { minimum: 1 },
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
  idleTimeout: duration(
    'Longest pause within the body of an answer, while the client takes what comes. Noticed up to ' +
      'one second later.',
    {
      minimum: '10ms',
      maximum: '24h',
    },
  ).prefault('60s'),
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
}).transform(({ connectTimeout, responseTimeout, idleTimeout, probeInterval, ...rest }) => ({
  ...rest,
  connectTimeoutMs: connectTimeout,
  responseTimeoutMs: responseTimeout,
  idleTimeoutMs: idleTimeout,
  probeIntervalMs: probeInterval,
}))

type UpstreamOutput = Output<typeof upstream>
/** Origins are in their one spelling, each once. */
export type UpstreamConfiguration = Immutable<{ name: string } & UpstreamOutput>

export interface UpstreamsSettings {
  readonly upstreams: NamedSettings<UpstreamOutput>
}

export const upstreamsSection: Section<
  UpstreamsSettings['upstreams'],
  UpstreamsSettings,
  readonly UpstreamConfiguration[]
> = {
  ...eachNamed('The services behind the gateway, by a name of your choice.', upstream),
  check({ upstreams }, report) {
    for (const [name, settings] of upstreams) {
      checkUnique(['upstreams', name, 'targets'], settings?.targets ?? [], report)
    }
  },
  resolve: ({ upstreams }) =>
    allOf([...upstreams].map(([name, settings]) => settings && { name, ...settings })),
}
