/**
 * Settings of the proxies that ask the decision endpoint, to be pasted: the fields that they take
 * out of what a client sends, and those of the answer that they hand on.
 *
 * One list does both: a field of the answer takes the place of the client's, and one that is not in
 * the answer is taken out all the same.
 */
import { identityFields } from '../config/sections/identity/identity-fields.ts'
import { takesTokens } from '../config/sections/routes/takes-tokens.ts'
import { tenantHeaders } from '../config/sections/tenant-headers.ts'
import type { GatewayConfiguration } from '../config/sections.ts'
import { apiKeyPlaces } from '../listener/credential-places.ts'
import type { Caller } from './callers.ts'

interface CallerFields {
  /** Who is calling; the service must not get them from elsewhere. */
  readonly told: readonly string[]
  /** In whose place the answer may have an internal token. */
  readonly minted: readonly string[]
  /** Credentials, which a service behind has no use for. */
  readonly credentials: readonly string[]
  /** By which clients name their tenant. */
  readonly asked: ReadonlySet<string>
}

/** Ids of requests: the proxy gives those itself. */
const IDS: ReadonlySet<string> = new Set(['x-request-id', 'x-correlation-id'])
const AUTHORIZATION = 'authorization'
const COLUMN = 44

const WRITERS: Readonly<Record<Caller, (fields: CallerFields) => readonly string[]>> = {
  nginx: forNginx,
  haproxy: forHaproxy,
  envoy: forEnvoy,
  // Both take out of the request what they do not find in the answer.
  traefik: ({ told, credentials }) => [
    'authResponseHeaders:',
    ...[...told, ...credentials].map((name) => `  - ${written(name)}`),
  ],
  caddy: ({ told, credentials }) => [
    `copy_headers ${[...told, ...credentials].map(written).join(' ')}`,
  ],
}

/** Lines for the configuration of this proxy. */
export function callerSettings(caller: Caller, configuration: GatewayConfiguration): string {
  return WRITERS[caller](fieldsOf(configuration)).join('\n')
}

function fieldsOf({ identity, routes, apiKeys, tenants }: GatewayConfiguration): CallerFields {
  const minted = routes.some((route) => route.identity === 'internal-token') ? [AUTHORIZATION] : []
  const fields = [...identityFields(identity.headers)].filter((name) => !IDS.has(name))
  const told = [...fields, ...minted]
  const places = routes.flatMap((route) => [
    ...(takesTokens(route.authenticators) ? route.credentials : []),
    ...(apiKeys !== null && route.authenticators.includes('apiKey')
      ? apiKeyPlaces(route, apiKeys)
      : []),
  ])
  const names = places.flatMap(({ kind, name }) => (kind === 'header' ? name.toLowerCase() : []))
  return {
    told,
    minted,
    credentials: [...new Set(names)].filter((name) => !told.includes(name)),
    asked: new Set(tenantHeaders(tenants)),
  }
}

function forNginx({ told, credentials }: CallerFields): readonly string[] {
  return [
    ...told.map((name) => {
      const word = name.replaceAll('-', '_')
      return `${`auth_request_set $decided_${word}`.padEnd(COLUMN)} $upstream_http_${word};`
    }),
    ...told.map((name) => {
      const field = `proxy_set_header ${written(name)}`
      return `${field.padEnd(COLUMN)} $decided_${name.replaceAll('-', '_')};`
    }),
    ...credentials.map((name) => `${`proxy_set_header ${written(name)}`.padEnd(COLUMN)} "";`),
  ]
}

/** Behind the question, because it is asked with all that the client sent. */
function forHaproxy({ told, credentials }: CallerFields): readonly string[] {
  return [
    '# Between lua.sallyport_ask and lua.sallyport_tell:',
    ...[...told, ...credentials].map((name) => `http-request del-header ${written(name)}`),
  ]
}

/**
 * A credential is asked with, so that it stays until the answer replaces it. What names the tenant
 * goes: the answer of an open route does not have it, and the client's would reach the service.
 */
function forEnvoy({ told, minted, credentials, asked }: CallerFields): readonly string[] {
  const behind = credentials.map((name) => `  - remove: ${name}`)
  const inFront = told.filter((name) => !minted.includes(name))
  return [
    '# Of a filter envoy.filters.http.header_mutation in front of ext_authz:',
    ...inFront
      .filter((name) => asked.has(name))
      .map(
        (name) => `# ${name} names the tenant, and goes with it: tenants.resolve needs another.`,
      ),
    'request_mutations:',
    ...inFront.map((name) => `  - remove: ${name}`),
    '# Of ext_authz, in http_service.authorization_response:',
    'allowed_upstream_headers:',
    '  patterns:',
    ...told.map((name) => `    - exact: ${name}`),
    '# Of another header_mutation behind ext_authz:',
    ...(behind.length === 0 ? ['request_mutations: []'] : ['request_mutations:', ...behind]),
  ]
}

/** As fields are usually written: `X-User-Id`. */
function written(name: string): string {
  return name.replace(/(^|-)[a-z]/g, (start) => start.toUpperCase())
}
