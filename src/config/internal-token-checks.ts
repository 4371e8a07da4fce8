/** What must hold for internal tokens, and their settings completed with what files hold. */
import type { Complain } from './config-error.ts'
import type {
  InternalTokenConfiguration,
  InternalTokenKeysConfiguration,
} from './identity-configuration.ts'
import type { InternalTokenOutput } from './internal-token-settings.ts'
import type { SettingFiles } from './setting-files.ts'
import type { UnderstoodSettings } from './understood-settings.ts'

const MS_PER_SECOND = 1_000
const PATH = ['identity', 'internalToken']
/** The shortest secret that is taken. Its length is all that can be judged, not its randomness. */
const KEY_SECRET_BYTES_MIN = 32

/** Checks everything that needs no file. */
export function checkInternalToken(settings: UnderstoodSettings, complain: Complain): void {
  const internalToken = settings.identity?.internalToken
  if (internalToken === undefined) return
  if (internalToken.ttlMs % MS_PER_SECOND !== 0) {
    complain([...PATH, 'ttl'], 'must be whole seconds: claims know no smaller unit')
  }
  for (const [name, issuer] of settings.issuers) {
    if (issuer?.issuer !== internalToken.issuer) continue
    complain(
      [...PATH, 'issuer'],
      `is the same as that of issuers.${name}: tokens would be mixed up`,
    )
  }
  const { keySecret, keySecretFile, keyFiles } = internalToken
  if (keySecret !== null && keySecretFile !== null) {
    complain([...PATH, 'keySecretFile'], 'cannot be combined with keySecret')
  }
  if (keyFiles !== null && (keySecret !== null || keySecretFile !== null)) {
    complain([...PATH, 'keyFiles'], 'cannot be combined with a secret')
  }
  checkPreviousSecrets(internalToken, complain)
  settings.routes.forEach((route, index) => {
    if (route?.authenticate === 'none' && route.identity === 'internal-token') {
      complain(
        ['routes', index, 'identity'],
        'needs a caller that is known: internal-token cannot be combined with authenticate: none',
      )
    }
  })
}

function checkPreviousSecrets(
  { keySecret, keySecretFile, previousSecrets }: InternalTokenOutput,
  complain: Complain,
): void {
  if (previousSecrets.length > 0 && keySecret === null && keySecretFile === null) {
    complain([...PATH, 'previousSecrets'], 'needs keySecret or keySecretFile beside it')
  }
  for (const [index, { secret, secretFile }] of previousSecrets.entries()) {
    if ((secret === null) === (secretFile === null)) {
      complain([...PATH, 'previousSecrets', index], 'needs either secret or secretFile')
    }
  }
}

export function resolveInternalToken(
  settings: InternalTokenOutput,
  files: SettingFiles,
): InternalTokenConfiguration {
  const { issuer, audience, algorithm, ttlMs, keyRotationMs, upstreamCacheMs } = settings
  return {
    issuer,
    audience,
    algorithm,
    ttlSeconds: ttlMs / MS_PER_SECOND,
    keyRotationMs,
    upstreamCacheMs,
    keys: resolveKeys(settings, files),
  }
}

/** What cannot be read or is too short is a complaint. */
function resolveKeys(
  {
    algorithm,
    keyRotationMs,
    keySecret,
    keySecretFile,
    keyFiles,
    previousSecrets,
  }: InternalTokenOutput,
  files: SettingFiles,
): InternalTokenKeysConfiguration {
  if (keyFiles !== null) {
    return { kind: 'files', path: files.existing([...PATH, 'keyFiles'], keyFiles) }
  }
  if (keySecret === null && keySecretFile === null) return { kind: 'generated' }
  const own = { value: keySecret, file: keySecretFile }
  return {
    kind: 'secret',
    secret: resolveSecret(own, PATH, ['keySecret', 'keySecretFile'], files),
    published: previousSecrets.map((previous, index) => ({
      secret: resolveSecret(
        { value: previous.secret, file: previous.secretFile },
        [...PATH, 'previousSecrets', index],
        ['secret', 'secretFile'],
        files,
      ),
      algorithm: previous.algorithm ?? algorithm,
      keyRotationMs: previous.keyRotation ?? keyRotationMs,
    })),
  }
}

function resolveSecret(
  { value, file }: { readonly value: string | null; readonly file: string | null },
  path: readonly (string | number)[],
  [valueName, fileName]: readonly [string, string],
  files: SettingFiles,
): Uint8Array {
  const at = [...path, file === null ? valueName : fileName]
  const secret = file === null ? Buffer.from(value ?? '', 'utf8') : files.secret(at, file)
  if (secret !== null && secret.length < KEY_SECRET_BYTES_MIN) {
    files.complain(at, `must hold at least ${KEY_SECRET_BYTES_MIN} bytes`)
  }
  // A copy of its own: small buffers share a pool with whatever else the process reads.
  return Uint8Array.from(secret ?? [])
}
