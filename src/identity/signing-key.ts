/** A key pair that signs internal tokens, in plain texts that survive the way to another thread. */
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto'
import { assertInvariant } from '../runtime/assert-invariant.ts'

/** Algorithms that internal tokens may be signed with (RFC 7518 §3.4, RFC 8037 §3.1). */
export const INTERNAL_TOKEN_ALGORITHMS = ['ES256', 'EdDSA'] as const

export type InternalTokenAlgorithm = (typeof INTERNAL_TOKEN_ALGORITHMS)[number]

/** A public key as it is published (RFC 7517 §4): exactly these members, nothing private. */
export interface PublicSigningJwk {
  readonly kty: 'EC' | 'OKP'
  readonly crv: 'P-256' | 'Ed25519'
  readonly x: string
  /** Of a point on P-256 only; an Ed25519 key has none. */
  readonly y?: string
  readonly kid: string
  readonly alg: InternalTokenAlgorithm
  readonly use: 'sig'
}

export interface SigningKey {
  /** `kid`: the thumbprint of the public key (RFC 7638), so that one key has one name anywhere. */
  readonly keyId: string
  readonly algorithm: InternalTokenAlgorithm
  /** PKCS#8. Secret: never logged, never published. */
  readonly privateKeyPem: string
  readonly publicJwk: PublicSigningJwk
}

/** A new key from the system's randomness. Blocks for about 0.1 ms. */
export function generateSigningKey(algorithm: InternalTokenAlgorithm): SigningKey {
  const key = signingKeyOfPem(algorithm === 'ES256' ? p256PrivateKey() : ed25519PrivateKey())
  assertInvariant(key !== null, 'OpenSSL reads the key that it has made')
  return key
}

// As text at once: Node 20 can deadlock when a key object of a finished generator is exported.

function p256PrivateKey(): string {
  return generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  }).privateKey
}

function ed25519PrivateKey(): string {
  return generateKeyPairSync('ed25519', {
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  }).privateKey
}

/**
 * Reads a private key in PEM, PKCS#8 or SEC 1, without a passphrase. The curve decides the
 * algorithm. Never throws.
 *
 * @returns `null` for anything but a P-256 or an Ed25519 private key.
 */
export function signingKeyOfPem(pem: string): SigningKey | null {
  try {
    const privateKey = createPrivateKey(pem)
    const { kty, crv, x, y } = createPublicKey(privateKey).export({ format: 'jwk' })
    const publicJwk = publicJwkOf(kty, crv, x, y)
    if (publicJwk === null) return null
    return Object.freeze({
      keyId: publicJwk.kid,
      algorithm: publicJwk.alg,
      privateKeyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      publicJwk,
    })
  } catch {
    return null
  }
}

function publicJwkOf(
  kty: string | undefined,
  crv: string | undefined,
  x: string | undefined,
  y: string | undefined,
): PublicSigningJwk | null {
  if (x === undefined) return null
  // RFC 7638 §3: the required members and no others, in alphabetical order, without spaces.
  if (kty === 'EC' && crv === 'P-256' && y !== undefined) {
    const kid = thumbprint(JSON.stringify({ crv, kty, x, y }))
    return Object.freeze({ kty, crv, x, y, kid, alg: 'ES256', use: 'sig' })
  }
  if (kty === 'OKP' && crv === 'Ed25519') {
    const kid = thumbprint(JSON.stringify({ crv, kty, x }))
    return Object.freeze({ kty, crv, x, kid, alg: 'EdDSA', use: 'sig' })
  }
  return null
}

function thumbprint(canonical: string): string {
  return createHash('sha256').update(canonical).digest('base64url')
}
