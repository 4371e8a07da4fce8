/** What must hold within one issuer: keys that fit its algorithms, and one place to get them. */

import { httpUrl, isConfidentialUrl } from '../protocol/http-url.ts'
import type { JwsAlgorithm } from '../protocol/jws-algorithms.ts'
import type { Complain, ConfigPath } from './config-error.ts'
import { checkIntrospection } from './credential-checks.ts'
import type { IssuerOutput, JwksOutput } from './issuer-settings.ts'

/** Least length of a shared secret: that of the hash (RFC 7518 §3.2). */
const SECRET_BYTES_MIN: Readonly<Partial<Record<JwsAlgorithm, number>>> = {
  HS256: 32,
  HS384: 48,
  HS512: 64,
}

export function isSymmetric(algorithm: JwsAlgorithm): boolean {
  return SECRET_BYTES_MIN[algorithm] !== undefined
}

/** Bytes that a secret for all of these algorithms needs. */
export function secretBytesMin(algorithms: readonly JwsAlgorithm[]): number {
  return Math.max(0, ...algorithms.map((algorithm) => SECRET_BYTES_MIN[algorithm] ?? 0))
}

/** Checks one well-formed issuer. Opens no file. */
export function checkIssuer(path: ConfigPath, issuer: IssuerOutput, complain: Complain): void {
  const symmetric = issuer.algorithms.filter(isSymmetric)
  if (symmetric.length > 0 && symmetric.length < issuer.algorithms.length) {
    complain(
      [...path, 'algorithms'],
      'must not mix shared secrets (HS*) with public keys: whoever can verify could then sign',
    )
  } else {
    checkKeySource(path, issuer, symmetric.length > 0, complain)
  }
  if (issuer.clockToleranceMs % 1_000 !== 0) {
    complain([...path, 'clockTolerance'], 'must be whole seconds: claims know no smaller unit')
  }
  if (issuer.jwks !== null) checkJwks(path, issuer.issuer, issuer.jwks, complain)
  if (issuer.introspection !== null) {
    checkIntrospection([...path, 'introspection'], issuer.introspection, complain)
  }
}

function checkKeySource(
  path: ConfigPath,
  { jwks, secret, secretFile, introspection }: IssuerOutput,
  needsSecret: boolean,
  complain: Complain,
): void {
  if (secret !== null && secretFile !== null) {
    complain([...path, 'secretFile'], 'cannot be combined with secret')
  }
  const secretKey = secret === null ? 'secretFile' : 'secret'
  const hasSecret = secret !== null || secretFile !== null
  if (needsSecret && !hasSecret) {
    complain([...path, 'secret'], 'or secretFile is required for HS256, HS384 and HS512')
  }
  if (needsSecret && jwks !== null) {
    complain([...path, 'jwks'], 'cannot be combined with HS256, HS384 or HS512')
  }
  if (!needsSecret && hasSecret) {
    complain([...path, secretKey], 'is only for issuers whose algorithms are HS256, HS384 or HS512')
  }
  if (!needsSecret && jwks === null && introspection === null) {
    complain([...path, 'jwks'], 'is required, unless there is introspection')
  }
}

function checkJwks(path: ConfigPath, iss: string, jwks: JwksOutput, complain: Complain): void {
  const sources = [jwks.uri !== null, jwks.discovery, jwks.file !== null].filter(Boolean).length
  if (sources !== 1) {
    complain([...path, 'jwks'], 'must have exactly one of uri, discovery: true and file')
  }
  if (jwks.uri !== null) requireConfidential([...path, 'jwks', 'uri'], jwks.uri, jwks, complain)
  if (jwks.discovery) {
    if (httpUrl(iss) === null || iss.includes('?')) {
      complain(
        [...path, 'issuer'],
        'must be a URL without query, because jwks.discovery starts there',
      )
    } else {
      requireConfidential([...path, 'issuer'], iss, jwks, complain)
    }
  }
}

function requireConfidential(
  path: ConfigPath,
  url: string,
  { allowInsecureHttp }: JwksOutput,
  complain: Complain,
): void {
  if (!allowInsecureHttp && !isConfidentialUrl(url)) {
    complain(path, 'must be https, or jwks.allowInsecureHttp set: keys decide who is let in')
  }
}
