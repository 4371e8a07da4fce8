/** Keys and certificates in PEM that configurations name by their files. */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'

/** What is wrong with a file in which {@link privateKeyIn} finds nothing. */
export const NO_PRIVATE_KEY = 'holds no PEM private key without a passphrase'
/** What is wrong with a file in which {@link certificateIn} finds nothing. */
export const NO_CERTIFICATE = 'holds no PEM certificate'

export function privateKeyIn(pem: Buffer | string): KeyObject | null {
  try {
    return createPrivateKey(pem)
  } catch {
    return null
  }
}

/** The first of them. */
export function certificateIn(pem: Buffer): X509Certificate | null {
  // Node takes DER as well; what the file is for does not.
  if (!pem.includes('-----BEGIN ')) return null
  try {
    return new X509Certificate(pem)
  } catch {
    return null
  }
}
