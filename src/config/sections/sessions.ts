/** `sessions`: cookies that name what a login service has stored. */
import { COOKIE_NAME, COOKIE_NAME_PROBLEM } from '../../credentials/field-name.ts'
import { ORIGIN_PATTERN_PROBLEM, originPattern } from '../../http/origin-list.ts'
import { byPart, IDENTITY_PARTS } from '../../protocol/identity-parts.ts'
import { SESSION_FORMAT_NAMES, SESSION_FORMATS } from '../../verifiers/session/session-formats.ts'
import type { ReportProblem } from '../config-error.ts'
import { parseDuration } from '../duration.ts'
import { type Immutable, type OptionalSettings, optional, type Section } from '../section.ts'
import {
  checkedText,
  duration,
  listOf,
  nullable,
  type Output,
  oneOf,
  patternText,
  secretText,
  section,
  text,
  unlessAbsent,
} from '../setting.ts'
import type { SettingFiles } from '../setting-files.ts'
import type { RedisSettings } from './redis.ts'

const MS_PER_SECOND = 1_000
/** What is used where these settings are left out; the manual says the same. */
const TTL = '30m'
const ABSOLUTE_TTL = '8h'

const JSON_POINTER = /^(?:\/(?:[^~/]|~[01])*)+$/
const COOKIE_PATH = /^\/[\x21-\x3a\x3c-\x7e]*$/
/** Two labels at least: browsers take no cookie for a top-level domain, nor for an address. */
const COOKIE_DOMAIN = /^\.?(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,62}$/i

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
    ...byPart(({ kind, title, record }) => {
      return pointer(
        kind === 'text' ? `${title}.` : `${title}: a list of text, or one text.`,
        `/${record}`,
      )
    }),
    createdAt: pointer('When the session began; without it, when the gateway first saw it.', null),
  },
)

const RECORD_MEMBERS = IDENTITY_PARTS.map(({ record }) => `\`${record}\``).join(', ')

const schema = section(
  'Sessions: a cookie names what a login service has stored. Routes ask for them with `session`.',
  {
    store: oneOf('Where sessions are. `memory`: in this process, for development.', [
      'redis',
      'memory',
    ]).prefault('redis'),
    format: oneOf(
      `\`sallyport\`: JSON with \`userId\`, ${RECORD_MEMBERS}, ` +
        '`createdAt`, `expiresAt`. `express-session`: the signed cookie of ' +
        'express-session and the JSON of connect-redis.',
      SESSION_FORMAT_NAMES,
    ).prefault(SESSION_FORMAT_NAMES[0]),
    cookie: nullable(
      patternText(
        `Name of the cookie. Left out: \`${SESSION_FORMATS.sallyport.cookie}\`, or ` +
          `\`${SESSION_FORMATS['express-session'].cookie}\` for \`express-session\`.`,
        COOKIE_NAME,
        COOKIE_NAME_PROBLEM,
      ),
    ),
    cookiePath: patternText(
      'Path with which the login service sets the cookie: it is cleared under the same.',
      COOKIE_PATH,
      'must start with / and hold no space and no ;',
    ).prefault('/'),
    cookieDomain: unlessAbsent(
      patternText(
        'Domain with which the login service sets the cookie, such as `.example.com`: it is ' +
          'cleared for the same. Left out: it is set for its host alone.',
        COOKIE_DOMAIN,
        'must be a domain of two labels at least, such as .example.com',
      ),
    ),
    cookieSameSite: oneOf(
      '`SameSite` of the cookie. With `None` pages of other sites send it: a browser takes it away ' +
        'on answers to them only if this says so.',
      ['Lax', 'Strict', 'None'],
    ).prefault('Lax'),
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
          `live sessions. \`none\`: the id itself. Left out: \`${SESSION_FORMATS.sallyport.keyHash}\`, or ` +
          `\`${SESSION_FORMATS['express-session'].keyHash}\` for \`express-session\`, whose stores know ` +
          'nothing else.',
        ['sha256', 'none'],
      ),
    ),
    ttl: nullable(
      duration(
        `How long a session lives after its last request. Left out: \`${TTL}\`; for ` +
          '`express-session`, as long as its own store lets it live: requests through the gateway ' +
          'do not prolong it then. Given, they prolong it, but never shorten a longer life that ' +
          'its cookie has (`express-session`; needs Redis 7).',
        { minimum: '1s', maximum: '8760h' },
      ),
    ),
    absoluteTtl: nullable(
      duration(
        'How long a session lives at all, however much it is used: from when it began or, where ' +
          `it does not say, from when the gateway first saw it. Left out: \`${ABSOLUTE_TTL}\`; for ` +
          '`express-session` without `pointers.createdAt`, as long as its own store lets it live.',
        { minimum: '1s', maximum: '8760h' },
      ),
    ),
    allowedOrigins: listOf(
      'Sites whose pages may send requests that change something and carry a cookie, besides ' +
        'pages of the same origin. `https://*.example.com` is every host below, not the host itself.',
      checkedText('Origin.', originPattern, ORIGIN_PATTERN_PROBLEM),
    ).prefault([]),
    pointers: pointers.prefault({}),
  },
).transform(({ ttl, absoluteTtl, ...rest }) => ({
  ...rest,
  ttlMs: ttl ?? null,
  absoluteTtlMs: absoluteTtl ?? null,
}))

