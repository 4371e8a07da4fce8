/** `tenants`: how a request names its tenant, and which there are. */
import { FIELD_NAME_PROBLEM, parseFieldName } from '../../credentials/field-name.ts'
import { ORIGIN_PATTERN_PROBLEM, originPattern } from '../../http/origin-list.ts'
import {
  areSubdomainPatternsNested,
  PATH_PATTERN_PROBLEM,
  parsePathPattern,
  parseSubdomainPattern,
  SUBDOMAIN_PATTERN_PROBLEM,
  TENANT_NAME,
  TENANT_NAME_PROBLEM,
} from '../../tenants/tenant-grammar.ts'
import { addressListSettings } from '../address-lists.ts'
import type { ReportProblem } from '../config-error.ts'
import { ownRate } from '../rate-settings.ts'
import { type Immutable, type OptionalSettings, optional, type Section } from '../section.ts'
import {
  checkedText,
  duration,
  flag,
  listOf,
  named,
  type Output,
  oneOf,
  section,
  text,
  unlessAbsent,
  variant,
  word,
} from '../setting.ts'
import type { IssuersSettings } from './issuers/issuers.ts'
import type { RedisSettings } from './redis.ts'
import type { UpstreamsSettings } from './upstreams.ts'

const source = variant(
  'A place where a request may name its tenant.',
  'from',
  [
    section('The first label of the host.', {
      from: word('subdomain'),
      pattern: checkedText(
        'Hosts: `{tenant}.api.example.com`.',
        parseSubdomainPattern,
        SUBDOMAIN_PATTERN_PROBLEM,
      ),
    }),
    section('A segment of the path.', {
      from: word('path'),
      pattern: checkedText(
        'Paths: `/tenants/{tenant}/*`. `*` before the tenant stands for any one segment.',
        parsePathPattern,
        PATH_PATTERN_PROBLEM,
      ),
    }),
    section('A header. It never reaches the upstream as the client sent it.', {
      from: word('header'),
      name: checkedText('Name of the header.', parseFieldName, FIELD_NAME_PROBLEM).prefault(
        'X-Tenant-Id',
      ),
    }),
    section(
      'The tenant claim of the token, the `tenantId` of the session, the tenant of the API key: ' +
        'it decides when nothing in the request names a tenant.',
      { from: word('claim') },
    ),
  ],
  'must be one of subdomain, path, header, claim',
)

const tenant = section('One tenant.', {
  status: oneOf('`suspended`: every request for it is refused with 403.', [
    'active',
    'suspended',
  ]).prefault('active'),
  plan: unlessAbsent(text('What the upstream hears as the plan of the tenant.')),
  issuers: listOf(
    'Names of the issuers whose tokens are good for this tenant. Empty: those of the route. A ' +
      'token that names no tenant passes only when its issuer is listed by this tenant alone.',
    text('Issuer.'),
  ).prefault([]),
  allowedOrigins: listOf(
    'Sites whose pages may send requests of this tenant that change something and carry a ' +
      'cookie, besides `sessions.allowedOrigins`, and written as those.',
    checkedText('Origin.', originPattern, ORIGIN_PATTERN_PROBLEM),
  ).prefault([]),
  ...addressListSettings('requests for the tenant may come; from others: 403 `address_denied`'),
  rateLimit: ownRate('How often it may be asked for, by all of its callers together.'),
  upstream: unlessAbsent(
    text('Name of the upstream that serves this tenant in place of the route’s.'),
  ),
})

