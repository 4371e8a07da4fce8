/** The key set of an issuer that signs with a shared secret (RFC 7518 §3.2): one key, for good. */
import type { JwsAlgorithm } from '../protocol/jws-algorithms.ts'
import type { GenerationTable } from './generation-table.ts'
import type { KeySet } from './key-set.ts'
import { nextVerificationKeyId } from './verification-key-id.ts'

export interface SecretKeyOptions {
  /** What the set is found under. */
  readonly sourceId: string
  readonly secret: Uint8Array
  /** HS256, HS384 and HS512 only: the configuration keeps secrets and public keys apart. */
  readonly algorithms: readonly JwsAlgorithm[]
}

/** RFC 7518 §3.2: a secret at least as long as the output of the hash. */
const SECRET_BYTES_MIN: Partial<Record<JwsAlgorithm, number>> = { HS256: 32, HS384: 48, HS512: 64 }

/**
 * Makes the set, which is always fresh. The key has no `kid`, so it serves tokens with any or none.
 *
 * @throws {RangeError} At start-up, when an algorithm is not for secrets, the secret is too short
 * for one of them, or the table of generations is full.
 */
export function secretKeySet(options: SecretKeyOptions, generations: GenerationTable): KeySet {
  for (const algorithm of options.algorithms) {
    const leastBytes = SECRET_BYTES_MIN[algorithm]
    if (leastBytes === undefined) throw new RangeError(`${algorithm} does not use a secret`)
    if (options.secret.byteLength < leastBytes) {
      throw new RangeError(`the secret for ${algorithm} has less than ${leastBytes} bytes`)
    }
  }
  const place = generations.allocate()
  if (place === null) throw new RangeError('the table of key generations is full')
  return {
    sourceId: options.sourceId,
    state: 'fresh',
    keys: [
      {
        id: nextVerificationKeyId(),
        keyId: null,
        algorithms: options.algorithms,
        issuer: null,
        material: { kind: 'secret', secret: options.secret },
        generationSlot: place.slot,
        generation: place.generation,
      },
    ],
    askedAtSeconds: 0,
    withoutPlace: [],
    place: null,
  }
}
