/** What every key must be that comes out of a JWK Set, whatever that says. */
import assert from 'node:assert/strict'
import { createPublicKey } from 'node:crypto'
import type { JwsAlgorithm } from '../../src/protocol/jws-algorithms.ts'
import type { ParsedJwks } from '../../src/protocol/parse-jwks.ts'

const RSA_ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']
const CURVE_ALGORITHMS: Readonly<Record<string, string>> = {
  prime256v1: 'ES256',
  secp384r1: 'ES384',
  secp521r1: 'ES512',
}

export function assertSound(
  outcome: ParsedJwks & { readonly ok: true },
  algorithms: readonly JwsAlgorithm[],
): void {
  const names = new Set<string>()
  for (const key of outcome.keys) {
    const publicKey = createPublicKey(key.spkiPem)
    assert.equal(publicKey.type, 'public')
    assert.match(key.spkiPem, /^-----BEGIN PUBLIC KEY-----/)
    assert.ok(key.keyId === null || /^[\x20-\x7e]{1,256}$/.test(key.keyId))
    assert.ok(key.algorithms.length > 0)
    for (const algorithm of key.algorithms) {
      assert.ok(algorithms.includes(algorithm))
      assert.ok(fitsKey(algorithm, publicKey))
      const name = JSON.stringify([key.keyId ?? ['none', key.thumbprint], algorithm])
      assert.ok(!names.has(name), 'a kid and an algorithm name one key')
      names.add(name)
    }
  }
}

function fitsKey(algorithm: string, publicKey: ReturnType<typeof createPublicKey>): boolean {
  const details = publicKey.asymmetricKeyDetails
  const type = publicKey.asymmetricKeyType
  if (type === 'rsa') {
    return RSA_ALGORITHMS.includes(algorithm) && (details?.modulusLength ?? 0) >= 2_048
  }
  if (type === 'ec') return CURVE_ALGORITHMS[details?.namedCurve ?? ''] === algorithm
  return type === 'ed25519' && algorithm === 'EdDSA'
}
