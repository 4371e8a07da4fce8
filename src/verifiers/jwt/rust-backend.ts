/**
 * Checks signatures with ring, through the Rust binding, for the algorithms where that is cheaper
 * than OpenSSL.
 *
 * The binding is used for the signature alone. It does not look at `crit` or `typ`, skips claims
 * that it cannot read, has a leeway of its own and takes HS256 when told no algorithm: every check
 * of its is switched off, and the algorithm is always given, one at a time, from the key.
 */
import { createOpensslVerifier } from './openssl-backend.ts'
import {
  loadRustBinding,
  type RustAlgorithm,
  type RustBinding,
  type RustOptions,
} from './rust-binding.ts'
import {
  type SignatureKey,
  type SignatureVerdict,
  type SignatureVerifier,
  UNUSABLE_KEY,
} from './signature-backend.ts'

/** How the binding says that it checked the signature and found it wrong. */
const SIGNATURE_REFUSED = 'InvalidSignature'

/** Only public keys: HMAC is cheaper in OpenSSL, and here a text could be key or secret. */
export function canRustVerify({ kind, algorithm }: SignatureKey): boolean {
  return kind === 'public' && algorithm !== 'ES512'
}

/** Prepares a key; see {@link createOpensslVerifier} for what must fit. */
export function createRustVerifier(key: SignatureKey): SignatureVerifier {
  const openssl = createOpensslVerifier(key)
  const loaded = loadRustBinding()
  if (openssl === UNUSABLE_KEY || !loaded.ok || key.kind !== 'public' || !canRustVerify(key)) {
    return UNUSABLE_KEY
  }
  return new RustVerifier(key.spkiPem, key.algorithm, openssl, loaded.binding)
}

/** The same for a key that fits its algorithm, without the second opinion of OpenSSL. */
export function createBareRustVerifier(key: SignatureKey, binding: RustBinding): SignatureVerifier {
  return key.kind === 'public'
    ? new RustVerifier(key.spkiPem, key.algorithm, UNUSABLE_KEY, binding)
    : UNUSABLE_KEY
}

class RustVerifier implements SignatureVerifier {
  readonly #spkiPem: string
  readonly #options: RustOptions
  readonly #openssl: SignatureVerifier
  readonly #binding: RustBinding

  constructor(
    spkiPem: string,
    algorithm: SignatureKey['algorithm'],
    openssl: SignatureVerifier,
    binding: RustBinding,
  ) {
    this.#spkiPem = spkiPem
    this.#openssl = openssl
    this.#binding = binding
    this.#options = {
      algorithms: [algorithm as RustAlgorithm],
      requiredSpecClaims: [],
      validateExp: false,
      validateNbf: false,
    }
  }

  verify(token: string): SignatureVerdict {
    try {
      this.#binding.verifySync(token, this.#spkiPem, this.#options)
      return 'good'
    } catch (error) {
      if (error instanceof Error && error.message === SIGNATURE_REFUSED) return 'bad'
      // It also refuses JSON that JavaScript reads (1e400): no word about the signature. OpenSSL
      // has that, so that a verdict never depends on which backend an algorithm happens to use.
      return this.#openssl.verify(token)
    }
  }
}
