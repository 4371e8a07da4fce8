/** A key source over keys that a test gives it, with a record of what was asked of it. */
import {
  emptyKeySet,
  type KeySet,
  type KeySetState,
  type KeySource,
  type UnknownKeyOutcome,
  type VerificationKey,
} from '../../src/keys/key-set.ts'
import { NOW_SECONDS } from './mint-token.ts'

export class StaticKeySource implements KeySource {
  /** Every refetch that was asked for, as `issuer/kid`; `null` for a bad signature. */
  readonly refetches: string[] = []
  /** What the next refetch comes to. */
  unknownKeyOutcome: UnknownKeyOutcome = 'unknown'
  /** Called while a refetch runs, so that a test can add keys then. */
  onRefetch: () => void = () => {}
  readonly #sets = new Map<string, KeySet>()

  setKeys(
    sourceId: string,
    keys: readonly VerificationKey[],
    state: KeySetState = 'fresh',
    rest: Partial<Pick<KeySet, 'askedAtSeconds' | 'withoutPlace' | 'place'>> = {},
  ): this {
    // Asked for in the very second in which tests verify.
    const asked = { askedAtSeconds: NOW_SECONDS, withoutPlace: [], place: null }
    this.#sets.set(sourceId, { sourceId, state, keys, ...asked, ...rest })
    return this
  }

  keySet(sourceId: string): KeySet {
    return this.#sets.get(sourceId) ?? emptyKeySet(sourceId)
  }

  resolveUnknownKey(sourceId: string, keyId: string | null): Promise<UnknownKeyOutcome> {
    this.refetches.push(`${sourceId}/${keyId}`)
    this.onRefetch()
    return Promise.resolve(this.unknownKeyOutcome)
  }
}
