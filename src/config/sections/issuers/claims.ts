/** `issuers.<name>.claims`: where tokens have the parts of an identity. */
import type { ClaimPath } from '../../../protocol/claim-path.ts'
import type { ClaimPlace } from '../../../protocol/claim-source.ts'
import { byPart, type PartKind, type PartNames } from '../../../protocol/identity-parts.ts'
import { claimPath } from '../../claim-setting.ts'
import { described, either, listOf, type Output, section, unlessAbsent } from '../../setting.ts'

const PLACES_MAX = 16

const FORMS: Readonly<Record<PartKind, string>> = {
  text: '.',
  texts: ': a list, or text separated by spaces.',
  scopes: ': text separated by spaces, or a list.',
}

const SUBJECT = 'sub'
/** RFC 9068 §2.2, and the name that OpenID Connect has for it. */
const CLIENT_ID = ['client_id', 'azp']

const TEXT_PROBLEM = 'must be the path of a claim, or a list of such'
const LIST_PROBLEM = 'must be the path of a claim, { keysOf: path }, or a list of such'

const place = claimPath('Path of a claim.')
const textPlaces = either(
  'Path of a claim, or a list of which the first counts that is there.',
  [place, listOf('The first that is there.', place, { minimum: 1, maximum: PLACES_MAX })],
  TEXT_PROBLEM,
)

const keys = section('An object whose member names are the list.', {
  keysOf: claimPath(
    'Path of an object: the names of its members are the list, without those that are `false` or ' +
      '`null`.',
  ),
})
const listPlace = either('Path of a list, or of an object.', [place, keys], LIST_PROBLEM)
const listPlaces = either(
  'Path of a list or of an object, or several: their items are put together.',
  [place, keys, listOf('All of these.', listPlace, { minimum: 1, maximum: PLACES_MAX })],
  LIST_PROBLEM,
)

/** The places of one part, and whether they are those by default. */
export interface PartPlaces {
  readonly places: readonly ClaimPlace[]
  readonly isDefault: boolean
}

/** `null`: not read. */
export interface ClaimsConfiguration extends PartNames<PartPlaces> {
  readonly subject: PartPlaces
  readonly clientId: PartPlaces | null
}

type Keys = Output<typeof keys>
type Written = ClaimPath | Keys | readonly (ClaimPath | Keys)[]

export const claimsSchema = section(
  'Where tokens have the parts of the identity. A path is the name of a claim, a dotted path ' +
    '(`realm_access.roles`) or a JSON pointer (`/realm_access/roles`); a claim that has the whole ' +
    'text for its name is taken first. A list of paths is several places: of a text the first ' +
    'that is there counts, of lists all together. In place of the path of a list, ' +
    '`{ keysOf: path }` takes the names of the members of an object, without those that are ' +
    '`false` or `null`. `null`: not read. A value of the wrong type refuses the token where the ' +
    'configuration uses the part or names another place than the default, and counts as absent ' +
    'otherwise.',
  {
    subject: described(textPlaces, 'Who is calling. Every token must have it.').prefault(SUBJECT),
    clientId: described(unlessAbsent(textPlaces), 'The client that the token is for.').prefault([
      ...CLIENT_ID,
    ]),
    ...byPart(({ title, kind, claim }) => {
      const places = kind === 'text' ? textPlaces : listPlaces
      return described(unlessAbsent(places), title + FORMS[kind]).prefault(claim)
    }),
  },
).transform(
  ({ subject, clientId, ...parts }): ClaimsConfiguration => ({
    subject: placesOf(subject, [SUBJECT]),
    clientId: clientId === null ? null : placesOf(clientId, CLIENT_ID),
    ...byPart(({ name, claim }) => {
      const written: Written | null = parts[name]
      return written === null ? null : placesOf(written, [claim])
    }),
  }),
)

function placesOf(written: Written, fallback: readonly string[]): PartPlaces {
  const list: readonly (ClaimPath | Keys)[] = Array.isArray(written) ? written : [written]
  const places = list.map(placeOf)
  const isDefault =
    places.length === fallback.length &&
    places.every(({ path, readsNames }, index) => !readsNames && path.text === fallback[index])
  return { places, isDefault }
}

function placeOf(written: ClaimPath | Keys): ClaimPlace {
  return 'keysOf' in written
    ? { path: written.keysOf, readsNames: true }
    : { path: written, readsNames: false }
}
