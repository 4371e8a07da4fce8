/** Settings of the parties whose tokens are accepted. */

import { httpUrl } from '../protocol/http-url.ts'
import { JWS_ALGORITHMS } from '../protocol/jws-algorithms.ts'
import { introspectionSchema } from './introspection-settings.ts'
import {
  duration,
  flag,
  judgedText,
  listOf,
  named,
  type Output,
  oneOf,
  patternText,
  secretText,
  section,
  text,
  unlessAbsent,
} from './setting.ts'

const jwks = section('Where public keys come from: exactly one of `uri`, `discovery` and `file`.', {
  uri: unlessAbsent(
    judgedText(
      'URL of the key set. https, unless the host is loopback or `allowInsecureHttp` is set.',
      httpUrl,
      'must be an absolute http or https URL without credentials and fragment',
    ),
  ),
  discovery: flag(
    "Take the URL from the issuer's metadata, at `/.well-known/openid-configuration` below " +
      '`issuer`.',
  ).prefault(false),
  file: unlessAbsent(text('File that holds the key set. Relative to the configuration file.')),
  cacheTtl: duration(
    'How long a fetched set counts as fresh. It is refreshed at the latest at 75 % of this. ' +
      '`JWKS_CACHE_TTL` wins.',
    { minimum: '1s', maximum: '24h' },
  ).prefault('300s'),
  refreshInterval: duration(
    'Time between background refreshes: how long a key that was withdrawn may stay good. ' +
      '`JWKS_REFRESH_INTERVAL` wins.',
    { minimum: '1s', maximum: '24h' },
  ).prefault('60s'),
  unknownKidCooldown: duration(
    'How long a `kid` that a fetch did not bring is known to be unknown. Fetches that tokens cause ' +
      '(unknown `kid`s, bad signatures) are bounded too: six at once, then one every sixth of ' +
      'this. While none can be had, tokens with a `kid` that nobody has asked about get 503, and ' +
      'so do those with a bad signature that are newer than the keys.',
    { minimum: '0s', maximum: '1h' },
  ).prefault('30s'),
  staleMaxAge: duration(
    'How old a set may become while refreshes fail. After that nothing can be decided: 503.',
    { minimum: '0s', maximum: '168h' },
  ).prefault('3600s'),
  timeout: duration('Time for one whole fetch, connect to last byte.', {
    minimum: '10ms',
    maximum: '60s',
  }).prefault('2s'),
  diskCache: unlessAbsent(
    text(
      'Directory for the last good set, so that a restart during an outage of the identity ' +
        'provider still serves. Relative to the configuration file.',
    ),
  ),
  allowInsecureHttp: flag(
    'Fetch keys over plain http from other machines. Whoever can change that traffic can then ' +
      'forge any token.',
  ).prefault(false),
  alertOnStale: flag('Log a warning while operating on stale keys.').prefault(true),
}).transform(
  ({ cacheTtl, refreshInterval, unknownKidCooldown, staleMaxAge, timeout, ...rest }) => ({
    ...rest,
    cacheTtlMs: cacheTtl,
    refreshIntervalMs: refreshInterval,
    unknownKidCooldownMs: unknownKidCooldown,
    staleMaxAgeMs: staleMaxAge,
    timeoutMs: timeout,
  }),
)

function claimName(what: string) {
  return unlessAbsent(text(what))
}

const claims = section(
  'Which claim holds which part of the identity. Names are taken literally. `null`: not read.',
  {
    subject: text('Who is calling. Must be a non-empty string in every token.').prefault('sub'),
    email: claimName('E-mail address.').prefault('email'),
    roles: claimName('Roles: a list, or text separated by spaces.').prefault('roles'),
    scopes: claimName('Scopes: text separated by spaces, or a list.').prefault('scope'),
    tenant: claimName('Tenant.').prefault('tenant_id'),
    organisation: claimName('Organisation.').prefault('org_id'),
  },
)

const issuer = section('One issuer of tokens.', {
  issuer: text(
    'Exactly what `iss` holds in its tokens, to the last slash. No two issuers may share it.',
  ),
  audiences: listOf(
    'A token must name one of these in `aud`: a token for another service is not good here.',
    text('Audience.'),
    { minimum: 1 },
  ),
  algorithms: listOf(
    'Signature algorithms that are accepted. HS* needs a shared secret, the others need public ' +
      'keys; one issuer cannot have both.',
    oneOf('Algorithm.', JWS_ALGORITHMS),
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
  jwks: unlessAbsent(jwks),
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
  claims: claims.prefault({}),
  introspection: unlessAbsent(introspectionSchema),
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

export const issuerSchema = issuer.transform(
  ({ clockTolerance, credentialLifetimeMax, ...rest }) => ({
    ...rest,
    clockToleranceMs: clockTolerance,
    credentialLifetimeMaxMs: credentialLifetimeMax,
  }),
)

export const issuersSchema = named(
  'The parties whose tokens are accepted, by a name of your choice.',
  issuerSchema,
)

export type IssuerOutput = Output<typeof issuerSchema>
export type JwksOutput = Output<typeof jwks>
