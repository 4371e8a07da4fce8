/** `revocation`: the end of tokens, sessions and API keys before their time. */
import { always, type Immutable, type Section } from '../section.ts'
import {
  duration,
  flag,
  nullable,
  type Output,
  oneOf,
  section,
  text,
  unlessAbsent,
  wholeNumber,
} from '../setting.ts'
import type { SettingFiles } from '../setting-files.ts'
import type { RedisSettings } from './redis.ts'
import { type SessionsSettings, sessionAbsoluteTtlMs } from './sessions.ts'

const MS_PER_SECOND = 1_000

const schema = section(
  'Revocation of tokens, sessions and API keys before their time: `POST /revocations` and ' +
    '`POST /backchannel-logout` on the admin listener.',
  {
    redis: nullable(
      flag(
        'Whether all instances share their revocations over Redis. Left out: when there is a ' +
          '`redis` section.',
      ),
    ),
    keyPrefix: text('What the keys in Redis begin with.').prefault('revocation:'),
    spoolDirectory: unlessAbsent(
      text(
        'Directory for revocations that Redis has not taken when the process ends: they are ' +
          'read, and sent, at the next start. Left out: they are lost. Only for this user, on a ' +
          'disk that outlives the process. Relative to the configuration file.',
      ),
    ),
    beforeReady: oneOf(
      'Requests with a good credential before what others revoked was read from Redis for the ' +
        'first time. `refuse`: 503, as it is not known yet whether it was revoked; what needs no ' +
        'credential is served. `serve`: served, also what was revoked.',
      ['refuse', 'serve'],
    ).prefault('refuse'),
    credentialLifetimeMax: duration(
      'Longest life of any token, session or API key that may be revoked. A revocation is kept ' +
        'for so long unless it says until when.',
      { minimum: '1m', maximum: '9600h' },
    ).prefault('24h'),
    capacity: wholeNumber('Revocations that are kept at once; 43 bytes each.', {
      minimum: 1_000,
      maximum: 6_000_000,
    }).prefault(262_144),
  },
).transform(({ credentialLifetimeMax, redis, ...rest }) => ({
  ...rest,
  redis: redis ?? null,
  credentialLifetimeMaxMs: credentialLifetimeMax,
}))

type RevocationOutput = Output<typeof schema>
export type RevocationConfiguration = Immutable<ReturnType<typeof resolveRevocation>>

interface RevocationSettings {
  readonly revocation: RevocationOutput | null
}

type RevocationNeeds = RevocationSettings & RedisSettings & SessionsSettings

export const revocationSection: Section<
  RevocationSettings['revocation'],
  RevocationNeeds,
  RevocationConfiguration
> = {
  ...always(schema),
  check({ revocation, redis }, report) {
    if (revocation?.redis === true && !redis.isThere) {
      report(['revocation', 'redis'], 'needs a redis section')
    }
  },
  resolve(settings, { files }) {
    const { revocation } = settings
    return revocation === null ? undefined : resolveRevocation(revocation, settings, files)
  },
}

/** Does not look at tokens: how long they live is their issuers' business. */
function resolveRevocation(
  { credentialLifetimeMaxMs, spoolDirectory, ...rest }: RevocationOutput,
  { redis: { isThere: hasRedis }, sessions: { settings: sessions } }: RevocationNeeds,
  files: SettingFiles,
) {
  const tokenLifeMaxSeconds = credentialLifetimeMaxMs / MS_PER_SECOND
  const sessionLifeMaxSeconds = sessions ? sessionAbsoluteTtlMs(sessions) / MS_PER_SECOND : 0
  const redis = rest.redis ?? hasRedis
  if (spoolDirectory !== null && !redis) {
    files.report(['revocation', 'spoolDirectory'], 'needs `redis`: nothing waits to be sent')
  }
  return {
    ...rest,
    redis,
    spoolDirectory: spoolDirectory === null ? null : files.absolute(spoolDirectory),
    tokenLifeMaxSeconds,
    credentialLifeMaxSeconds: Math.max(tokenLifeMaxSeconds, sessionLifeMaxSeconds),
  }
}