const schema = section(
  'Tenants: each request of a protected route belongs to one, and so must its credential.',
  {
    resolve: listOf(
      'Where requests name their tenant. All places are looked at, and those that disagree are ' +
        'refused: 400. The order shows only in which failure is told.',
      source,
      { minimum: 1 },
    ),
    required: flag(
      'Whether a request without a tenant is refused: 400 `tenant_not_identified`. A route can ' +
        'say otherwise (`routes[].tenant`).',
    ).prefault(true),
    allowTokensWithoutTenant: flag(
      'Whether a credential that names no tenant is good at every tenant that accepts its issuer.',
    ).prefault(false),
    registry: named(
      'The tenants of this file, by name.',
      tenant,
      TENANT_NAME,
      `is not a tenant name: it ${TENANT_NAME_PROBLEM}`,
    ).prefault({}),
    redis: flag(
      'Whether there are more tenants in Redis: a hash of JSON by tenant name. Those of this file ' +
        'win over those.',
    ).prefault(false),
    key: text(
      'Key of that hash. Writers append the names that they change to the stream `<key>:changes` in ' +
        'the same transaction, so that every instance reads those at once.',
    ).prefault('tenants'),
    refreshInterval: duration(
      'In what time the whole hash is read, part by part and again and again, for writers who do ' +
        'not tell what they changed. Never faster than 2500 tenants a second.',
      { minimum: '500ms', maximum: '10m' },
    ).prefault('5m'),
    staleMaxAge: duration(
      'How long tenants are served as they were last read after Redis has lost most or all of them ' +
        'at once. After that they get 503.',
      { minimum: '0s', maximum: '168h' },
    ).prefault('1h'),
  },
).transform(({ refreshInterval, staleMaxAge, ...rest }) => ({
  ...rest,
  refreshIntervalMs: refreshInterval,
  staleMaxAgeMs: staleMaxAge,
}))

type TenantsOutput = Output<typeof schema>
export type TenantsConfiguration = Immutable<ReturnType<typeof resolveTenants>>
/** Names its issuers and its upstream, which exist. */
export type TenantConfiguration = TenantsConfiguration['registry'][number]

export interface TenantsSettings {
  readonly tenants: OptionalSettings<TenantsOutput>
}

interface TenantsNeeds extends TenantsSettings, IssuersSettings, UpstreamsSettings, RedisSettings {}

export const tenantsSection: Section<
  TenantsSettings['tenants'],
  TenantsNeeds,
  TenantsConfiguration | null
> = {
  ...optional(schema),
  check(settings, report) {
    const tenants = settings.tenants.settings
    if (tenants !== null) checkTenants(tenants, settings, report)
  },
  resolve: ({ tenants: { settings } }) => settings && resolveTenants(settings),
}

function checkTenants(
  tenants: TenantsOutput,
  { issuers, upstreams, redis }: TenantsNeeds,
  report: ReportProblem,
): void {
  checkSources(tenants, report)
  const names = Object.keys(tenants.registry)
  if (names.length === 0 && !tenants.redis) {
    report(['tenants', 'registry'], 'names no tenant, and tenants.redis is not set')
  }
  if (tenants.redis && !redis.isThere) {
    report(['tenants', 'redis'], 'needs a redis section')
  }
  for (const [name, { issuers: listed, upstream }] of Object.entries(tenants.registry)) {
    const path = ['tenants', 'registry', name]
    listed.forEach((issuer, index) => {
      if (!issuers.has(issuer)) {
        report([...path, 'issuers', index], 'names an issuer that does not exist')
      }
    })
    if (upstream !== null && !upstreams.has(upstream)) {
      report([...path, 'upstream'], 'names an upstream that does not exist')
    }
  }
}

function checkSources({ resolve }: TenantsOutput, report: ReportProblem): void {
  const texts = resolve.map((source) => JSON.stringify(source))
  resolve.forEach((source, index) => {
    const path = ['tenants', 'resolve', index]
    if (texts.indexOf(texts[index] ?? '') < index) report(path, 'is listed twice')
    if (source.from !== 'subdomain') return
    const isNested = resolve.some(
      (other, place) =>
        place < index &&
        other.from === 'subdomain' &&
        areSubdomainPatternsNested(other.pattern, source.pattern),
    )
    if (isNested) report([...path, 'pattern'], 'reads hosts of another pattern as other tenants')
  })
}

function resolveTenants({ registry, ...rest }: TenantsOutput) {
  const tenants = Object.entries(registry).map(([name, tenant]) => ({ name, ...tenant }))
  return { ...rest, registry: tenants }
}
