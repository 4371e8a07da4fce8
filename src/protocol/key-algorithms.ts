/** Which algorithms a key fits, by its type and curve (RFC 7518 §3.1, RFC 8037 §3.1). */
import type { KeyObject } from 'node:crypto'
import { JWS_ALGORITHM_TABLE, type JwsAlgorithm, type JwsAlgorithmRow } from './jws-algorithms.ts'

/** OpenSSL's names for the curves of RFC 7518 §6.2.1.1. */
const NAMED_CURVES: Readonly<Record<string, string>> = {
  'P-256': 'prime256v1',
  'P-384': 'secp384r1',
  'P-521': 'secp521r1',
}

/** RFC 7518 §3.3. */
const RSA_BITS_MIN = 2_048
/** One for each kind of key, the one that every issuer knows. */
const SIGNING: readonly JwsAlgorithm[] = ['RS256', 'ES256', 'ES384', 'ES512', 'EdDSA']

/** Whether the key, public or private, is of the type and curve of an algorithm. */
export function fitsAlgorithm(key: KeyObject, row: JwsAlgorithmRow): boolean {
  switch (row.keyType) {
    case 'RSA':
      return key.asymmetricKeyType === 'rsa'
    case 'EC':
      return (
        key.asymmetricKeyType === 'ec' &&
        key.asymmetricKeyDetails?.namedCurve === NAMED_CURVES[row.curve ?? '']
      )
    case 'OKP':
      return key.asymmetricKeyType === 'ed25519'
    case 'oct':
      return false
  }
}

/** The algorithm to sign with. `null`: the key signs no JWT, or is RSA of less than 2048 bits. */
export function signingAlgorithmOf(key: KeyObject): JwsAlgorithm | null {
  if ((key.asymmetricKeyDetails?.modulusLength ?? RSA_BITS_MIN) < RSA_BITS_MIN) return null
  return SIGNING.find((algorithm) => fitsAlgorithm(key, JWS_ALGORITHM_TABLE[algorithm])) ?? null
}