type SessionsOutput = Output<typeof schema>
export type SessionsConfiguration = Immutable<ReturnType<typeof resolveSessions>>

export interface SessionsSettings {
  readonly sessions: OptionalSettings<SessionsOutput>
}

export const sessionsSection: Section<
  SessionsSettings['sessions'],
  SessionsSettings & RedisSettings,
  SessionsConfiguration | null
> = {
  ...optional(schema),
  check({ sessions: { settings }, redis }, report) {
    if (settings !== null) checkSessions(settings, redis.isThere, report)
  },
  resolve: ({ sessions: { settings } }, { files }) => settings && resolveSessions(settings, files),
}

function checkSessions(sessions: SessionsOutput, hasRedis: boolean, report: ReportProblem): void {
  const path = ['sessions']
  if (sessions.store === 'redis' && !hasRedis) {
    report([...path, 'store'], 'needs the section redis (or store: memory, for development)')
  }
  const { format } = sessions
  const { isCookieSigned, isOwn } = SESSION_FORMATS[format]
  const hasSecret = sessions.secrets.length > 0 || sessions.secretFile !== null
  if (isCookieSigned && !hasSecret) {
    report([...path, 'secrets'], `or secretFile is required for ${format}`)
  }
  if (!isCookieSigned && hasSecret) {
    const signed = SESSION_FORMAT_NAMES.filter((name) => SESSION_FORMATS[name].isCookieSigned)
    report([...path, 'secrets'], `is only for ${signed.join(', ')}`)
  }
  if (!isOwn) checkForeignStore(sessions, report)
  checkLives(sessions, report)
  if (!sessionCookie(sessions).startsWith('__Host-')) return
  if (sessions.cookiePath !== '/') {
    report([...path, 'cookiePath'], 'must be / for a cookie whose name begins with __Host-')
  }
  if (sessions.cookieDomain !== null) {
    report([...path, 'cookieDomain'], 'cannot be set for a cookie whose name begins with __Host-')
  }
}

function checkLives(sessions: SessionsOutput, report: ReportProblem): void {
  if (
    keepsAbsoluteTtl(sessions) &&
    (sessionTtlMs(sessions) ?? 0) > sessionAbsoluteTtlMs(sessions)
  ) {
    report(['sessions', 'ttl'], 'must not be longer than absoluteTtl')
  }
  for (const [setting, ms] of [
    ['ttl', sessions.ttlMs],
    ['absoluteTtl', sessions.absoluteTtlMs],
  ] as const) {
    if ((ms ?? 0) % MS_PER_SECOND !== 0) report(['sessions', setting], 'must be whole seconds')
  }
}

function checkForeignStore(
  { store, format, keyHash }: SessionsOutput,
  report: ReportProblem,
): void {
  if (store === 'memory') {
    report(['sessions', 'store'], `must be redis for ${format}: no other program writes to memory`)
  }
  if (keyHash === 'sha256') {
    report(['sessions', 'keyHash'], `must be none for ${format}, whose stores write plain ids`)
  }
}

function resolveSessions(settings: SessionsOutput, files: SettingFiles) {
  const { store, format, cookiePath, keyPrefix, allowedOrigins, pointers } = settings
  const { secrets, secretFile, cookieDomain, cookieSameSite } = settings
  const ttlMs = sessionTtlMs(settings)
  const filed = secretFile && files.secret(['sessions', 'secretFile'], secretFile)
  return {
    store,
    format,
    cookie: sessionCookie(settings),
    cookiePath,
    cookieDomain,
    cookieSameSite,
    keyPrefix,
    keyHash: settings.keyHash ?? SESSION_FORMATS[format].keyHash,
    secrets: filed ? [...secrets, filed.toString('utf8')] : secrets,
    ttlSeconds: ttlMs && ttlMs / MS_PER_SECOND,
    absoluteTtlSeconds: sessionAbsoluteTtlMs(settings) / MS_PER_SECOND,
    keepsAbsoluteTtl: keepsAbsoluteTtl(settings),
    allowedOrigins,
    pointers,
  }
}

/** Name of the cookie that holds a session. */
export function sessionCookie({ cookie, format }: SessionsOutput): string {
  return cookie ?? SESSION_FORMATS[format].cookie
}

/** @returns `null`: requests do not prolong a session. */
function sessionTtlMs({ ttlMs, format }: SessionsOutput): number | null {
  return ttlMs ?? (SESSION_FORMATS[format].isOwn ? parseDuration(TTL) : null)
}

/** Whether sessions end with it that do not say when they began: from their first sight on. */
function keepsAbsoluteTtl({ absoluteTtlMs, format, pointers }: SessionsOutput): boolean {
  return absoluteTtlMs !== null || SESSION_FORMATS[format].isOwn || pointers.createdAt !== null
}

/** From the beginning of a session. */
export function sessionAbsoluteTtlMs({ absoluteTtlMs }: SessionsOutput): number {
  return absoluteTtlMs ?? parseDuration(ABSOLUTE_TTL) ?? 0
}
