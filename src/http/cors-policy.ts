/**
 * Which pages of other origins may read the answers of a route (the CORS protocol of the Fetch
 * standard), compiled when the configuration is loaded.
 *
 * The fields for an origin are put together once and are the same for every answer. What a client
 * sends is compared, and never repeated unless it is an origin that the configuration admits.
 */
import type { HeaderList } from './header-list.ts'
import { type OriginList, originListOf, originPattern } from './origin-list.ts'

/** Every page, by name. */
export const ANY_ORIGIN = '*'
/** What sandboxed frames, local files and redirects of every site say (Fetch §3.2). */
export const OPAQUE_ORIGIN = 'null'

/** Apps with pages of their own, such as `capacitor://localhost`: scheme, host, maybe a port. */
const APP_ORIGIN = /^(?!https?:)[a-z][a-z0-9+.-]{0,63}:\/\/[a-z0-9._-]{1,255}(?::[0-9]{1,5})?$/

/** Origins for which the fields are kept. A pattern may stand for any number of them. */
const KNOWN_ORIGINS_MAX = 1_024

export const CORS_ORIGIN_PROBLEM =
  'must be *, null, or an origin such as https://app.example.com, https://*.example.com or ' +
  'capacitor://localhost, without path, query and credentials'

/** The entry in its one spelling, or `null`. */
export function corsOrigin(value: string): string | null {
  if (value === ANY_ORIGIN || value === OPAQUE_ORIGIN) return value
  return APP_ORIGIN.test(value) ? value : originPattern(value)
}

export interface CorsRules {
  /** In their one spelling; `*` stands alone, and without credentials. */
  readonly origins: readonly string[]
  /** Methods that pages may use, besides GET, HEAD and POST, which browsers always let pass. */
  readonly methods: readonly string[]
  /** Fields that pages may send. */
  readonly headers: readonly string[]
  /** Fields of answers that pages may read, besides those that browsers always show. */
  readonly exposedHeaders: readonly string[]
  /** Whether browsers send cookies along, and show the answers to requests with them. */
  readonly credentials: boolean
  /** How long browsers may remember a preflight. */
  readonly maxAgeSeconds: number
  /** Whether the CORS fields of the upstream give way. */
  readonly replacesUpstream: boolean
  /** Whether pages that the tenant of a request allows may read as well. */
  readonly takesTenantOrigins: boolean
}

/** Of answers that no page of another origin may read, and that would differ for another page. */
export const VARIES_BY_ORIGIN: HeaderList = ['vary', 'Origin']

const PREFLIGHT_VARIES: HeaderList = [
  'vary',
  'Origin, Access-Control-Request-Method, Access-Control-Request-Headers',
]

export class CorsPolicy {
  readonly replacesUpstream: boolean
  readonly takesTenantOrigins: boolean
  /** Whether every page may read: then answers are the same for all of them. */
  readonly isForAll: boolean
  readonly hasCredentials: boolean
  readonly #origins: OriginList
  readonly #answerTail: HeaderList
  readonly #preflightTail: HeaderList
  readonly #answers = new Map<string, HeaderList>()

  constructor(rules: CorsRules) {
    this.replacesUpstream = rules.replacesUpstream
    this.takesTenantOrigins = rules.takesTenantOrigins
    this.isForAll = rules.origins.includes(ANY_ORIGIN)
    this.hasCredentials = rules.credentials
    this.#origins = originListOf(rules.origins)
    const credentials = rules.credentials ? ['access-control-allow-credentials', 'true'] : []
    const varies = this.isForAll ? [] : VARIES_BY_ORIGIN
    const exposed = rules.exposedHeaders.join(', ')
    const exposing = exposed === '' ? [] : ['access-control-expose-headers', exposed]
    this.#answerTail = [...credentials, ...exposing, ...varies]
    this.#preflightTail = [
      ...credentials,
      ...['access-control-allow-methods', rules.methods.join(', ')],
      ...(rules.headers.length === 0
        ? []
        : ['access-control-allow-headers', rules.headers.join(', ')]),
      ...['access-control-max-age', String(rules.maxAgeSeconds)],
      ...PREFLIGHT_VARIES,
    ]
  }

  /** Whether pages of this origin may read answers. @param origin As it came. */
  allows(origin: string): boolean {
    return this.isForAll || this.#origins.has(origin)
  }

  /**
   * What lets a page read an answer.
   *
   * @param origin One that {@link allows} admits, or the tenant of the request: it is repeated.
   */
  answerFields(origin: string): HeaderList {
    const allowed = this.isForAll ? ANY_ORIGIN : origin
    const known = this.#answers.get(allowed)
    if (known !== undefined) return known
    const fields = ['access-control-allow-origin', allowed, ...this.#answerTail]
    if (this.#answers.size < KNOWN_ORIGINS_MAX) this.#answers.set(allowed, fields)
    return fields
  }

  /**
   * The answer to the question what a page may do. All of it, whatever was asked for: the browser
   * compares, and can then tell its user what was missing.
   *
   * @param origin As in {@link answerFields}; `null`: one that may do nothing.
   */
  preflightFields(origin: string | null): HeaderList {
    if (origin === null) return PREFLIGHT_VARIES
    const allowed = this.isForAll ? ANY_ORIGIN : origin
    return ['access-control-allow-origin', allowed, ...this.#preflightTail]
  }
}
