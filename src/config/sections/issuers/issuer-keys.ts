/** The keys of an issuer: public ones from somewhere, or a secret shared with the gateway. */
import { JWS_ALGORITHM_TABLE, type JwsAlgorithm } from '../../../protocol/jws-algorithms.ts'
import type { ConfigPath, ReportProblem } from '../../config-error.ts'
import type { EnvironmentReading } from '../../environment.ts'
import { checkSecret, resolveSecret } from '../../secret-setting.ts'
import type { SettingFiles } from '../../setting-files.ts'
import { discoveryIssuer, type IssuerValues } from './issuer-names.ts'
import { checkJwks, type JwksConfiguration, type JwksOutput, resolveJwks } from './jwks.ts'

/** As much of the settings of an issuer as is about its keys. */
interface KeySettings {
  readonly issuer: string
  readonly issuerValues: IssuerValues | null
  readonly algorithms: readonly JwsAlgorithm[]
  readonly jwks: JwksOutput | null
  readonly secret: string | null
  readonly secretFile: string | null
  readonly introspection: object | null
}

/** `none`: tokens of this issuer are introspected only. */
export type IssuerKeysConfiguration =
  | { readonly kind: 'none' }
  | { readonly kind: 'secret'; readonly secret: Uint8Array }
  | ({ readonly kind: 'jwks' } & JwksConfiguration)

function isSymmetric(algorithm: JwsAlgorithm): boolean {
  return JWS_ALGORITHM_TABLE[algorithm].family === 'symmetric'
}

/** A secret is at least as long as the hash (RFC 7518 §3.2), which is the signature. */
function secretBytesMin(algorithms: readonly JwsAlgorithm[]): number {
  const symmetric = algorithms.filter(isSymmetric)
  return Math.max(0, ...symmetric.map((name) => JWS_ALGORITHM_TABLE[name].signatureBytes ?? 0))
}

/** Checks that there is one source of keys, and that it fits the algorithms. */
export function checkKeySource(
  path: ConfigPath,
  settings: KeySettings,
  report: ReportProblem,
): void {
  const symmetric = settings.algorithms.filter(isSymmetric)
  if (symmetric.length > 0 && symmetric.length < settings.algorithms.length) {
    report(
      [...path, 'algorithms'],
      'must not mix shared secrets (HS*) with public keys: anyone who can verify could then sign',
    )
  } else {
    checkOneSource(path, settings, symmetric.length > 0, report)
  }
  if (settings.jwks !== null) checkJwks(path, discoveryIssuer(settings), settings.jwks, report)
}

function checkOneSource(
  path: ConfigPath,
  settings: KeySettings,
  needsSecret: boolean,
  report: ReportProblem,
): void {
  const { jwks, secret, secretFile, introspection } = settings
  checkSecret(path, 'secret', settings, report)
  const secretKey = secret === null ? 'secretFile' : 'secret'
  const hasSecret = secret !== null || secretFile !== null
  if (needsSecret && !hasSecret) {
    report([...path, 'secret'], 'or secretFile is required for HS256, HS384 and HS512')
  }
  if (needsSecret && jwks !== null) {
    report([...path, 'jwks'], 'cannot be combined with HS256, HS384 or HS512')
  }
  if (!needsSecret && hasSecret) {
    report([...path, secretKey], 'is only for issuers whose algorithms are HS256, HS384 or HS512')
  }
  if (!needsSecret && jwks === null && introspection === null) {
    report([...path, 'jwks'], 'is required, unless there is introspection')
  }
}

export function resolveKeys(
  path: ConfigPath,
  issuer: KeySettings,
  files: SettingFiles,
  overrides: EnvironmentReading['overrides'],
): IssuerKeysConfiguration | null {
  if (issuer.algorithms.some(isSymmetric)) return resolveSharedSecret(path, issuer, files)
  if (issuer.jwks === null && issuer.introspection !== null) return { kind: 'none' }
  if (issuer.jwks === null) return null
  return { kind: 'jwks', ...resolveJwks([...path, 'jwks'], issuer.jwks, files, overrides) }
}

function resolveSharedSecret(
  path: ConfigPath,
  issuer: KeySettings,
  files: SettingFiles,
): IssuerKeysConfiguration | null {
  const secret = resolveSecret(path, 'secret', issuer, files)
  // What is missing altogether has been reported.
  if (secret === null) return null
  const { bytes, at } = secret
  const least = secretBytesMin(issuer.algorithms)
  if (bytes.length < least) {
    files.report(at, `must hold at least ${least} bytes for these algorithms`)
  }
  // A copy of its own: small buffers share a pool with whatever else the process reads.
  return { kind: 'secret', secret: Uint8Array.from(bytes) }
}
