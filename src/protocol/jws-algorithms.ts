/**
 * The JWS algorithms that Sallyport verifies (RFC 7518 §3.1, RFC 8037 §3.1): the one table of what
 * each demands of a key and which native code checks it.
 */

export const JWS_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'HS256',
  'HS384',
  'HS512',
] as const

export type JwsAlgorithm = (typeof JWS_ALGORITHMS)[number]

/**
 * Names of RFC 9864 that say the curve as well: each is exactly one of ours. `EdDSA` is Ed25519
 * alone here. The RFC has the three of ECDSA for COSE, where `ES256` left the curve open, and some
 * issuers write them into JWTs as well.
 */
const FULLY_SPECIFIED = {
  Ed25519: 'EdDSA',
  ESP256: 'ES256',
  ESP384: 'ES384',
  ESP512: 'ES512',
} as const satisfies Readonly<Record<string, JwsAlgorithm>>

export type JwsAlgorithmName = JwsAlgorithm | keyof typeof FULLY_SPECIFIED

/** Every name by which an algorithm may be called: in a header, in a key, in the configuration. */
export const JWS_ALGORITHM_NAMES: readonly [JwsAlgorithmName, ...JwsAlgorithmName[]] = [
  ...JWS_ALGORITHMS,
  ...(Object.keys(FULLY_SPECIFIED) as (keyof typeof FULLY_SPECIFIED)[]),
]

/** Native code that checks signatures: OpenSSL in Node itself, or ring behind a Rust binding. */
export type SignatureBackendName = 'openssl' | 'rust'

export interface JwsAlgorithmRow {
  /** The two may never meet in one issuer: a public key would become an HMAC secret. */
  readonly family: 'asymmetric' | 'symmetric'
  /** JWK `kty` (RFC 7518 §6.1, RFC 8037 §2) of the only keys that may verify it. */
  readonly keyType: 'RSA' | 'EC' | 'OKP' | 'oct'
  /** JWK `crv`, where the algorithm fixes it. */
  readonly curve: 'P-256' | 'P-384' | 'P-521' | 'Ed25519' | null
  /** Digest as OpenSSL names it; `null` where the scheme hashes by itself. */
  readonly hash: 'sha256' | 'sha384' | 'sha512' | null
  /** RSA padding. A PSS salt is as long as the digest (RFC 7518 §3.5). */
  readonly padding: 'pkcs1' | 'pss' | null
  /** Exact length of a signature; `null` for RSA, where it is that of the modulus. */
  readonly signatureBytes: number | null
  readonly backend: SignatureBackendName
}

/**
 * The backend is the cheaper one by `native-bench/signature-backends.ts`: microseconds of CPU for
 * one token of 800 characters, medians of interleaved rounds (2 shared cores, Xeon, Node 20.20).
 *
 *     |         | RS* | PS* | ES256 | ES384 | ES512 | EdDSA | HS* |
 *     | openssl |  22 |  24 |    71 |   487 |  1078 |    93 |   3 |
 *     | rust    |  32 |  33 |    65 |   531 |     - |    50 |   - |
 *
 * The same on Node 22 and 24, where docs/decisions/0001-verification-backends.md has the figures.
 */
export const JWS_ALGORITHM_TABLE: Readonly<Record<JwsAlgorithm, JwsAlgorithmRow>> = {
  RS256: rsa('sha256', 'pkcs1'),
  RS384: rsa('sha384', 'pkcs1'),
  RS512: rsa('sha512', 'pkcs1'),
  PS256: rsa('sha256', 'pss'),
  PS384: rsa('sha384', 'pss'),
  PS512: rsa('sha512', 'pss'),
  ES256: ellipticCurve('P-256', 'sha256', 64, 'rust'),
  ES384: ellipticCurve('P-384', 'sha384', 96, 'openssl'),
  ES512: ellipticCurve('P-521', 'sha512', 132, 'openssl'),
  EdDSA: {
    family: 'asymmetric',
    keyType: 'OKP',
    curve: 'Ed25519',
    hash: null,
    padding: null,
    signatureBytes: 64,
    backend: 'rust',
  },
  HS256: hmac('sha256', 32),
  HS384: hmac('sha384', 48),
  HS512: hmac('sha512', 64),
}

function rsa(hash: JwsAlgorithmRow['hash'], padding: 'pkcs1' | 'pss'): JwsAlgorithmRow {
  return {
    family: 'asymmetric',
    keyType: 'RSA',
    curve: null,
    hash,
    padding,
    signatureBytes: null,
    backend: 'openssl',
  }
}

function ellipticCurve(
  curve: JwsAlgorithmRow['curve'],
  hash: JwsAlgorithmRow['hash'],
  signatureBytes: number,
  backend: SignatureBackendName,
): JwsAlgorithmRow {
  return {
    family: 'asymmetric',
    keyType: 'EC',
    curve,
    hash,
    padding: null,
    signatureBytes,
    backend,
  }
}

function hmac(hash: JwsAlgorithmRow['hash'], signatureBytes: number): JwsAlgorithmRow {
  return {
    family: 'symmetric',
    keyType: 'oct',
    curve: null,
    hash,
    padding: null,
    signatureBytes,
    backend: 'openssl',
  }
}

/**
 * The algorithm that a name means.
 *
 * @returns `null` when it is not, to the letter, one of {@link JWS_ALGORITHM_NAMES}: `none` in any
 *   case is not.
 */
export function jwsAlgorithmOf(name: unknown): JwsAlgorithm | null {
  // `hasOwn`, because the name comes from a token: `constructor` is no algorithm.
  if (typeof name !== 'string') return null
  if (Object.hasOwn(JWS_ALGORITHM_TABLE, name)) return name as JwsAlgorithm
  if (!Object.hasOwn(FULLY_SPECIFIED, name)) return null
  return FULLY_SPECIFIED[name as keyof typeof FULLY_SPECIFIED]
}
