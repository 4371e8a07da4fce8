/** One route of `routes`, as it is written. */
import { AUTHORIZATION_BEARER } from '../../../credentials/credential-source.ts'
import {
  COOKIE_NAME,
  COOKIE_NAME_PROBLEM,
  FIELD_NAME_PROBLEM,
  parseFieldName,
} from '../../../credentials/field-name.ts'
import { httpUrl } from '../../../http/http-url.ts'
import { parseMethod } from '../../../http/methods.ts'
import { pageUrl, resourceUrl } from '../../../http/resource-url.ts'
import { IDENTITY_STRATEGIES } from '../../../identity/identity-strategy.ts'
import {
  PATH_PREFIX_PROBLEM,
  parsePathPrefix,
  parseStrippedPrefix,
  STRIPPED_PREFIX_PROBLEM,
} from '../../../routing/path-rewrite.ts'
import { parseRoutePath, withHead } from '../../../routing/route-grammar.ts'
import { addressListSettings } from '../../address-lists.ts'
import { hostPattern } from '../../network-address.ts'
import {
  checkedText,
  duration,
  either,
  flag,
  listOf,
  nullable,
  type Output,
  oneOf,
  patternText,
  section,
  text,
  unlessAbsent,
  variant,
  wholeNumber,
  word,
} from '../../setting.ts'
import type { ApiKeysSettings } from '../api-keys.ts'
import type { IdentitySettings } from '../identity/identity.ts'
import type { IssuersSettings } from '../issuers/issuers.ts'
import type { RateLimitsSettings } from '../rate-limits.ts'
import type { SessionsSettings } from '../sessions.ts'
import type { TenantsSettings } from '../tenants.ts'
import type { UpstreamsSettings } from '../upstreams.ts'
import { corsSchema } from './cors.ts'
import { requirementsSchema } from './requirements.ts'
import { routeErrors } from './route-errors.ts'
import { routeHeaders } from './route-headers.ts'

/** In the order in which `optional` looks for them. */
export const AUTHENTICATORS = ['jwt', 'introspection', 'session', 'apiKey'] as const

const match = section('Which requests the route is for.', {
  path: checkedText(
    'Path. `*` stands for one segment; at the end it stands for the rest, the bare prefix ' +
      'included: `/users/*` matches `/users`, `/users/` and `/users/1/x`. `:id` stands for exactly ' +
      'one segment, at the end too: `/users/:id` matches `/users/1`, not `/users` and not ' +
      '`/users/1/x`.',
    parseRoutePath,
    'must start with / and have * or a parameter only as a whole segment, no empty or dot ' +
      'segments, no query, no semicolon, no backslash, no encoded slash; a parameter is a colon ' +
      'and a name of letters, digits and _, each name once: write /users/:id, not /users/{id}, ' +
      '/users/:id? or /users/:id.json',
  ),
  host: unlessAbsent(
    checkedText(
      'Host without port, or `*.example.com` for every host below it. Left out: any host.',
      hostPattern,
      'must be a host name without port, or *. and a host name',
    ),
  ),
  methods: listOf(
    'Methods, those of WebDAV, `QUERY`, `PURGE` and any other among them. Empty: GET, HEAD, POST, ' +
      'PUT, PATCH, DELETE and OPTIONS. `HEAD` belongs to `GET`. A method that no route names gets ' +
      '501, one that other routes of the path take 405.',
    checkedText(
      'Method, in the case in which it is sent.',
      parseMethod,
      'must be a method as it is sent (GET, not get), and none of CONNECT, TRACE and PRI',
    ),
  )
    .transform(withHead)
    .prefault([]),
  encodedSlash: oneOf(
    '`keep`: paths with `%2F` pass, for services that take it for data within a segment ' +
      '(`/@scope%2Fname`). It separates nothing, neither here nor in what is sent. A path that ' +
      'would belong to another route if it did separate is refused all the same.',
    ['refuse', 'keep'],
  ).prefault('refuse'),
  emptySegments: oneOf(
    '`keep`: paths with empty segments pass as they are (`/bucket//key`), unless they would ' +
      'belong to another route without them.',
    ['refuse', 'keep'],
  ).prefault('refuse'),
})

const SCHEME_PROBLEM = 'must be 1 to 32 letters, digits and -'

