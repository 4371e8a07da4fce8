/** Key pairs for tests: the one place that has them generated. */
import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto'

export type GeneratedKeyType =
  | { readonly type: 'rsa'; readonly modulusLength: number }
  | { readonly type: 'ec'; readonly namedCurve: 'P-256' | 'P-384' | 'P-521' | 'secp256k1' }
  | { readonly type: 'ed25519' | 'ed448' | 'x25519' }

/**
 * A new private key.
 *
 * It is generated as text, and that is read. Node 20 deadlocks now and then when an object that
 * `generateKeyPairSync` returns is exported: the garbage collector, if it runs meanwhile and meets
 * the finished generator, waits for the lock that the export holds.
 */
export function generatedKey(wanted: GeneratedKeyType): KeyObject {
  const { type, ...members } = wanted
  const options = {
    modulusLength: 0,
    ...members,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  } as const
  // Each type takes what it needs of the options; the declared overloads insist on one.
  return createPrivateKey(generateKeyPairSync(type as 'rsa', options).privateKey)
}
