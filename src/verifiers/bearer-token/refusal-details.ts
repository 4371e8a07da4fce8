/**
 * The names that remembered refusals may have in their detail: what is remembered is the place of
 * the name, in shared memory, and never a text.
 */
import type { RefusalReason } from '../../protocol/refusal-reason.ts'
import { type Refused, refuse, refuseNaming } from '../../protocol/verification.ts'
import { DETAIL_PLACE_MAX } from '../../token-cache/refusal-cache.ts'

/** One for each revision of a listener thread. Bounded by its names and the reasons there are. */
export class RefusalDetails {
  readonly #names: readonly string[]
  readonly #refusals = new Map<RefusalReason, Map<number, Refused>>()

  /**
   * @param names The paths that are kept of claims, in their order, which are a part of what a
   *   verdict is remembered under: so the place of a name is the same for all who find it.
   */
  constructor(names: readonly string[]) {
    this.#names = names.slice(0, DETAIL_PLACE_MAX)
  }

  /** @returns 0 when there is none, or when it is none of the names. */
  placeOf({ detail }: Refused): number {
    return detail === null ? 0 : this.#names.indexOf(detail) + 1
  }

  /** A remembered refusal as it was found first: the same object each time. */
  refusalOf(reason: RefusalReason, place: number): Refused {
    // Nearly all: a place before the first would be looked for as a name.
    if (place === 0) return refuse(reason)
    const known = this.#refusals.get(reason)?.get(place)
    if (known !== undefined) return known
    const name = this.#names[place - 1]
    if (name === undefined) return refuse(reason)
    const ofReason = this.#refusals.get(reason) ?? new Map<number, Refused>()
    const refused = refuseNaming(reason, name)
    this.#refusals.set(reason, ofReason.set(place, refused))
    return refused
  }
}
