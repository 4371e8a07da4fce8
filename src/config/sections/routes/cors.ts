/** `routes[].cors`: which pages of other origins may read what the route answers. */
import { CORS_ORIGIN_PROBLEM, corsOrigin } from '../../../http/cors-policy.ts'
import {
  checkedText,
  duration,
  flag,
  listOf,
  type Output,
  oneOf,
  patternText,
  section,
  unlessAbsent,
} from '../../setting.ts'

const LISTED_MAX = 64
const FIELD_NAME = /^[A-Za-z0-9!#$%&'+.^_`|~-]{1,64}$/
const METHOD = /^[A-Z][A-Z-]{0,31}$/

const fieldName = patternText(
  'Name of a header.',
  FIELD_NAME,
  'must be the name of a header: browsers take * for a name where there are credentials, and ' +
    'never for Authorization',
)

export const corsSchema = section('Which pages of other origins may read what the route answers.', {
  origins: listOf(
    'Origins of the pages. `https://*.example.com` is every host below, not the host itself. `*` ' +
      'alone is every page, without `credentials`. `null` is what sandboxed frames of any site say.',
    checkedText('Origin.', corsOrigin, CORS_ORIGIN_PROBLEM),
    { minimum: 1 },
  ),
  methods: unlessAbsent(
    listOf(
      'Methods that pages may use. Left out: those of `match`, or `GET`, `HEAD`, `POST`, `PUT`, ' +
        '`PATCH` and `DELETE` where it names none.',
      patternText('Method.', METHOD, 'must be a method in upper case, such as GET'),
      { minimum: 1, maximum: LISTED_MAX },
    ),
  ),
  headers: unlessAbsent(
    listOf(
      'Headers that pages may send. Left out: `Content-Type` and those in which the route looks ' +
        'for a token, an API key or a tenant.',
      fieldName,
      { minimum: 0, maximum: LISTED_MAX },
    ),
  ),
  exposedHeaders: listOf(
    'Headers of answers that pages may read, besides those of the gateway’s own answers ' +
      '(`WWW-Authenticate`, `Retry-After`, `RateLimit`, `RateLimit-Policy`, `X-Request-Id`, ' +
      'and that of the code).',
    fieldName,
    { minimum: 0, maximum: LISTED_MAX },
  ).prefault([]),
  credentials: flag(
    'Whether browsers send cookies along and show the answers. A page that sends what changes ' +
      'something by cookie must also be in `sessions.allowedOrigins`.',
  ).prefault(false),
  maxAge: duration(
    'How long browsers may remember the answer to a preflight. Chromium keeps it for 2 h at ' +
      'most, Safari for 10 min, Firefox for 24 h.',
    { minimum: '0s', maximum: '24h' },
  ).prefault('10m'),
  tenantOrigins: flag(
    'Whether pages in `allowedOrigins` of the tenant may read as well. Preflights know a tenant ' +
      'only by host and path.',
  ).prefault(false),
  upstream: oneOf(
    '`replace`: CORS fields in answers of the service give way to those of the route. `keep`: ' +
      'answers of the service have its own and no others; those of the gateway have the route’s.',
    ['replace', 'keep'],
  ).prefault('replace'),
})

export type CorsOutput = Output<typeof corsSchema>
