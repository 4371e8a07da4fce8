/**
 * Notices places of claims at which no token has anything: a misspelled path looks just like a
 * caller without rights, and nothing else would ever tell.
 */
import { readClaimPath } from '../protocol/claim-path.ts'
import { type ClaimPlace, type ClaimSources, placeText } from '../protocol/claim-source.ts'
import type { JsonObject } from '../protocol/strict-json.ts'

/** How many tokens of an issuer are looked at: one user without roles says nothing of a path. */
export const WATCHED_TOKENS = 100

/** What is watched of one issuer. */
export interface WatchedIssuer {
  /** Name in the configuration. */
  readonly name: string
  readonly sources: ClaimSources
}

/** Hears of each token that was verified. */
export interface ClaimPathObserver {
  notice(issuer: WatchedIssuer, claims: JsonObject): void
}

export interface UnmetClaimPath {
  /** Name of the issuer in the configuration. */
  readonly issuer: string
  /** Setting below `claims` of the issuer. */
  readonly part: string
  /** As it is written there. */
  readonly path: string
}

interface Watch {
  tokenCount: number
  /** Places at which nothing was found so far, with their parts. */
  readonly unmet: Map<ClaimPlace, string>
}

/**
 * One for each revision of a listener thread. Looks at verified tokens alone, and at none beyond
 * the first {@link WATCHED_TOKENS} of an issuer: then each place that has met nothing is told.
 * Only parts that tokens should have are watched.
 */
export class ClaimPathWatch implements ClaimPathObserver {
  readonly #onUnmet: (path: UnmetClaimPath) => void
  /** By the name of the issuer, of which there are few. */
  readonly #watches = new Map<string, Watch>()

  constructor(onUnmet: (path: UnmetClaimPath) => void) {
    this.#onUnmet = onUnmet
  }

  notice({ name, sources }: WatchedIssuer, claims: JsonObject): void {
    const watch = this.#watchOf(name, sources)
    if (watch.unmet.size === 0) return
    watch.tokenCount += 1
    for (const place of watch.unmet.keys()) {
      if ((readClaimPath(claims, place.path) ?? null) !== null) watch.unmet.delete(place)
    }
    if (watch.tokenCount < WATCHED_TOKENS) return
    for (const [place, part] of watch.unmet) {
      this.#onUnmet({ issuer: name, part, path: placeText(place) })
    }
    watch.unmet.clear()
  }

  #watchOf(name: string, sources: ClaimSources): Watch {
    const known = this.#watches.get(name)
    if (known !== undefined) return known
    const watch = { tokenCount: 0, unmet: watchedPlaces(sources) }
    this.#watches.set(name, watch)
    return watch
  }
}

function watchedPlaces(sources: ClaimSources): Map<ClaimPlace, string> {
  const watched = new Map<ClaimPlace, string>()
  for (const [part, source] of Object.entries(sources)) {
    if (source === null || !source.isExpected) continue
    for (const place of source.places) watched.set(place, part)
  }
  return watched
}
