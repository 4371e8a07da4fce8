/** Settings of revocation: credentials that are withdrawn before their time. */
import type { Complain } from './config-error.ts'
import type { ApiKeysOutput, SessionsOutput } from './session-settings.ts'
import { duration, flag, nullable, type Output, section, text, wholeNumber } from './setting.ts'

const MS_PER_SECOND = 1_000

export const revocationSchema = section(
  'Revocation: tokens, sessions and subjects that are withdrawn before their time, over the admin ' +
    'listener or by a logout at the issuer.',
  {
    redis: nullable(
      flag(
        'Share revocations with all instances over Redis. Left out: yes, when there is a section ' +
          '`redis`. Without, each instance knows only its own, and forgets them when it ends.',
      ),
    ),
    keyPrefix: text(
      'What the keys in Redis begin with. Instances that shall share revocations have the same.',
    ).prefault('revocation:'),
    credentialLifetimeMax: duration(
      'How long any token, session or key lives at most. A revocation that does not say when what ' +
        'it covers ends is kept for so long; a token that lives longer becomes good again then. ' +
        'Whole seconds.',
      { minimum: '1m', maximum: '8760h' },
    ).prefault('24h'),
    capacity: wholeNumber(
      'Revocations that can be in force at once, 43 bytes each. None is given up to make room: ' +
        'when it is full, new ones are refused.',
      { minimum: 1_024, maximum: 4_194_304 },
    ).prefault(262_144),
  },
).transform(({ credentialLifetimeMax, ...rest }) => ({
  ...rest,
  credentialLifetimeMaxMs: credentialLifetimeMax,
}))

export type RevocationOutput = Output<typeof revocationSchema>

interface OtherSections {
  readonly hasRedis: boolean
  readonly sessions: SessionsOutput | null
  readonly apiKeys: ApiKeysOutput | null
}

export function checkRevocation(
  revocation: RevocationOutput,
  { hasRedis, sessions, apiKeys }: OtherSections,
  complain: Complain,
): void {
  if (revocation.credentialLifetimeMaxMs % MS_PER_SECOND !== 0) {
    complain(['revocation', 'credentialLifetimeMax'], 'must be whole seconds')
  }
  if (revocation.redis === true && !hasRedis) {
    complain(['revocation', 'redis'], 'needs the section redis')
  }
  if (!(revocation.redis ?? hasRedis)) return
  const others = [
    sessions?.store === 'redis' ? sessions.keyPrefix : null,
    apiKeys?.redis === true ? apiKeys.keyPrefix : null,
  ]
  const own = revocation.keyPrefix
  for (const other of others) {
    // What is stored for a revocation must never be found for a credential.
    if (other !== null && (own.startsWith(other) || other.startsWith(own))) {
      complain(
        ['revocation', 'keyPrefix'],
        'must differ from those of sessions and apiKeys, and neither may begin with the other',
      )
      return
    }
  }
}
