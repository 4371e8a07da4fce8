/** `redis`: the connections to Redis. */
import { resolveAuthorities } from '../authorities.ts'
import type { ReportProblem } from '../config-error.ts'
import { hostAndPort, listenHost } from '../network-address.ts'
import { checkSecret, resolveSecret } from '../secret-setting.ts'
import { type Immutable, type OptionalSettings, optional, type Section } from '../section.ts'
import {
  checkedText,
  duration,
  flag,
  listOf,
  type Output,
  oneOf,
  secretText,
  section,
  text,
  unlessAbsent,
  wholeNumber,
} from '../setting.ts'
import type { SettingFiles } from '../setting-files.ts'

const tls = section('Talk TLS. Certificates are always verified.', {
  caFile: unlessAbsent(
    text('PEM file of the authorities to trust instead of the usual ones. Relative to this file.'),
  ),
  serverName: unlessAbsent(
    checkedText(
      'Name that the certificate must be for, if not the host that is connected to.',
      listenHost,
      'must be a host name or an IP address',
    ),
  ),
})

const schema = section(
  'Redis, for whatever names it: sessions with `store: redis`, and API keys with `redis: true`.',
  {
    mode: oneOf('What the nodes are.', ['standalone', 'sentinel', 'cluster']).prefault(
      'standalone',
    ),
    nodes: listOf(
      'The server; or some of the sentinels; or some nodes of the cluster.',
      checkedText(
        'Address.',
        hostAndPort,
        'must be a host and a port, such as 10.0.0.5:6379 or [::1]:6379',
      ),
      { minimum: 1 },
    ).prefault(['127.0.0.1:6379']),
    masterName: text('Name under which the sentinels know the master.').prefault('mymaster'),
    database: wholeNumber('Number of the database. A cluster has only 0.', {
      minimum: 0,
      maximum: 15,
    }).prefault(0),
    username: unlessAbsent(text('User of the access control list. Left out: the default user.')),
    password: unlessAbsent(secretText(`Password. Take it from the environment, as \${NAME}.`)),
    passwordFile: unlessAbsent(
      text('File that holds the password instead. Relative to the configuration file.'),
    ),
    sentinelUsername: unlessAbsent(
      text('User of the access control list of the sentinels. Left out: the default user.'),
    ),
    sentinelPassword: unlessAbsent(
      secretText(`Password of the sentinels, which is not that of the servers. As \${NAME}, too.`),
    ),
    tls: unlessAbsent(tls),
    connectTimeout: duration('Time to open a connection.', {
      minimum: '10ms',
      maximum: '60s',
    }).prefault('500ms'),
    commandTimeout: duration(
      'Time for the answer to a command. Short, because requests wait for it.',
      { minimum: '5ms', maximum: '10s' },
    ).prefault('100ms'),
    recordBytes: wholeNumber(
      'Bytes of one session or API key at most. A larger record is not read to its end, and ' +
        'answers for itself alone: 503 for a key, 401 `no_session` for a session, or no identity ' +
        'where a session is optional.',
      { minimum: 1_024, maximum: 1_048_576 },
    ).prefault(65_536),
    readFromReplicas: flag(
      'Let replicas answer what changes nothing: look-ups of API keys, where `apiKeys.redis` is ' +
        'set. A session is always read from its master, because reading prolongs it, and because ' +
        'a replica may be the last to learn that it was ended. Not in the mode standalone, which ' +
        'knows no replicas.',
    ).prefault(false),
  },
).transform(({ connectTimeout, commandTimeout, recordBytes, ...rest }) => ({
  ...rest,
  recordBytesMax: recordBytes,
  connectTimeoutMs: connectTimeout,
  commandTimeoutMs: commandTimeout,
}))

type RedisOutput = Output<typeof schema>
export type RedisConfiguration = Immutable<ReturnType<typeof resolveRedis>>

export interface RedisSettings {
  readonly redis: OptionalSettings<RedisOutput>
}

export const redisSection: Section<
  RedisSettings['redis'],
  RedisSettings,
  RedisConfiguration | null
> = {
  ...optional(schema),
  check({ redis: { settings } }, report) {
    if (settings !== null) checkRedis(settings, report)
  },
  resolve: ({ redis: { settings } }, { files }) => settings && resolveRedis(settings, files),
}

function checkRedis(redis: RedisOutput, report: ReportProblem): void {
  checkSecret(['redis'], 'password', redis, report)
  if (redis.mode === 'cluster' && redis.database !== 0) {
    report(['redis', 'database'], 'must be 0 in a cluster')
  }
  if (redis.mode === 'standalone' && redis.readFromReplicas) {
    report(
      ['redis', 'readFromReplicas'],
      'must be false in the mode standalone: it knows no replicas',
    )
  }
  if (redis.mode !== 'sentinel') {
    for (const name of ['sentinelUsername', 'sentinelPassword'] as const) {
      if (redis[name] !== null) report(['redis', name], 'is only for the mode sentinel')
    }
  }
  if (redis.mode === 'standalone' && redis.nodes.length > 1) {
    report(['redis', 'nodes'], 'must list one server, unless mode is sentinel or cluster')
  }
}

function resolveRedis({ password, passwordFile, tls, ...rest }: RedisOutput, files: SettingFiles) {
  const secret = resolveSecret(['redis'], 'password', { password, passwordFile }, files)
  return {
    ...rest,
    password: secret?.bytes.toString('utf8') ?? null,
    tls: tls && { ca: resolveCa(tls.caFile, files), serverName: tls.serverName },
  }
}

function resolveCa(caFile: string | null, files: SettingFiles): string | null {
  return caFile === null ? null : resolveAuthorities(['redis', 'tls', 'caFile'], caFile, files)
}
