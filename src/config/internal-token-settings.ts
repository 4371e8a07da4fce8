/** Settings of internal tokens: the JWTs that the gateway mints for upstreams. */
import {
  duration,
  listOf,
  type Output,
  oneOf,
  secretText,
  section,
  text,
  unlessAbsent,
} from './setting.ts'

export const internalTokenSchema = section(
  'The JWTs of the strategy `internal-token`. Upstreams verify them with the keys that the gateway ' +
    'publishes at `/.well-known/jwks.json`.',
  {
    issuer: text('`iss`. No issuer of clients may have the same.').prefault('gateway.internal'),
    audience: text('`aud`.').prefault('internal-services'),
    algorithm: oneOf('How tokens are signed.', ['ES256', 'EdDSA']).prefault('ES256'),
    ttl: duration(
      'Longest life of a token, in whole seconds. It also ends when the credential of the client ' +
        'does. Nothing revokes it before.',
      { minimum: '1s', maximum: '300s' },
    ).prefault('300s'),
    keyRotation: duration(
      'How long a key signs before the next one does. With `keyFiles`, adding a file rotates.',
      { minimum: '5m', maximum: '8760h' },
    ).prefault('24h'),
    upstreamCacheTtl: duration(
      'Longest time for which upstreams keep the published keys: each key is published for so long ' +
        'before it signs, and answers say so in `Cache-Control`. At most a quarter of ' +
        '`keyRotation` counts.',
      { minimum: '0s', maximum: '24h' },
    ).prefault('10m'),
    keySecret: unlessAbsent(
      secretText(
        'At least 32 random bytes from which all instances derive the same keys. Without it and ' +
          'without `keyFiles`, each process makes keys of its own: for one instance only. ' +
          `Take it from the environment, as \${NAME}.`,
      ),
    ),
    keySecretFile: unlessAbsent(
      text('File that holds the secret instead. Relative to the configuration file.'),
    ),
    previousSecrets: listOf(
      'Secrets whose keys are published and do not sign, so that a rolling change of secret, ' +
        'algorithm or rotation rejects no token: list the next one first, then exchange the two, ' +
        'then remove the last one.',
      section('What the other keys are derived from.', {
        secret: unlessAbsent(secretText('At least 32 random bytes.')),
        secretFile: unlessAbsent(
          text('File that holds the secret instead. Relative to the configuration file.'),
        ),
        algorithm: unlessAbsent(oneOf('As under `internalToken`, unless set.', ['ES256', 'EdDSA'])),
        keyRotation: unlessAbsent(
          duration('As under `internalToken`, unless set.', { minimum: '5m', maximum: '8760h' }),
        ),
      }),
    ).prefault([]),
    keyFiles: unlessAbsent(
      text(
        'File with a private key in PEM, or directory of `*.pem`, of which the last by name signs. ' +
          'The same ones for all instances. Looked at again every ten seconds. Relative to the ' +
          'configuration file.',
      ),
    ),
  },
).transform(({ ttl, keyRotation, upstreamCacheTtl, ...rest }) => ({
  ...rest,
  ttlMs: ttl,
  keyRotationMs: keyRotation,
  upstreamCacheMs: upstreamCacheTtl,
}))

export type InternalTokenOutput = Output<typeof internalTokenSchema>
