/** Checks signatures with OpenSSL, through `node:crypto` (RFC 7518 §3, RFC 8037 §3.1). */
import {
  constants,
  createHmac,
  createPublicKey,
  createSecretKey,
  type KeyObject,
  timingSafeEqual,
  type VerifyKeyObjectInput,
  verify,
} from 'node:crypto'
import { JWS_ALGORITHM_TABLE, type JwsAlgorithmRow } from '../../protocol/jws-algorithms.ts'
import { fitsAlgorithm } from '../../protocol/key-algorithms.ts'
import { keyWithOptions } from '../../protocol/native-key.ts'
import {
  type SignatureKey,
  type SignatureVerdict,
  type SignatureVerifier,
  UNUSABLE_KEY,
} from './signature-backend.ts'

/**
 * Signing inputs are written here instead of into a new buffer each. One is enough: checking is
 * synchronous. Longer tokens, which the default limits do not let through, get their own.
 */
const SCRATCH = Buffer.allocUnsafeSlow(16_384)

/**
 * Prepares a key. The algorithm comes with the key, so a token cannot choose it, and a key of
 * another type or curve is never used.
 */
export function createOpensslVerifier(key: SignatureKey): SignatureVerifier {
  const row = JWS_ALGORITHM_TABLE[key.algorithm]
  if (key.kind === 'secret') {
    const fits = row.family === 'symmetric' && row.hash !== null
    return fits ? new HmacVerifier(row.hash, key.secret) : UNUSABLE_KEY
  }
  const publicKey = parsePublicKey(key.spkiPem)
  return publicKey !== null && fitsAlgorithm(publicKey, row)
    ? new PublicKeyVerifier(publicKey, row)
    : UNUSABLE_KEY
}

function parsePublicKey(spkiPem: string): KeyObject | null {
  try {
    return createPublicKey(spkiPem)
  } catch {
    return null
  }
}

class PublicKeyVerifier implements SignatureVerifier {
  readonly #hash: string | null
  readonly #signatureBytes: number | null
  readonly #input: VerifyKeyObjectInput

  constructor(key: KeyObject, row: JwsAlgorithmRow) {
    this.#hash = row.hash
    this.#signatureBytes = row.signatureBytes
    this.#input = verifyInput(key, row)
  }

  verify(token: string): SignatureVerdict {
    const dot = token.lastIndexOf('.')
    const signature = Buffer.from(token.slice(dot + 1), 'base64url')
    if (this.#signatureBytes !== null && signature.length !== this.#signatureBytes) return 'bad'
    try {
      return verify(this.#hash, signingInput(token, dot), this.#input, signature) ? 'good' : 'bad'
    } catch {
      return 'failed'
    }
  }
}

function verifyInput(key: KeyObject, row: JwsAlgorithmRow): VerifyKeyObjectInput {
  // JWS carries r and s side by side (RFC 7518 §3.4), not as DER, which is OpenSSL's default.
  if (row.keyType === 'EC') return keyWithOptions(key, { dsaEncoding: 'ieee-p1363' as const })
  if (row.padding === 'pss') {
    return keyWithOptions(key, {
      padding: constants.RSA_PKCS1_PSS_PADDING,
      // Exactly as long as the digest (RFC 7518 §3.5); the default accepts any length.
      saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
    })
  }
  const { RSA_PKCS1_PADDING } = constants
  return keyWithOptions(key, row.padding === 'pkcs1' ? { padding: RSA_PKCS1_PADDING } : {})
}

class HmacVerifier implements SignatureVerifier {
  readonly #hash: string
  readonly #secret: KeyObject

  constructor(hash: string, secret: Uint8Array) {
    this.#hash = hash
    this.#secret = createSecretKey(secret)
  }

  verify(token: string): SignatureVerdict {
    const dot = token.lastIndexOf('.')
    const signature = Buffer.from(token.slice(dot + 1), 'base64url')
    const expected = createHmac(this.#hash, this.#secret).update(signingInput(token, dot)).digest()
    // The length is no secret; `timingSafeEqual` throws when lengths differ.
    if (signature.length !== expected.length) return 'bad'
    return timingSafeEqual(signature, expected) ? 'good' : 'bad'
  }
}

/** `header.payload` as bytes (RFC 7515 §5.2). Valid until the next call. */
function signingInput(token: string, dot: number): Uint8Array {
  if (dot > SCRATCH.length) return Buffer.from(token.slice(0, dot), 'latin1')
  SCRATCH.write(token, 0, dot, 'latin1')
  return SCRATCH.subarray(0, dot)
}