const credentialSource = variant(
  'A place where a token or a key may be.',
  'from',
  [
    section('In a header.', {
      from: word('header'),
      name: checkedText('Name of the header.', parseFieldName, FIELD_NAME_PROBLEM).prefault(
        'Authorization',
      ),
      prefix: nullable(
        patternText(
          'Word before the token, in any case, with a space between. `null`: the whole value is ' +
            'the token. Left out: `Bearer` for `Authorization`, otherwise `null`.',
          /^[A-Za-z0-9-]{1,32} ?$/,
          SCHEME_PROBLEM,
        ),
      ),
    }),
    section('In a cookie.', {
      from: word('cookie'),
      name: patternText('Name of the cookie.', COOKIE_NAME, COOKIE_NAME_PROBLEM),
    }),
    section(
      'In a query parameter. URLs end up in histories and logs of others: use it only for ' +
        'clients that can do nothing else. The parameter is not sent to the upstream.',
      {
        from: word('query'),
        name: patternText(
          'Name of the parameter.',
          /^[A-Za-z0-9_.-]{1,128}$/,
          'must be 1 to 128 letters, digits, dots, _ and -',
        ),
      },
    ),
  ],
  'must be one of header, cookie, query',
).transform((source) => {
  if (source.from === 'cookie') return { kind: source.from, name: source.name }
  if (source.from === 'query') return { kind: source.from, name: source.name }
  const standard = source.name === AUTHORIZATION_BEARER.name ? 'Bearer' : null
  const scheme = source.prefix === undefined ? standard : (source.prefix?.trimEnd() ?? null)
  return { kind: source.from, name: source.name, scheme }
})

const loginRedirect = section(
  'Where a GET or HEAD of a browser (`Accept: text/html`) is redirected instead of a 401.',
  {
    url: checkedText(
      'The page, which must check where it sends people afterwards: the return URL is chosen by ' +
        'the author of the link.',
      pageUrl,
      'must be an absolute http or https URL or an absolute path, without credentials and fragment',
    ),
    returnParameter: patternText(
      'Query parameter that gets the URL that was asked for, without its credentials.',
      /^[A-Za-z0-9_.-]{1,128}$/,
      'must be 1 to 128 letters, digits, dots, _ and -',
    ).prefault('return_to'),
  },
)

