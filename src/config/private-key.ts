/** Private keys that configurations name by their files. */
import { createPrivateKey, type KeyObject } from 'node:crypto'

/** What is wrong with a file in which {@link privateKeyIn} finds nothing. */
export const NO_PRIVATE_KEY = 'holds no PEM private key without a passphrase'

export function privateKeyIn(pem: Buffer | string): KeyObject | null {
  try {
    return createPrivateKey(pem)
  } catch {
    return null
  }
}
