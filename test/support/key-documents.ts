/** JWKs and JWK Set documents to publish in tests: good ones, and one of each kind of bad one. */
import { generateKeyPairSync, type JsonWebKey } from 'node:crypto'

export type JwkMembers = JsonWebKey & Record<string, unknown>

/** A key as an issuer would publish it, with the private half kept apart for signing. */
export interface KeyPair {
  readonly publicJwk: JwkMembers
  readonly privateJwk: JwkMembers
}

/** RSA keys take long to make, so equal requests of one test file share one. */
const rsaPairs = new Map<number, KeyPair>()

export function rsaKeyPair(modulusLength = 2_048): KeyPair {
  const made = rsaPairs.get(modulusLength) ?? pairOf(generateKeyPairSync('rsa', { modulusLength }))
  rsaPairs.set(modulusLength, made)
  return made
}

export function ecKeyPair(namedCurve: 'P-256' | 'P-384' | 'P-521' | 'secp256k1'): KeyPair {
  return pairOf(generateKeyPairSync('ec', { namedCurve }))
}

export function ed25519KeyPair(): KeyPair {
  return pairOf(generateKeyPairSync('ed25519'))
}

/** A new ES256 key under this `kid`: the cheapest good key. */
export function es256Jwk(keyId: string): JwkMembers {
  return { ...ecKeyPair('P-256').publicJwk, kid: keyId, alg: 'ES256', use: 'sig' }
}

export function keySetDocument(...keys: readonly unknown[]): Buffer {
  return Buffer.from(JSON.stringify({ keys }))
}

interface ExportableKey {
  export(options: { readonly format: 'jwk' }): JsonWebKey
}

function pairOf(pair: { readonly publicKey: ExportableKey; readonly privateKey: ExportableKey }) {
  return {
    publicJwk: pair.publicKey.export({ format: 'jwk' }) as JwkMembers,
    privateJwk: pair.privateKey.export({ format: 'jwk' }) as JwkMembers,
  }
}
