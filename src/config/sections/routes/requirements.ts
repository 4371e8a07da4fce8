/** `routes[].require`: what a route requires of an identity. */
import {
  CLAIM_PATTERN_PROBLEM,
  parseClaimPattern,
  REQUIRABLE_CLAIMS,
} from '../../../decision/claim-grammar.ts'
import type { Immutable } from '../../section.ts'
import {
  checkedText,
  listOf,
  type Output,
  oneOf,
  patternText,
  section,
  text,
  unlessAbsent,
} from '../../setting.ts'

function requirement(what: string) {
  const item = patternText(
    what,
    /^[\x21\x23-\x5b\x5d-\x7e]{1,256}$/,
    'must be printable ASCII without space, " and \\',
  )
  return section(`${what}s that the caller needs.`, {
    all: listOf('Every one of these.', item).prefault([]),
    any: listOf('At least one of these.', item).prefault([]),
  }).prefault({})
}

const claim = section(
  'One claim, by the part of the identity that it became. Exactly one of `equals`, `oneOf` and ' +
    '`matches`. Of several roles or scopes one will do.',
  {
    claim: oneOf('Part of the identity.', REQUIRABLE_CLAIMS),
    equals: unlessAbsent(text('The value, case and all.')),
    oneOf: unlessAbsent(listOf('Values, one of which is needed.', text('Value.'), { minimum: 1 })),
    matches: unlessAbsent(
      checkedText(
        'Pattern of the whole value: `*` is any run of characters, `?` any one.',
        parseClaimPattern,
        CLAIM_PATTERN_PROBLEM,
      ),
    ),
  },
)

export const requirementsSchema = section('What the identity must be granted. Otherwise: 403.', {
  scopes: requirement('Scope'),
  roles: requirement('Role'),
  claims: listOf('Every one of these must hold.', claim).prefault([]),
  issuers: listOf(
    'Names of issuers, one of which must have issued the token. Sessions and API keys have none.',
    text('Issuer.'),
  ).prefault([]),
}).transform(({ scopes, roles, claims, issuers }) => ({
  scopesAll: scopes.all,
  scopesAny: scopes.any,
  rolesAll: roles.all,
  rolesAny: roles.any,
  claims,
  issuers,
}))

/** Exactly one of three ways; the others are `null`. */
export type ClaimRequirementSettings = Immutable<Output<typeof claim>>
