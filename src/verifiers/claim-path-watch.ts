/**
 * Notices places of claims at which no token has anything: a misspelled path looks just like a
 * caller without rights, and nothing else would ever tell.
 */
import { type ClaimPath, readClaimPath } from '../protocol/claim-path.ts'
import type { JsonObject } from '../protocol/strict-json.ts'

/** How many tokens of an issuer are looked at: one user without roles says nothing of a path. */
export const WATCHED_TOKENS = 100

/** A place at which tokens of an issuer should have something. */
export interface WatchedPlace {
  readonly path: ClaimPath
  /** As operators read it: the path, and whether names of an object are read there. */
  readonly text: string
  /** Where the configuration has it. */
  readonly setting: string
}

/** Hears of each token that was verified. */
export interface ClaimPathObserver {
  /** @param issuer Its name in the configuration. */
  notice(issuer: string, claims: JsonObject): void
}

export interface UnmetClaimPath {
  /** Name of the issuer in the configuration. */
  readonly issuer: string
  readonly setting: string
  /** As it is written there. */
  readonly path: string
}

interface Watch {
  tokenCount: number
  /** Places at which nothing was found so far. */
  readonly unmet: Set<WatchedPlace>
}

const NOTHING_WATCHED: Watch = { tokenCount: 0, unmet: new Set() }

/**
 * One for each revision of a listener thread. Looks at verified tokens alone, and at none beyond
 * the first {@link WATCHED_TOKENS} of an issuer: then each place that has met nothing is told.
 */
export class ClaimPathWatch implements ClaimPathObserver {
  readonly #onUnmet: (path: UnmetClaimPath) => void
  /** By the name of the issuer, of which there are few. */
  readonly #watches: ReadonlyMap<string, Watch>

  /** @param places By the name of the issuer. */
  constructor(
    places: ReadonlyMap<string, readonly WatchedPlace[]>,
    onUnmet: (path: UnmetClaimPath) => void,
  ) {
    this.#onUnmet = onUnmet
    this.#watches = new Map(
      [...places].map(([name, watched]) => [name, { tokenCount: 0, unmet: new Set(watched) }]),
    )
  }

  notice(issuer: string, claims: JsonObject): void {
    const watch = this.#watches.get(issuer) ?? NOTHING_WATCHED
    if (watch.unmet.size === 0) return
    watch.tokenCount += 1
    for (const place of watch.unmet) {
      if ((readClaimPath(claims, place.path) ?? null) !== null) watch.unmet.delete(place)
    }
    if (watch.tokenCount < WATCHED_TOKENS) return
    for (const { setting, text } of watch.unmet) this.#onUnmet({ issuer, setting, path: text })
    watch.unmet.clear()
  }
}
