/** `apiKeys`: secrets of machines. */
import { FIELD_NAME_PROBLEM, parseFieldName } from '../../credentials/field-name.ts'
import { byRecordMember } from '../../protocol/identity-parts.ts'
import { optionalInstant } from '../../protocol/instant.ts'
import { areKept, KEPT_LENGTH_MAX, type KeptPath, keepClaims } from '../../protocol/kept-claims.ts'
import { addressListSettings } from '../address-lists.ts'
import { headerPaths, internalTokenPaths, unitedPaths } from '../asked-paths.ts'
import type { ReportProblem } from '../config-error.ts'
import { ownRate } from '../rate-settings.ts'
import { type Immutable, type OptionalSettings, optional, type Section } from '../section.ts'
import {
  checkedText,
  claimValue,
  either,
  flag,
  listOf,
  named,
  type Output,
  patternText,
  section,
  text,
  unlessAbsent,
} from '../setting.ts'
import type { IdentitySettings } from './identity/identity.ts'
import type { RedisSettings } from './redis.ts'
import type { SessionsSettings } from './sessions.ts'

/** Members of an identity that a list of keys may give. */
const identityMembers = {
  userId: text('Whose key it is.'),
  ...byRecordMember(
    ({ title }) => unlessAbsent(text(`${title}.`)),
    ({ title, item }) => listOf(`${title}.`, text(`${item}.`)).prefault([]),
  ),
}

const schema = section('API keys: secrets of machines. Routes ask for them with `apiKey`.', {
  header: checkedText('Header that holds the key.', parseFieldName, FIELD_NAME_PROBLEM).prefault(
    'X-API-Key',
  ),
  prefix: unlessAbsent(
    patternText(
      'What every key begins with, such as `shop_`. Needed where a route takes keys and opaque ' +
        'tokens at one place: what begins so is a key there, and nothing else is. Left out: what is ' +
        'no JWT is a key there.',
      /^(?!e[wy])[A-Za-z0-9._~+/-]{2,32}$/,
      'must be 2 to 32 letters, digits and ._~+/-, and not begin like a JWT (ey, ew)',
    ),
  ),
  keys: listOf(
    'The keys, by their digests: the file holds no key.',
    section('One key.', {
      sha256: patternText(
        'SHA-256 of the key, in hexadecimal: `printf %s "$KEY" | sha256sum`.',
        /^[0-9A-Fa-f]{64}$/,
        'must be 64 hexadecimal digits',
      ),
      ...identityMembers,
      claims: named(
        'More claims, found by a path as those of tokens are. A name may be such a path itself.',
        either(
          'One value, or a list.',
          [claimValue('Value.'), listOf('Values.', claimValue('Value.'))],
          'must be text, a whole number, true or false, or a list of those',
        ),
        /^(?!(?:__proto__|constructor|prototype)$)[\x21-\x7e]{1,256}$/,
        'must be the name of a claim: 1 to 256 characters of visible ASCII',
      ).prefault({}),
      ...addressListSettings('the key may be used; from others: 403 `address_denied`'),
      rateLimit: ownRate('How often the key may be used.'),
      expiresAt: unlessAbsent(
        checkedText(
          'When the key ends. Left out: never.',
          (value) => optionalInstant(value) ?? null,
          'must be a date and time with its zone, such as 2027-01-31T00:00:00Z',
        ),
      ),
    }),
  ).prefault([]),
  redis: flag(
    'Look for keys in Redis as well: JSON with the members of a key of this list, at ' +
      '`keyPrefix` and the digest.',
  ).prefault(false),
  keyPrefix: text('What the keys in Redis begin with.').prefault('apikey:'),
})

type ApiKeysOutput = Output<typeof schema>
export type ApiKeysConfiguration = Immutable<ReturnType<typeof resolveApiKeys>>

export interface ApiKeysSettings {
  readonly apiKeys: OptionalSettings<ApiKeysOutput>
}

export const apiKeysSection: Section<
  ApiKeysSettings['apiKeys'],
  ApiKeysSettings & SessionsSettings & RedisSettings & IdentitySettings,
  ApiKeysConfiguration | null
> = {
  ...optional(schema),
  check({ apiKeys: { settings }, sessions, redis, identity }, report) {
    if (settings === null) return
    checkApiKeys(settings, redis.isThere, report)
    checkTold(settings, identity, report)
    checkKeyPrefixes(sessions, settings, report)
  },
  resolve: ({ apiKeys: { settings } }) => settings && resolveApiKeys(settings),
}

function checkApiKeys(apiKeys: ApiKeysOutput, hasRedis: boolean, report: ReportProblem): void {
  if (apiKeys.redis && !hasRedis) report(['apiKeys', 'redis'], 'needs the section redis')
  if (apiKeys.header === 'authorization') {
    report(['apiKeys', 'header'], 'must not be Authorization, which holds bearer tokens')
  }
  apiKeys.keys.forEach(({ claims }, index) => {
    if (JSON.stringify(claims).length <= KEPT_LENGTH_MAX) return
    const most = `must have at most ${KEPT_LENGTH_MAX} characters, as JSON`
    report(['apiKeys', 'keys', index, 'claims'], most)
  })
  const seen = new Map<string, number>()
  apiKeys.keys.forEach(({ sha256 }, index) => {
    const earlier = seen.get(sha256.toLowerCase())
    if (earlier === undefined) seen.set(sha256.toLowerCase(), index)
    else report(['apiKeys', 'keys', index, 'sha256'], `is the same as that of keys[${earlier}]`)
  })
}

/**
 * A key whose claims upstreams cannot be told would be refused with each request. Two paths may
 * lead to one claim, which then counts twice.
 */
function checkTold(
  { keys }: ApiKeysOutput,
  identity: IdentitySettings['identity'],
  report: ReportProblem,
): void {
  if (identity === null) return
  const { headers, internalToken } = identity
  const asked = [...headerPaths(headers.custom), ...internalTokenPaths(internalToken.claims)]
  const paths = unitedPaths(asked)
  keys.forEach(({ claims }, index) => {
    const kept = keepClaims(claims, paths)
    if (areKept(kept)) return
    report(
      ['apiKeys', 'keys', index, 'claims', memberOf(kept, claims)],
      'cannot be told to upstreams: identity.headers.custom and identity.internalToken.claims ' +
        `may tell ${KEPT_LENGTH_MAX} characters of JSON of one key, each path counted, and an ` +
        'object only with format: json',
    )
  })
}

/** The claim as it is written, to which a path leads. */
function memberOf({ path: { text, steps } }: KeptPath, claims: object): string {
  return Object.hasOwn(claims, text) ? text : (steps[0] ?? text)
}

/** In one Redis, what is stored for one kind of credential must never be found for the other. */
function checkKeyPrefixes(
  { settings: sessions }: SessionsSettings['sessions'],
  apiKeys: ApiKeysOutput,
  report: ReportProblem,
): void {
  if (sessions?.store !== 'redis' || !apiKeys.redis) return
  const [one, other] = [sessions.keyPrefix, apiKeys.keyPrefix]
  if (one.startsWith(other) || other.startsWith(one)) {
    report(
      ['apiKeys', 'keyPrefix'],
      'must differ from sessions.keyPrefix, and neither may begin with the other',
    )
  }
}

function resolveApiKeys({ keys, ...rest }: ApiKeysOutput) {
  return { ...rest, keys: keys.map((key) => ({ ...key, sha256: key.sha256.toLowerCase() })) }
}
