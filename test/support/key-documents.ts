/** JWKs and JWK Set documents to publish in tests: good ones, and one of each kind of bad one. */
import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto'
import { generatedKey } from './generated-key.ts'

export type JwkMembers = JsonWebKey & Record<string, unknown>

/** A key as an issuer would publish it, with the private half kept apart for signing. */
export interface KeyPair {
  readonly publicJwk: JwkMembers
  readonly privateJwk: JwkMembers
}

/** RSA keys take long to make, so equal requests of one test file share one. */
const rsaPairs = new Map<number, KeyPair>()

export function rsaKeyPair(modulusLength = 2_048): KeyPair {
  const made = rsaPairs.get(modulusLength) ?? pairOf(generatedKey({ type: 'rsa', modulusLength }))
  rsaPairs.set(modulusLength, made)
  return made
}

export function ecKeyPair(namedCurve: 'P-256' | 'P-384' | 'P-521' | 'secp256k1'): KeyPair {
  return pairOf(generatedKey({ type: 'ec', namedCurve }))
}

export function ed25519KeyPair(): KeyPair {
  return pairOf(generatedKey({ type: 'ed25519' }))
}

/** A new ES256 key under this `kid`: the cheapest good key. */
export function es256Jwk(keyId: string): JwkMembers {
  return { ...ecKeyPair('P-256').publicJwk, kid: keyId, alg: 'ES256', use: 'sig' }
}

export function keySetDocument(...keys: readonly unknown[]): Buffer {
  return Buffer.from(JSON.stringify({ keys }))
}

function pairOf(privateKey: KeyObject): KeyPair {
  return {
    publicJwk: createPublicKey(privateKey).export({ format: 'jwk' }) as JwkMembers,
    privateJwk: privateKey.export({ format: 'jwk' }) as JwkMembers,
  }
}
