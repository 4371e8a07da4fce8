/**
 * Revocations that were lifted: what must not come back when the log is read again.
 *
 * The log has no order and loses nothing before its end, so a lift says what it lifts: every entry
 * of one key that reaches no further than the one that was lifted, in watermark and in end. What is
 * revoked later reaches further, and is in force whichever of the two records is read first.
 */
import type { RevocationEntry } from './revocation-entry.ts'
import type { RevocationKey } from './revocation-key.ts'

/** Some 10 MB. An operator lifts by hand. */
const LIFTS_MAX = 65_536

interface Lift {
  /** Infinite: whatever the watermark. */
  readonly watermarkSeconds: number
  readonly untilSeconds: number
}

export class RevocationLifts {
  readonly #lifts = new Map<RevocationKey, Lift>()

  /** @returns `false` when there is no room: nothing was lifted. */
  add(entry: RevocationEntry): boolean {
    const known = this.#lifts.get(entry.key)
    if (known === undefined && this.#lifts.size >= LIFTS_MAX) return false
    this.#lifts.set(entry.key, {
      watermarkSeconds: Math.max(known?.watermarkSeconds ?? 0, watermarkOf(entry)),
      untilSeconds: Math.max(known?.untilSeconds ?? 0, entry.untilSeconds),
    })
    return true
  }

  /** Whether this entry, or a longer one of the same key, was lifted. */
  covers(entry: RevocationEntry): boolean {
    const lift = this.#lifts.get(entry.key)
    if (lift === undefined || entry.untilSeconds > lift.untilSeconds) return false
    return watermarkOf(entry) <= lift.watermarkSeconds
  }

  /** The entry, or, where it was lifted before, one that lasts a second longer than the lift. */
  beyond(entry: RevocationEntry): RevocationEntry {
    const lift = this.covers(entry) ? this.#lifts.get(entry.key) : undefined
    return lift === undefined ? entry : { ...entry, untilSeconds: lift.untilSeconds + 1 }
  }

  /** Forgets lifts of what has expired anyway. */
  sweep(nowSeconds: number): void {
    for (const [key, { untilSeconds }] of this.#lifts) {
      if (untilSeconds <= nowSeconds) this.#lifts.delete(key)
    }
  }
}

function watermarkOf({ watermarkSeconds }: RevocationEntry): number {
  return watermarkSeconds ?? Number.POSITIVE_INFINITY
}
