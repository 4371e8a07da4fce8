/** `issuers`: the parties whose tokens are accepted. */
import {
  JWS_ALGORITHM_NAMES,
  type JwsAlgorithm,
  jwsAlgorithmOf,
} from '../../../protocol/jws-algorithms.ts'
import type { ReportProblem } from '../../config-error.ts'
import {
  allOf,
  eachNamed,
  type Immutable,
  mapping,
  type NamedSettings,
  type Section,
  type Surroundings,
} from '../../section.ts'
import {
  duration,
  listOf,
  type Output,
  oneOf,
  patternText,
  secretText,
  section,
  text,
  unlessAbsent,
} from '../../setting.ts'
import { type ClaimsConfiguration, claimsSchema, type PartPlaces } from './claims.ts'
import { checkIntrospection, introspectionSchema, resolveIntrospection } from './introspection.ts'
import { checkKeySource, type IssuerKeysConfiguration, resolveKeys } from './issuer-keys.ts'
import {
  checkIssuerNames,
  checkIssuersDiffer,
  issuerValuesSchema,
  resolveIssuerNames,
} from './issuer-names.ts'
import { checkPath, PATH_SETTINGS, resolvePath } from './issuer-path.ts'
import { jwksSchema } from './jwks.ts'
import { PROVIDER_NAMES, presetsFor, withPresets } from './provider-presets.ts'

const MS_PER_SECOND = 1_000

