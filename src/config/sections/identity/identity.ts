/** `identity`: how an upstream learns who is calling. */
import { FIELD_NAME_PROBLEM, parseIdentityFieldName } from '../../../credentials/field-name.ts'
import { CUSTOM_HEADER_FORMATS } from '../../../identity/identity-headers.ts'
import { IDENTITY_STRATEGIES } from '../../../identity/identity-strategy.ts'
import { byPartAbout, type IdentityPart } from '../../../protocol/identity-parts.ts'
import { isGatewayField } from '../../../proxy/hop-by-hop-headers.ts'
import { claimPath } from '../../claim-setting.ts'
import type { ReportProblem } from '../../config-error.ts'
import { always, type Immutable, type Section } from '../../section.ts'
import {
  checkedText,
  either,
  named,
  type Output,
  oneOf,
  section,
  unlessAbsent,
} from '../../setting.ts'
import type { IssuersSettings } from '../issuers/issuers.ts'
import {
  checkInternalToken,
  type InternalTokenConfiguration,
  internalTokenSchema,
  resolveInternalToken,
} from './internal-token.ts'

/** More would not fit into the head of a request anyway. */
const CUSTOM_HEADERS_MAX = 32

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
    custom: named(
      'More headers, each with the path of the claim that it tells. Left out of requests whose ' +
        'credential does not have the claim.',
      either(
        'Path of the claim, told as text.',
        [
          claimPath('Path of the claim: a name, a dotted path or a JSON pointer.'),
          section('Path and format.', {
            path: claimPath('Path of the claim: a name, a dotted path or a JSON pointer.'),
            format: oneOf(
              '`text`: one value as text, a list comma separated; a credential with an object ' +
                'there is refused. `json`: any value as JSON, in ASCII.',
              CUSTOM_HEADER_FORMATS,
            ).prefault('text'),
          }),
        ],
        'must be the path of a claim, or a path and a format',
      ).transform((it) => ('text' in it ? { path: it, format: 'text' as const } : it)),
      /^[A-Za-z0-9-]{1,64}$/,
      FIELD_NAME_PROBLEM,
    ).prefault({}),
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

function checkHeaders(
  { headers: { custom, ...parts } }: IdentityOutput,
  report: ReportProblem,
): void {
  const path = ['identity', 'headers']
  const seen = new Map<string, string>()
  const named = Object.entries(parts).map(([part, name]) => [[part], name] as const)
  const others = Object.keys(custom).map((name) => [['custom', name], name] as const)
  for (const [at, name] of [...named, ...others]) {
    if (name === null) continue
    const earlier = seen.get(name.toLowerCase())
    if (earlier === undefined) seen.set(name.toLowerCase(), at.join('.'))
    else report([...path, ...at], `is the same header as ${earlier}`)
  }
  for (const name of Object.keys(custom)) {
    if (parseIdentityFieldName(name) === null || isGatewayField(name.toLowerCase())) {
      report([...path, 'custom', name], 'is a header that HTTP or the gateway itself uses')
    }
  }
  if (others.length > CUSTOM_HEADERS_MAX) {
    report([...path, 'custom'], `must have at most ${CUSTOM_HEADERS_MAX} headers`)
  }
}
