/**
 * Derives the signing key of an epoch from a secret, so that all instances which know the secret
 * have the same keys without a word between them.
 *
 *     secret ── HKDF-SHA-256 (RFC 5869) ── info: algorithm, length of an epoch, its number
 *                     │
 *                     ├─ EdDSA: 32 bytes are the seed (RFC 8032 §5.1.5)
 *                     └─ ES256: 48 bytes are a number; modulo n - 1, plus 1, it is the scalar
 *                               (FIPS 186-5 §A.2.1: 128 bits more than needed, so that the
 *                               remainder favours no scalar by more than 2^-128)
 *
 * The price: anyone who learns the secret has every key, past and future. And anyone who has a
 * public key can guess secrets offline, so the secret has to be random, not a password.
 */
import { createECDH, hkdfSync } from 'node:crypto'
import { assertInvariant } from '../runtime/assert-invariant.ts'
import { type InternalTokenAlgorithm, type SigningKey, signingKeyOfPem } from './signing-key.ts'

/** The shortest secret that is taken. Its length is all that can be checked, not its randomness. */
export const KEY_SECRET_BYTES_MIN = 32

/** Separates these keys from anything else that may ever be derived from the same secret. */
const SALT = 'sallyport internal token signing key, version 1'

const ED25519_SEED_BYTES = 32
const P256_SCALAR_BYTES = 32
/** 256 bits, and 128 more. */
const P256_MATERIAL_BYTES = 48
/** The order n of the base point of P-256 (FIPS 186-5, SP 800-186 §3.2.1.3). */
const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n

/** What stands before the seed in the PKCS#8 form of an Ed25519 key (RFC 8410 §7). */
const ED25519_PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')
/** The same before a P-256 scalar (RFC 5915 §3, RFC 5480 §2.1.1). */
const P256_PKCS8_PREFIX = Buffer.from(
  '308187020100301306072a8648ce3d020106082a8648ce3d030107046d306b0201010420',
  'hex',
)
/** Between the scalar and the uncompressed point. */
const P256_PKCS8_POINT = Buffer.from('a144034200', 'hex')

/** Of which key, for which stretch of time. */
export interface SigningEpoch {
  readonly algorithm: InternalTokenAlgorithm
  /** Length of an epoch. Part of the derivation: other lengths have other keys. */
  readonly keyRotationMs: number
  /** Whole epochs since 1970. */
  readonly number: number
}

/**
 * Always the same key for the same secret and epoch. Arithmetic with BigInt takes a time that
 * depends on the number, but it is done once an epoch, and no request causes it: a client cannot
 * measure it repeatedly.
 */
export function deriveSigningKey(secret: Uint8Array, epoch: SigningEpoch): SigningKey {
  assertInvariant(secret.byteLength >= KEY_SECRET_BYTES_MIN, 'the secret has been checked')
  const isEd25519 = epoch.algorithm === 'EdDSA'
  const info = `${epoch.algorithm} ${epoch.keyRotationMs} ${epoch.number}`
  const sizeBytes = isEd25519 ? ED25519_SEED_BYTES : P256_MATERIAL_BYTES
  const material = Buffer.from(hkdfSync('sha256', secret, SALT, info, sizeBytes))
  const pkcs8 = isEd25519 ? Buffer.concat([ED25519_PKCS8_PREFIX, material]) : p256Pkcs8(material)
  const body = pkcs8.toString('base64')
  const key = signingKeyOfPem(`-----BEGIN PRIVATE KEY-----\n${body}\n-----END PRIVATE KEY-----\n`)
  assertInvariant(key !== null, 'every scalar from 1 to n - 1 and every seed is a key')
  return key
}

function p256Pkcs8(material: Buffer): Buffer {
  const number = (BigInt(`0x${material.toString('hex')}`) % (P256_ORDER - 1n)) + 1n
  const scalar = Buffer.from(number.toString(16).padStart(P256_SCALAR_BYTES * 2, '0'), 'hex')
  const ecdh = createECDH('prime256v1')
  ecdh.setPrivateKey(scalar)
  return Buffer.concat([P256_PKCS8_PREFIX, scalar, P256_PKCS8_POINT, ecdh.getPublicKey()])
}
