/** Settings of sessions and API keys: credentials that no issuer has issued. */

import { FIELD_NAME_COMPLAINT, judgeFieldName } from '../credentials/field-name.ts'
import { httpOrigin } from '../protocol/http-url.ts'
import { optionalInstant } from '../protocol/instant.ts'
import {
  duration,
  flag,
  judgedText,
  listOf,
  nullable,
  type Output,
  oneOf,
  patternText,
  secretText,
  section,
  text,
  unlessAbsent,
} from './setting.ts'

const COOKIE_NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$/
const JSON_POINTER = /^(?:\/(?:[^~/]|~[01])*)+$/
const COOKIE_PATH = /^\/[\x21-\x3a\x3c-\x7e]*$/

function pointer(what: string, fallback: string | null) {
  return unlessAbsent(
    patternText(
      `${what} \`null\`: not read.`,
      JSON_POINTER,
      'must be a JSON pointer such as /user/id (RFC 6901)',
    ),
  ).prefault(fallback)
}

const pointers = section(
  'Where the parts of the identity are in the data of `express-session`, as JSON pointers.',
  {
    userId: patternText(
      'Who is logged in: text, or an integer, which is taken as its decimal text. A session ' +
        'without it is a visitor’s, and counts as no session: 401 `no_session` where one is needed.',
      JSON_POINTER,
      'must be a JSON pointer such as /user/id (RFC 6901)',
    ).prefault('/userId'),
    email: pointer('E-mail address.', '/email'),
    roles: pointer('Roles: a list of text.', '/roles'),
    scopes: pointer('Scopes: a list of text.', '/scopes'),
    tenant: pointer('Tenant.', '/tenantId'),
    organisation: pointer('Organisation.', '/organisationId'),
    createdAt: pointer('When the session began; without it, when the gateway first saw it.', null),
  },
)

export const sessionsSchema = section(
  'Sessions: a cookie names what a login service has stored. Routes ask for them with `session`.',
  {
    store: oneOf('Where sessions are. `memory`: in this process, for development.', [
      'redis',
      'memory',
    ]).prefault('redis'),
    format: oneOf(
      '`sallyport`: JSON with `userId`, `email`, `roles`, `scopes`, `tenantId`, ' +
        '`organisationId`, `createdAt`, `expiresAt`. `express-session`: the signed cookie of ' +
        'express-session and the JSON of connect-redis.',
      ['sallyport', 'express-session'],
    ).prefault('sallyport'),
    cookie: nullable(
      patternText(
        'Name of the cookie. Left out: `__Host-sid`, or `connect.sid` for `express-session`.',
        COOKIE_NAME,
        'must be a cookie name (RFC 6265 §4.1.1)',
      ),
    ),
    cookiePath: patternText(
      'Path with which the login service sets the cookie: it is cleared under the same.',
      COOKIE_PATH,
      'must start with / and hold no space and no ;',
    ).prefault('/'),
    secrets: listOf(
      'Secrets of express-session, any of which may have signed the cookie.',
      secretText(`Secret. Take it from the environment, as \${NAME}.`),
    ).prefault([]),
    secretFile: unlessAbsent(
      text('File that holds one more secret. Relative to the configuration file.'),
    ),
    keyPrefix: text('What the keys in Redis begin with.').prefault('sess:'),
    keyHash: nullable(
      oneOf(
        '`sha256`: keys hold the SHA-256 of the id, so that a dump of Redis is not a list of ' +
          'live sessions. `none`: the id itself. Left out: `sha256`, or `none` for ' +
          '`express-session`, whose stores know nothing else.',
        ['sha256', 'none'],
      ),
    ),
    ttl: nullable(
      duration(
        'How long a session lives after its last request. Left out: `30m`; for ' +
          '`express-session`, as long as its own store lets it live: requests through the gateway ' +
          'do not prolong it then. Given, they prolong it, but never shorten a longer life that ' +
          'its cookie has (`express-session`; needs Redis 7).',
        { minimum: '1s', maximum: '8760h' },
      ),
    ),
    absoluteTtl: nullable(
      duration(
        'How long a session lives at all, however much it is used: from when it began or, where ' +
          'it does not say, from when the gateway first saw it. Left out: `8h`; for ' +
          '`express-session` without `pointers.createdAt`, as long as its own store lets it live.',
        { minimum: '1s', maximum: '8760h' },
      ),
    ),
    allowedOrigins: listOf(
      'Sites whose pages may send requests that change something and carry a cookie, besides ' +
        'pages of the same origin.',
      judgedText(
        'Origin.',
        httpOrigin,
        'must be an origin such as https://app.example.com, without path, query and credentials',
      ),
    ).prefault([]),
    pointers: pointers.prefault({}),
  },
).transform(({ ttl, absoluteTtl, ...rest }) => ({
  ...rest,
  ttlMs: ttl ?? null,
  absoluteTtlMs: absoluteTtl ?? null,
}))

/** Members of an identity that a list of keys may give. */
const identityMembers = {
  userId: text('Whose key it is.'),
  email: unlessAbsent(text('E-mail address.')),
  roles: listOf('Roles.', text('Role.')).prefault([]),
  scopes: listOf('Scopes.', text('Scope.')).prefault([]),
  tenantId: unlessAbsent(text('Tenant.')),
  organisationId: unlessAbsent(text('Organisation.')),
}

export const apiKeysSchema = section(
  'API keys: secrets of machines. Routes ask for them with `apiKey`.',
  {
    header: judgedText('Header that holds the key.', judgeFieldName, FIELD_NAME_COMPLAINT).prefault(
      'X-API-Key',
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
        expiresAt: unlessAbsent(
          judgedText(
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
  },
)

export type SessionsOutput = Output<typeof sessionsSchema>
export type ApiKeysOutput = Output<typeof apiKeysSchema>

const COOKIES = { sallyport: '__Host-sid', 'express-session': 'connect.sid' } as const

/** Name of the cookie that holds a session. */
export function sessionCookie({ cookie, format }: SessionsOutput): string {
  return cookie ?? COOKIES[format]
}

const TTL_MS = 30 * 60_000
const ABSOLUTE_TTL_MS = 8 * 3_600_000

/** @returns `null`: requests do not prolong a session. */
export function sessionTtlMs({ ttlMs, format }: SessionsOutput): number | null {
  return ttlMs ?? (format === 'sallyport' ? TTL_MS : null)
}

/** Whether sessions end with it that do not say when they began: from their first sight on. */
export function keepsAbsoluteTtl({ absoluteTtlMs, format, pointers }: SessionsOutput): boolean {
  return absoluteTtlMs !== null || format === 'sallyport' || pointers.createdAt !== null
}

/** From the beginning of a session. */
export function sessionAbsoluteTtlMs({ absoluteTtlMs }: SessionsOutput): number {
  return absoluteTtlMs ?? ABSOLUTE_TTL_MS
}
