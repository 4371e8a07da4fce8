/**
 * Checks signatures with ring, through the Rust binding, for the algorithms where that is cheaper
 * than OpenSSL.
 *
 * The binding is used for the signature alone. It does not look at `crit` or `typ`, skips claims
 * that it cannot read, has a leeway of its own and takes HS256 when told no algorithm: every check
 * of its is switched off, and the algorithm is always given, one at a time, from the key.
 */
import { type Algorithm, type Validation, verifySync } from '@node-rs/jsonwebtoken'
import { createOpensslVerifier } from './openssl-backend.ts'
import {
  type SignatureKey,
  type SignatureVerdict,
  type SignatureVerifier,
  UNUSABLE_KEY,
} from './signature-backend.ts'

/** How the binding says that it checked the signature and found it wrong. */
const SIGNATURE_REFUSED = 'InvalidSignature'

/**
 * Prepares a key; see {@link createOpensslVerifier} for what must fit. Only public keys: HMAC is
 * cheaper in OpenSSL, and a text key here could not be told from a secret.
 */
export function createRustVerifier(key: SignatureKey): SignatureVerifier {
  const openssl = createOpensslVerifier(key)
  if (openssl === UNUSABLE_KEY || key.kind !== 'public' || key.algorithm === 'ES512') {
    return UNUSABLE_KEY
  }
  return new RustVerifier(key.spkiPem, key.algorithm as Algorithm, openssl)
}

class RustVerifier implements SignatureVerifier {
  readonly #spkiPem: string
  readonly #options: Validation
  readonly #openssl: SignatureVerifier

  constructor(spkiPem: string, algorithm: Algorithm, openssl: SignatureVerifier) {
    this.#spkiPem = spkiPem
    this.#openssl = openssl
    this.#options = {
      algorithms: [algorithm],
      requiredSpecClaims: [],
      validateExp: false,
      validateNbf: false,
    }
  }

  verify(token: string): SignatureVerdict {
    try {
      verifySync(token, this.#spkiPem, this.#options)
      return 'good'
    } catch (error) {
      if (error instanceof Error && error.message === SIGNATURE_REFUSED) return 'bad'
      // It also refuses JSON that JavaScript reads (1e400): no word about the signature. OpenSSL
      // has that, so that a verdict never depends on which backend an algorithm happens to use.
      return this.#openssl.verify(token)
    }
  }
}
