/** Tells the operator what changed in an issuer's key set: only what has not been told before. */
import type { SkippedKey } from '../protocol/parse-jwks.ts'
import type { JwksEventReason, JwksEventType } from './jwks-event.ts'
import type { KeyWithoutPlace } from './key-set.ts'
import type { KeySetChange } from './key-store.ts'

export type TellAboutKeys = (
  type: JwksEventType,
  reason: JwksEventReason | null,
  keyId?: string | null,
) => void

export class KeySetNews {
  readonly #tell: TellAboutKeys
  #skipped: readonly SkippedKey[] = []
  #withoutPlace: readonly KeyWithoutPlace[] = []

  constructor(tell: TellAboutKeys) {
    this.#tell = tell
  }

  /** Of the last good document. */
  get skipped(): readonly SkippedKey[] {
    return this.#skipped
  }

  get withoutPlace(): readonly KeyWithoutPlace[] {
    return this.#withoutPlace
  }

  tellChange(change: KeySetChange, withoutPlace: readonly KeyWithoutPlace[]): void {
    for (const keyId of change.added) this.#tell('key_added', null, keyId)
    for (const keyId of change.removed) this.#tell('key_removed', null, keyId)
    const isNews = differ(withoutPlace, this.#withoutPlace)
    this.#withoutPlace = withoutPlace
    if (!isNews) return
    for (const { keyId } of withoutPlace) this.#tell('key_without_place', null, keyId)
  }

  tellSkipped(skipped: readonly SkippedKey[]): void {
    // The same keys are skipped at every refresh: worth a word only when that changes.
    const isNews = differ(skipped, this.#skipped)
    this.#skipped = skipped
    if (!isNews) return
    for (const { reason, keyId } of skipped) this.#tell('key_skipped', reason, keyId)
  }
}

function differ(some: readonly object[], others: readonly object[]): boolean {
  return JSON.stringify(some) !== JSON.stringify(others)
}
