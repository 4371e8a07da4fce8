/** `identity`: how an upstream learns who is calling. */
import { FIELD_NAME_PROBLEM, parseIdentityFieldName } from '../../../credentials/field-name.ts'
import { IDENTITY_STRATEGIES } from '../../../identity/identity-strategy.ts'
import { byPartAbout, type IdentityPart } from '../../../protocol/identity-parts.ts'
import type { ReportProblem } from '../../config-error.ts'
import { always, type Immutable, type Section } from '../../section.ts'
import { checkedText, type Output, oneOf, section, unlessAbsent } from '../../setting.ts'
import type { IssuersSettings } from '../issuers/issuers.ts'
import {
  checkInternalToken,
  type InternalTokenConfiguration,
  internalTokenSchema,
  resolveInternalToken,
} from './internal-token.ts'

function identityHeader(what: string, fallback: string) {
  return unlessAbsent(
    checkedText(`${what} \`null\`: not sent.`, parseIdentityFieldName, FIELD_NAME_PROBLEM),
  ).prefault(fallback)
}

function partHeader({ kind, title, header }: IdentityPart) {
  return identityHeader(kind === 'text' ? `${title}.` : `${title}, comma separated.`, header)
}

const identityHeaders = section(
  'Names of the headers. A copy that a client sends is removed, whether the header is sent or not.',
  {
    userId: identityHeader('The subject. Not sent for a client that acts for itself.', 'X-User-Id'),
    clientId: identityHeader('The client that the token was issued to.', 'X-Client-Id'),
    ...byPartAbout('caller', partHeader),
    tenantPlan: identityHeader('Plan of the tenant, where it has one.', 'X-Tenant-Plan'),
    issuer: identityHeader('`iss` of the token.', 'X-Token-Issuer'),
    ...byPartAbout('token', partHeader),
    expires: identityHeader('`exp` of the token, in seconds since 1970.', 'X-Token-Expires'),
    sessionId: identityHeader('SHA-256 of `sid`, never the id itself.', 'X-Session-Id'),
    requestId: identityHeader('Request id.', 'X-Request-Id'),
    correlationId: identityHeader('Correlation id.', 'X-Correlation-Id'),
  },
)

const schema = section('How an upstream learns who is calling.', {
  strategy: oneOf(
    'Default for routes that do not say. `headers`: header fields in place of the credential. ' +
      '`internal-token`: a JWT of the gateway in `Authorization`, in place of the credential and ' +
      'of whatever the client sent there. `pass-through`: the credential goes on as it came.',
    IDENTITY_STRATEGIES,
  ).prefault('headers'),
  headers: identityHeaders.prefault({}),
  internalToken: internalTokenSchema.prefault({}),
})

type IdentityOutput = Output<typeof schema>
type IdentityConfiguration = Immutable<Omit<IdentityOutput, 'internalToken'>> & {
  readonly internalToken: InternalTokenConfiguration
}

export interface IdentitySettings {
  readonly identity: IdentityOutput | null
}

export const identitySection: Section<
  IdentitySettings['identity'],
  IdentitySettings & IssuersSettings,
  IdentityConfiguration
> = {
  ...always(schema),
  check({ identity, issuers }, report) {
    if (identity === null) return
    checkHeaders(identity, report)
    checkInternalToken(identity.internalToken, issuers, report)
  },
  resolve({ identity }, { files }) {
    if (identity === null) return undefined
    return { ...identity, internalToken: resolveInternalToken(identity.internalToken, files) }
  },
}

function checkHeaders({ headers }: IdentityOutput, report: ReportProblem): void {
  const seen = new Map<string, string>()
  for (const [part, name] of Object.entries(headers)) {
    if (name === null) continue
    const earlier = seen.get(name.toLowerCase())
    if (earlier === undefined) seen.set(name.toLowerCase(), part)
    else report(['identity', 'headers', part], `is the same header as ${earlier}`)
  }
}
