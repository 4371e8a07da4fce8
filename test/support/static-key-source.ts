/** A key source over keys that a test gives it, with a record of what was asked of it. */
import type {
  KeySet,
  KeySetState,
  KeySource,
  UnknownKeyOutcome,
  VerificationKey,
} from '../../src/keys/key-set.ts'

export class StaticKeySource implements KeySource {
  /** Every refetch that was asked for, as `issuer/kid`; `null` for a bad signature. */
  readonly refetches: string[] = []
  /** What the next refetch comes to. */
  unknownKeyOutcome: UnknownKeyOutcome = 'unknown'
  /** Called while a refetch runs, so that a test can add keys then. */
  onRefetch: () => void = () => {}
  readonly #sets = new Map<string, KeySet>()

  setKeys(
    issuerName: string,
    keys: readonly VerificationKey[],
    state: KeySetState = 'fresh',
  ): this {
    this.#sets.set(issuerName, { issuerName, state, keys })
    return this
  }

  keySet(issuerName: string): KeySet {
    return this.#sets.get(issuerName) ?? { issuerName, state: 'empty', keys: [] }
  }

  resolveUnknownKey(issuerName: string, keyId: string | null): Promise<UnknownKeyOutcome> {
    this.refetches.push(`${issuerName}/${keyId}`)
    this.onRefetch()
    return Promise.resolve(this.unknownKeyOutcome)
  }
}
