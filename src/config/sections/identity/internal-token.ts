/** `identity.internalToken`: the JWTs that the gateway mints for upstreams. */
import { KEY_SECRET_BYTES_MIN } from '../../../identity/derive-signing-key.ts'
import { isReservedMember } from '../../../identity/internal-token.ts'
import { INTERNAL_TOKEN_ALGORITHMS } from '../../../identity/signing-key.ts'
import type { SigningKeySource } from '../../../identity/signing-keys.ts'
import { claimPath } from '../../claim-setting.ts'
import type { ConfigPath, ReportProblem } from '../../config-error.ts'
import { checkSecret, resolveSecret, type SecretSettings } from '../../secret-setting.ts'
import type { Immutable } from '../../section.ts'
import {
  duration,
  listOf,
  named,
  type Output,
  oneOf,
  secretText,
  section,
  text,
  unlessAbsent,
} from '../../setting.ts'
import type { SettingFiles } from '../../setting-files.ts'
import type { IssuersSettings } from '../issuers/issuers.ts'

const MS_PER_SECOND = 1_000
/** More would not fit into the head of a request anyway. */
const CLAIMS_MAX = 32
const PATH = ['identity', 'internalToken']

export const internalTokenSchema = section(
  'The JWTs of the strategy `internal-token`. Upstreams verify them with the keys that the gateway ' +
    'publishes at `/.well-known/jwks.json`.',
  {
    issuer: text('`iss`. No issuer of clients may have the same.').prefault('gateway.internal'),
    audience: text('`aud`.').prefault('internal-services'),
    algorithm: oneOf('How tokens are signed.', INTERNAL_TOKEN_ALGORITHMS).prefault('ES256'),
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
    claims: named(
      'More claims of the token, each with the path of the claim that it repeats, whatever its ' +
        'type. Left out of tokens whose credential does not have it.',
      claimPath('Path of the claim.'),
      /^[\x21-\x7e]{1,128}$/,
      'must be the name of a claim: 1 to 128 characters of visible ASCII',
    ).prefault({}),
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
        algorithm: unlessAbsent(
          oneOf('As under `internalToken`, unless set.', INTERNAL_TOKEN_ALGORITHMS),
        ),
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

type InternalTokenOutput = Output<typeof internalTokenSchema>

export type InternalTokenConfiguration = Immutable<
  Pick<
    InternalTokenOutput,
    'issuer' | 'audience' | 'algorithm' | 'claims' | 'keyRotationMs' | 'upstreamCacheMs'
  >
> & { readonly ttlSeconds: number; readonly keys: SigningKeySource }

/** Checks everything that needs no file. */
export function checkInternalToken(
  internalToken: InternalTokenOutput,
  issuers: IssuersSettings['issuers'],
  report: ReportProblem,
): void {
  if (internalToken.ttlMs % MS_PER_SECOND !== 0) {
    report([...PATH, 'ttl'], 'must be whole seconds: claims know no smaller unit')
  }
  for (const [name, issuer] of issuers) {
    if (issuer?.issuer !== internalToken.issuer) continue
    report([...PATH, 'issuer'], `is the same as that of issuers.${name}: tokens would be mixed up`)
  }
  for (const name of Object.keys(internalToken.claims)) {
    if (isReservedMember(name)) {
      report([...PATH, 'claims', name], 'is a claim that only the gateway itself may set')
    }
  }
  if (Object.keys(internalToken.claims).length > CLAIMS_MAX) {
    report([...PATH, 'claims'], `must have at most ${CLAIMS_MAX} claims`)
  }
  const { keySecret, keySecretFile, keyFiles } = internalToken
  checkSecret(PATH, 'keySecret', internalToken, report)
  if (keyFiles !== null && (keySecret !== null || keySecretFile !== null)) {
    report([...PATH, 'keyFiles'], 'cannot be combined with a secret')
  }
  checkPreviousSecrets(internalToken, report)
}

function checkPreviousSecrets(
  { keySecret, keySecretFile, previousSecrets }: InternalTokenOutput,
  report: ReportProblem,
): void {
  if (previousSecrets.length > 0 && keySecret === null && keySecretFile === null) {
    report([...PATH, 'previousSecrets'], 'needs keySecret or keySecretFile beside it')
  }
  for (const [index, { secret, secretFile }] of previousSecrets.entries()) {
    if ((secret === null) === (secretFile === null)) {
      report([...PATH, 'previousSecrets', index], 'needs either secret or secretFile')
    }
  }
}

export function resolveInternalToken(
  settings: InternalTokenOutput,
  files: SettingFiles,
): InternalTokenConfiguration {
  const { issuer, audience, algorithm, claims, ttlMs, keyRotationMs, upstreamCacheMs } = settings
  return {
    issuer,
    audience,
    algorithm,
    claims,
    ttlSeconds: ttlMs / MS_PER_SECOND,
    keyRotationMs,
    upstreamCacheMs,
    keys: resolveKeys(settings, files),
  }
}

/** What cannot be read or is too short is a problem. */
function resolveKeys(settings: InternalTokenOutput, files: SettingFiles): SigningKeySource {
  const { algorithm, keyRotationMs, keySecret, keySecretFile, keyFiles, previousSecrets } = settings
  if (keyFiles !== null) {
    return { kind: 'files', path: files.existing([...PATH, 'keyFiles'], keyFiles) }
  }
  if (keySecret === null && keySecretFile === null) return { kind: 'generated' }
  return {
    kind: 'secret',
    secret: keySecretOf(PATH, 'keySecret', settings, files),
    published: previousSecrets.map((previous, index) => ({
      secret: keySecretOf([...PATH, 'previousSecrets', index], 'secret', previous, files),
      algorithm: previous.algorithm ?? algorithm,
      keyRotationMs: previous.keyRotation ?? keyRotationMs,
    })),
  }
}

function keySecretOf<Name extends string>(
  path: ConfigPath,
  name: Name,
  settings: SecretSettings<Name>,
  files: SettingFiles,
): Uint8Array {
  const secret = resolveSecret(path, name, settings, files)
  if (secret !== null && secret.bytes.length < KEY_SECRET_BYTES_MIN) {
    files.report(secret.at, `must hold at least ${KEY_SECRET_BYTES_MIN} bytes`)
  }
  // A copy of its own: small buffers share a pool with whatever else the process reads.
  return Uint8Array.from(secret?.bytes ?? [])
}
