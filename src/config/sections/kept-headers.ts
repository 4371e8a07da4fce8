/**
 * `server.keepHeaders`: fields whose names servers with CGI-like interfaces do not tell apart.
 * None of them may be taken for a field that only the gateway may set, or that it reads itself.
 */
import { parseFieldName } from '../../credentials/field-name.ts'
import { BELIEVED_NAMES, isOfBelievedFamily } from '../../proxy/believed-fields.ts'
import { isGatewayField, TRACE_FIELDS } from '../../proxy/hop-by-hop-headers.ts'
import type { ReportProblem } from '../config-error.ts'
import { checkedText, listOf } from '../setting.ts'
import type { ApiKeysSettings } from './api-keys.ts'
import type { IdentitySettings } from './identity/identity.ts'
import { identityFields } from './identity/identity-fields.ts'
import { placedHeaders } from './routes/credential-places.ts'
import type { RoutesSettings } from './routes/route.ts'
import { tenantHeaders } from './tenant-headers.ts'
import type { TenantsSettings } from './tenants.ts'

const KEPT_HEADERS_MAX = 32

/** A token (RFC 9110 §5.6.2) that would be dropped. */
const ODD_NAME = /^(?=.*[^-0-9A-Za-z])[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,64}$/

export const keepHeaders = listOf(
  'Names of request headers that reach upstreams although they have other characters than ' +
    'letters, digits and `-`, such as `download_uri`. All others of that kind are dropped, because ' +
    'many servers cannot tell `X_User_Id` from `X-User-Id`. Any case.',
  checkedText(
    'Name of the header.',
    (value) => (ODD_NAME.test(value) ? value.toLowerCase() : null),
    'must be a header name (RFC 9110 §5.6.2) with a character that is no letter, digit or -: all ' +
      'others are kept anyway',
  ),
).prefault([])

/** What decides which names may not be kept. */
export type FieldNameSettings = IdentitySettings &
  ApiKeysSettings &
  TenantsSettings &
  Pick<RoutesSettings, 'routes'>

/** Fields that services believe a proxy, or that the gateway writes for every request. */
const SPOKEN_FOR = [...BELIEVED_NAMES, ...TRACE_FIELDS]

/** Fields of which the gateway reads what the client says. */
const READ = [
  'authorization',
  'cookie',
  'origin',
  'proxy-authorization',
  'sec-fetch-site',
  'accept',
]

export function checkKeptHeaders(
  names: readonly string[],
  settings: FieldNameSettings,
  report: ReportProblem,
): void {
  const path = ['server', 'keepHeaders']
  const taken = new Set([...takenNames(settings)].map(withoutSeparators))
  names.forEach((name, index) => {
    if (isTaken(name, taken)) {
      report(
        [...path, index],
        'is a spelling of a header that HTTP or the gateway itself uses: a service that cannot ' +
          'tell the two apart would take what a client sends for what the gateway says',
      )
    }
  })
  if (names.length > KEPT_HEADERS_MAX) report(path, `must have at most ${KEPT_HEADERS_MAX} names`)
}

function isTaken(name: string, taken: ReadonlySet<string>): boolean {
  const spelled = name.replace(/[^0-9a-z]/g, '-')
  if (parseFieldName(spelled) === null || isGatewayField(spelled)) return true
  if (isOfBelievedFamily(spelled)) return true
  return taken.has(withoutSeparators(name))
}

function takenNames({ identity, apiKeys, tenants, routes }: FieldNameSettings): Set<string> {
  const ofRoutes = routes.flatMap((route) => {
    if (route === null) return []
    const { set, add, remove } = route.headers.request
    const compared = route.require.claims.flatMap(({ equalsHeader }) => equalsHeader ?? [])
    const edited = [...Object.keys(set), ...Object.keys(add), ...remove]
    return [...placedHeaders(route), ...compared, ...edited]
  })
  const key = apiKeys.settings === null ? [] : [apiKeys.settings.header]
  const named = tenantHeaders(tenants.settings)
  const ofCallers = identityFields(identity?.headers ?? null)
  return new Set([...ofCallers, ...SPOKEN_FOR, ...READ, ...key, ...named, ...ofRoutes])
}

function withoutSeparators(name: string): string {
  return name.toLowerCase().replace(/[^0-9a-z]/g, '')
}