const issuer = section('One issuer of tokens.', {
  provider: unlessAbsent(
    oneOf(
      'What issues the tokens: fills in what is usual there, as the table of providers has it. ' +
        'What is written out wins; `sallyport check` says what was filled in.',
      PROVIDER_NAMES,
    ),
  ),
  issuer: text(
    'Exactly what `iss` holds in its tokens, to the last slash. No two issuers may share it. One ' +
      'part may be a placeholder, as in `https://login.microsoftonline.com/{tenantid}/v2.0`: ' +
      '`issuerValues` says what may stand there.',
  ),
  issuerValues: unlessAbsent(issuerValuesSchema),
  audiences: unlessAbsent(
    listOf(
      'A token must name one of these in `aud`: a token for another service is not good here. ' +
        'Needed, unless there are `clientIds`.',
      text('Audience.'),
      { minimum: 1 },
    ),
  ),
  clientIds: unlessAbsent(
    listOf(
      'Clients whose tokens are good without `aud`, as in access tokens of Amazon Cognito: ' +
        'the client, which is at `claims.clientId`, must be one of these. A token with `aud` must ' +
        'still name one of `audiences`.',
      text('Client identifier.'),
      { minimum: 1 },
    ),
  ),
  boundTokens: oneOf(
    'What becomes of a token that is bound to a key or a certificate (`cnf`: DPoP, mutual TLS). ' +
      'Proofs are not checked. `refuse`: 401. `accept`: it is taken for a plain bearer token, and ' +
      'a stolen one is good without its key.',
    ['refuse', 'accept'],
  ).prefault('refuse'),
  algorithms: listOf(
    'Signature algorithms that are accepted. HS* needs a shared secret, the others need public ' +
      'keys; one issuer cannot have both. Ed25519 is EdDSA, and ESP256 is ES256, in tokens and ' +
      'keys as well (RFC 9864).',
    oneOf('Algorithm.', JWS_ALGORITHM_NAMES, ['Ed448']),
    { minimum: 1 },
  ).prefault(['RS256', 'ES256', 'EdDSA']),
  clockTolerance: duration(
    'Difference between the clocks of the issuer and the gateway that is forgiven. Whole seconds.',
    { minimum: '0s', maximum: '60s' },
  ).prefault('5s'),
  requiredClaims: listOf(
    'Claims that must be present, on top of `exp`, `iss` and `aud`, which always must.',
    text('Claim.'),
  ).prefault(['sub']),
  types: listOf(
    'Values of `typ` that are accepted, in any case. A token without `typ` counts as `JWT`.',
    patternText(
      'Media type, without `application/`.',
      /^[A-Za-z0-9!#$&^_.+-]{1,64}$/,
      'must be a media type without application/, such as JWT or at+jwt',
    ),
    { minimum: 1 },
  ).prefault(['JWT', 'at+jwt']),
  jwks: unlessAbsent(jwksSchema),
  secret: unlessAbsent(
    secretText(
      'Shared secret for HS256 (at least 32 bytes), HS384 (48) or HS512 (64). Take it from the ' +
        `environment, as \${NAME}.`,
    ),
  ),
  secretFile: unlessAbsent(
    text(
      'File that holds the shared secret instead; one line end at its end is not part of it. ' +
        'Relative to the configuration file.',
    ),
  ),
  claims: claimsSchema.prefault({}),
  unverifiedEmail: oneOf(
    'What becomes of an e-mail address of which the token says that it is not verified ' +
      '(`email_verified` is there, and not true). `ignore`: it counts as absent, and a token whose ' +
      'subject it is, is refused. `accept`: it counts.',
    ['ignore', 'accept'],
  ).prefault('ignore'),
  introspection: unlessAbsent(introspectionSchema),
  ...PATH_SETTINGS,
  logoutAudiences: listOf(
    'Client identifiers for which the issuer sends logout tokens (OpenID Connect Back-Channel ' +
      'Logout 1.0), besides `audiences` and `introspection.clientId`.',
    text('Client identifier.'),
  ).prefault([]),
  logoutRevokes: oneOf(
    'What a logout ends. `subject`: all that was issued to the subject before it, its session ' +
      'included. `session`: the session that it names alone, which needs access tokens with `sid`.',
    ['subject', 'session'],
  ).prefault('subject'),
  credentialLifetimeMax: unlessAbsent(
    duration(
      'Longest life of any token of this issuer: a revocation is kept for so long unless it says ' +
        'until when, and an introspected token without `exp` is refused when it is older. Left ' +
        'out: `revocation.credentialLifetimeMax`, and tokens without `exp` have no end.',
      { minimum: '1m', maximum: '9600h' },
    ),
  ),
})

const schema = issuer.transform(
  ({ algorithms, clockTolerance, credentialLifetimeMax, ...rest }) => ({
    ...rest,
    algorithms: algorithmsNamed(algorithms),
    clockToleranceMs: clockTolerance,
    credentialLifetimeMaxMs: credentialLifetimeMax,
  }),
)

/** Each once, whatever it is called. */
function algorithmsNamed(names: readonly string[]): readonly JwsAlgorithm[] {
  const algorithms = names.map(jwsAlgorithmOf).filter((algorithm) => algorithm !== null)
  return [...new Set(algorithms)]
}

/** `presets`: what the file did not say and the provider does. */
type IssuerOutput = Output<typeof schema> & { readonly presets: ReturnType<typeof presetsFor> }
export type IssuerConfiguration = Immutable<NonNullable<ReturnType<typeof resolveIssuer>>>

export interface IssuersSettings {
  readonly issuers: NamedSettings<IssuerOutput>
}

const named = eachNamed('The parties whose tokens are accepted, by a name of your choice.', schema)

export const issuersSection: Section<
  IssuersSettings['issuers'],
  IssuersSettings,
  readonly IssuerConfiguration[]
> = {
  schema: named.schema.prefault({}),
  read(value) {
    const written = mapping(value)
    const presetsOf = new Map(Object.entries(written).map(([name, it]) => [name, presetsFor(it)]))
    const completed = [...presetsOf].map(([name, it]) => [name, withPresets(written[name], it)])
    return new Map(
      [...named.read(Object.fromEntries(completed))].map(([name, settings]) => {
        const presets = presetsOf.get(name) ?? []
        const claims = settings && asDefaults(settings.claims, presets)
        return [name, settings && claims && { ...settings, claims, presets }]
      }),
    )
  },
  check({ issuers }, report) {
    for (const [name, issuer] of issuers) {
      if (issuer !== null) checkIssuer(name, issuer, report)
    }
    checkIssuersDiffer(issuers, report)
  },
  resolve: ({ issuers }, surroundings) =>
    allOf(
      [...issuers].map(([name, issuer]) => issuer && resolveIssuer(name, issuer, surroundings)),
    ),
}

/** A place that a provider names is no more asked for than the one that is named without it. */
function asDefaults(
  claims: ClaimsConfiguration,
  presets: IssuerOutput['presets'],
): ClaimsConfiguration {
  const given = new Set(presets.map(({ name }) => name))
  const parts = Object.entries(claims).map(([part, places]: [string, PartPlaces | null]) => {
    return [part, places && given.has(`claims.${part}`) ? { ...places, isDefault: true } : places]
  })
  return Object.fromEntries(parts) as ClaimsConfiguration
}

/** Checks one well-formed issuer. */
function checkIssuer(name: string, issuer: IssuerOutput, report: ReportProblem): void {
  const path = ['issuers', name]
  checkIssuerNames(path, issuer, report)
  if (issuer.audiences === null && issuer.clientIds === null) {
    report(
      [...path, 'audiences'],
      'is required, unless clientIds names the clients whose tokens have no aud',
    )
  }
  checkKeySource(path, issuer, report)
  checkPath(path, issuer, report)
  if (issuer.clockToleranceMs % MS_PER_SECOND !== 0) {
    report([...path, 'clockTolerance'], 'must be whole seconds: claims know no smaller unit')
  }
  if (issuer.introspection !== null) {
    checkIntrospection([...path, 'introspection'], issuer.introspection, report)
  }
}

function resolveIssuer(name: string, issuer: IssuerOutput, surroundings: Surroundings) {
  const { files, environment } = surroundings
  const path = ['issuers', name]
  const keys: IssuerKeysConfiguration | null = resolveKeys(
    path,
    issuer,
    files,
    environment.overrides,
  )
  if (keys === null) return null
  const introspection =
    issuer.introspection &&
    resolveIntrospection([...path, 'introspection'], issuer.introspection, files)
  return {
    name,
    provider: issuer.provider,
    presets: issuer.presets,
    ...resolveIssuerNames(issuer),
    audiences: issuer.audiences ?? [],
    clientIds: issuer.clientIds ?? [],
    acceptsBound: issuer.boundTokens === 'accept',
    algorithms: issuer.algorithms,
    clockToleranceSeconds: issuer.clockToleranceMs / 1_000,
    requiredClaims: issuer.requiredClaims,
    types: issuer.types,
    keys,
    claims: issuer.claims,
    acceptsUnverifiedEmail: issuer.unverifiedEmail === 'accept',
    introspection,
    path: resolvePath(path, issuer, surroundings),
    logoutAudiences: issuer.logoutAudiences,
    logoutRevokes: issuer.logoutRevokes,
    credentialLifeMaxSeconds:
      issuer.credentialLifetimeMaxMs && Math.ceil(issuer.credentialLifetimeMaxMs / 1_000),
  }
}