export const routeSchema = section('One route.', {
  name: patternText(
    'Name in metrics and logs. No two routes may share it.',
    /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/,
    'must start with a letter and consist of letters, digits, dots, _ and -, 64 at most',
  ),
  match,
  upstream: text('Name of the upstream.'),
  caseSensitive: unlessAbsent(
    flag(
      'Whether the service tells paths of different case apart. Left out: as the upstream says.',
    ),
  ),
  stripPrefix: unlessAbsent(
    checkedText(
      'Beginning of `match.path` that the service does not get: with `/orders`, `/orders/7` is sent ' +
        'as `/7`. Whole segments alone. The service is told it as `X-Forwarded-Prefix`.',
      parseStrippedPrefix,
      STRIPPED_PREFIX_PROBLEM,
    ),
  ),
  addPrefix: unlessAbsent(
    checkedText(
      'Path that is put in front of what is sent, behind `basePath` of the upstream. Together with ' +
        '`stripPrefix` it takes the place of that.',
      parsePathPrefix,
      PATH_PREFIX_PROBLEM,
    ),
  ),
  responseTimeout: unlessAbsent(
    duration('In place of `responseTimeout` of the upstream.', { minimum: '10ms', maximum: '1h' }),
  ),
  bodyTimeout: unlessAbsent(
    duration('In place of `bodyTimeout` of the upstream.', { minimum: '10ms', maximum: '24h' }),
  ),
  bodyBytes: unlessAbsent(
    wholeNumber(
      'Size of a request body, in place of `bodyBytes` of the upstream. At most that of ' +
        '`server.limits`, beyond which no body is read.',
      { minimum: 0, maximum: 1_099_511_627_776 },
    ),
  ),
  headers: routeHeaders.prefault({}),
  ...addressListSettings('the route may be used; from others: 403 `address_denied`'),
  authenticate: either(
    '`none`: no credential is looked at, and no identity is sent. `optional`: a request without ' +
      'a credential passes without identity; a bad credential is refused. A list: one of these ' +
      'is needed.',
    [
      oneOf('Not always.', ['none', 'optional']),
      listOf(
        'How a caller may prove who it is. The first whose credential is there decides: a bad ' +
          'one is never rescued by another.',
        oneOf('Authenticator.', AUTHENTICATORS),
        { minimum: 1 },
      ),
    ],
    'must be none, optional or a list of authenticators such as [jwt]',
  ).prefault(['jwt']),
  issuers: unlessAbsent(
    listOf('Names of the issuers whose tokens are good here. Left out: all.', text('Issuer.'), {
      minimum: 1,
    }),
  ),
  audiences: unlessAbsent(
    listOf(
      'Audiences, one of which a token must name in `aud` to be good here, besides what its issuer ' +
        'asks for. Looked at on every request. Left out: those of the issuer will do. Sessions and ' +
        'API keys have none, and need none.',
      text('Audience.'),
      { minimum: 1 },
    ),
  ),
  introspectJwts: flag(
    'Ask the introspecting issuer about its JWTs as well, such as the lightweight access tokens ' +
      'of Keycloak, which leave out most claims: the signature is checked first, then what the ' +
      'endpoint answers counts. Needs `jwt` and `introspection`.',
  ).prefault(false),
  require: requirementsSchema.prefault({}),
  tenant: unlessAbsent(
    oneOf(
      'Whether a request needs a tenant. `none`: it has none, whatever it names. Left out: as ' +
        '`tenants.required` says; `optional` with `authenticate: none`.',
      ['required', 'optional', 'none'],
    ),
  ),
  identity: unlessAbsent(
    oneOf(
      'How the upstream learns who is calling, if not as `identity.strategy` says.',
      IDENTITY_STRATEGIES,
    ),
  ),
  credentials: listOf(
    'Where the token may be. Two tokens in one request are refused.',
    credentialSource,
    { minimum: 1 },
  ).prefault([{ from: 'header' }]),
  apiKeyPlaces: listOf(
    'Where the API key may be, in place of the header `apiKeys.header`; two keys in one request ' +
      'are refused. A header that holds tokens as well needs a scheme: what has the form of a JWT ' +
      'is a token, and what begins with `apiKeys.prefix`, if that is set, is a key. Empty: in that ' +
      'header.',
    credentialSource,
  ).prefault([]),
  rateLimit: unlessAbsent(text('Name of the limit (`rateLimits`) that its requests count for.')),
  resourceMetadata: unlessAbsent(
    checkedText(
      'URL that challenges name as `resource_metadata` (RFC 9728 §5.1).',
      httpUrl,
      'must be an absolute http or https URL without credentials and fragment',
    ),
  ),
  resource: unlessAbsent(
    checkedText(
      'Identifier of the protected resource (RFC 9728 §1.2): the gateway serves its metadata at ' +
        '`/.well-known/oauth-protected-resource`, followed by the path of this URL, and ' +
        'challenges name it. Routes of one resource share one document.',
      resourceUrl,
      'must be an absolute http or https URL without credentials, query and fragment, its path ' +
        'in the spelling that requests are matched in',
    ),
  ),
  loginRedirect: unlessAbsent(loginRedirect),
  cors: unlessAbsent(corsSchema),
  csrf: oneOf(
    '`browsers`: what changes something and carries a cookie as credential must come from a page ' +
      'that may send it (403 `csrf_rejected`). `off`: for callers that are no browsers, and keep ' +
      'cookies all the same; pages of any site can then make a browser send such requests.',
    ['browsers', 'off'],
  ).prefault('browsers'),
  errors: routeErrors.prefault({}),
  mode: oneOf(
    '`shadow`: refusals are only counted and logged, for a roll-out. The request passes without ' +
      'identity, and credentials go upstream as they came.',
    ['enforce', 'shadow'],
  ).prefault('enforce'),
})

export type RouteOutput = Output<typeof routeSchema>

/** The routes, and all that they refer to. */
export interface RoutesSettings
  extends IssuersSettings,
    SessionsSettings,
    ApiKeysSettings,
    TenantsSettings,
    IdentitySettings,
    UpstreamsSettings,
    RateLimitsSettings {
  readonly routes: readonly (RouteOutput | null)[]
}
