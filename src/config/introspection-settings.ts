/** Settings of the introspection of opaque tokens (RFC 7662), one section an issuer. */
import { httpUrl } from './network-address.ts'
import {
  duration,
  flag,
  judgedText,
  type Output,
  oneOf,
  secretText,
  section,
  text,
  unlessAbsent,
  wholeNumber,
} from './setting.ts'

const circuitBreaker = section(
  'Spares an endpoint that fails, and the requests that would wait for it. One for all threads.',
  {
    failureThreshold: wholeNumber('Failed attempts in a row after which no more are made.', {
      minimum: 1,
      maximum: 255,
    }).prefault(5),
    recoveryTimeout: duration(
      'Time until requests of clients try the endpoint again. Meanwhile the gateway itself asks it ' +
        'about a token that nobody has, every 500 ms at first and every 5 s later, and only while ' +
        'requests come; once it answers, they pass.',
      {
        minimum: '100ms',
        maximum: '10m',
      },
    ).prefault('30s'),
    halfOpenRequests: wholeNumber('Attempts that must succeed then, at most so many at a time.', {
      minimum: 1,
      maximum: 100,
    }).prefault(2),
  },
).transform(({ recoveryTimeout, ...rest }) => ({ ...rest, recoveryTimeoutMs: recoveryTimeout }))

export const introspectionSchema = section(
  'Ask the issuer about tokens that are not JWTs of a known issuer (RFC 7662). Routes ask for it ' +
    'with `introspection`.',
  {
    endpoint: judgedText(
      'URL of the endpoint. https, unless the host is loopback or `allowInsecureHttp` is set.',
      httpUrl,
      'must be an absolute http or https URL without credentials and fragment',
    ),
    allowInsecureHttp: flag(
      'Send tokens and the secret over plain http to other machines. Whoever can see that ' +
        'traffic has them then.',
    ).prefault(false),
    clientId: text('Name of this gateway at the issuer.'),
    clientSecret: unlessAbsent(
      secretText(`Its secret. Take it from the environment, as \${NAME}.`),
    ),
    clientSecretFile: unlessAbsent(
      text('File that holds the secret instead. Relative to the configuration file.'),
    ),
    privateKeyFile: unlessAbsent(
      text('PEM file of its private key, for `private_key_jwt`. Relative to this file.'),
    ),
    privateKeyId: unlessAbsent(text('`kid` of that key at the issuer.')),
    clientAuthentication: oneOf('How this gateway proves who it is (OpenID Connect Core §9).', [
      'client_secret_basic',
      'client_secret_post',
      'private_key_jwt',
    ]).prefault('client_secret_basic'),
    requireAudience: flag(
      'Refuse an answer without `aud`. RFC 7662 lets issuers leave it out, because they answer ' +
        'to this gateway about tokens for it; an `aud` that is there is always checked.',
    ).prefault(false),
    timeout: duration('Time for all attempts together.', {
      minimum: '10ms',
      maximum: '30s',
    }).prefault('500ms'),
    attempts: wholeNumber('Attempts at most.', { minimum: 1, maximum: 10 }).prefault(2),
    retryDelay: duration('Time between attempts.', { minimum: '0s', maximum: '10s' }).prefault(
      '50ms',
    ),
    cacheTtl: duration(
      'How long an active token counts as active without asking again: how long one that was ' +
        'revoked may stay good.',
      { minimum: '1s', maximum: '1h' },
    ).prefault('30s'),
    inactiveTtl: duration('How long an inactive token is refused without asking again.', {
      minimum: '0s',
      maximum: '60s',
    }).prefault('10s'),
    onOutage: oneOf(
      'What happens when the endpoint cannot be asked. `use-cached-or-reject`: the last answer ' +
        'counts while it is at most `staleMaxAge` old, otherwise 503. `reject-all`: 503. ' +
        '`pass-through`: the request goes on without an identity, marked with ' +
        '`X-Auth-Status: unverified`; needs `iUnderstand: true`.',
      ['use-cached-or-reject', 'reject-all', 'pass-through'],
    ).prefault('use-cached-or-reject'),
    iUnderstand: flag(
      'Confirms `onOutage: pass-through`: whoever can make the endpoint fail can then send ' +
        'requests upstream that nobody has authenticated.',
    ).prefault(false),
    staleMaxAge: duration('How old an answer may be that is used during an outage.', {
      minimum: '0s',
      maximum: '24h',
    }).prefault('300s'),
    circuitBreaker: circuitBreaker.prefault({}),
  },
).transform(({ timeout, retryDelay, cacheTtl, inactiveTtl, staleMaxAge, ...rest }) => ({
  ...rest,
  timeoutMs: timeout,
  retryDelayMs: retryDelay,
  cacheTtlMs: cacheTtl,
  inactiveTtlMs: inactiveTtl,
  staleMaxAgeMs: staleMaxAge,
}))

export type IntrospectionOutput = Output<typeof introspectionSchema>
