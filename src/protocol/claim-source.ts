/** Where the tokens of an issuer have the parts of an identity. */
import { type ClaimPath, readClaimPath } from './claim-path.ts'
import { byPart, type PartName, type PartNames } from './identity-parts.ts'
import { isAbsentOrEmpty } from './json-members.ts'
import type { RefusalReason } from './refusal-reason.ts'
import type { JsonObject } from './strict-json.ts'

/** One place where a part may be. */
export interface ClaimPlace {
  readonly path: ClaimPath
  /** Whether the names of the members of an object are the list: Zitadel writes roles so. */
  readonly readsNames: boolean
}

/** Of one part. */
export interface ClaimSource {
  /** A list is made of all of them; a text is the first that is there. */
  readonly places: readonly ClaimPlace[]
  /**
   * The places in one text: verdicts are kept under all that makes them, and the order of a list
   * says nothing there.
   */
  readonly order: string
  /**
   * Whether anything of the configuration needs this part. A value of the wrong type then refuses
   * the token; otherwise it counts as absent.
   */
  readonly isUsed: boolean
  /** Whether tokens should have it: a rule needs it, or its place is not the default. */
  readonly isExpected: boolean
  /** Whether a list of one text counts as that text: directories have addresses in lists. */
  readonly unwrapsOne: boolean
  readonly mistyped: RefusalReason
}

/** Where an issuer has what; `null` where it has none of it. */
export interface ClaimSources extends PartNames<ClaimSource> {
  readonly subject: ClaimSource
  /** The client that the token was issued to. */
  readonly clientId: ClaimSource | null
}

/** What has places of its own. */
export type SourcedPart = PartName | 'subject' | 'clientId'

const MISTYPED: Readonly<Record<SourcedPart, RefusalReason>> = {
  subject: 'subject_mistyped',
  clientId: 'client_id_mistyped',
  ...byPart<RefusalReason>((part) => part.mistyped as RefusalReason),
}

/** @param isExpected Implies that it is used. */
export function claimSource(
  part: SourcedPart,
  places: readonly ClaimPlace[],
  { isUsed, isExpected }: { readonly isUsed: boolean; readonly isExpected: boolean },
): ClaimSource {
  return Object.freeze({
    places,
    order: places.map(placeText).join(', '),
    isUsed: isUsed || isExpected,
    isExpected,
    unwrapsOne: part === 'email',
    mistyped: MISTYPED[part],
  })
}

/** As operators read it. */
export function placeText({ path, readsNames }: ClaimPlace): string {
  const quoted = JSON.stringify(path.text)
  return readsNames ? `names in ${quoted}` : quoted
}

/** The first place at which there is something; `null` where all are absent, null or empty. */
export function foundPlace(
  claims: JsonObject,
  { places }: Pick<ClaimSource, 'places'>,
): ClaimPlace | null {
  return places.find(({ path }) => !isAbsentOrEmpty(readClaimPath(claims, path))) ?? null
}
