/** `routes[].require`: what a route requires of an identity. */
import { FIELD_NAME_PROBLEM, parseIdentityFieldName } from '../../../credentials/field-name.ts'
import {
  CLAIM_PATTERN_PROBLEM,
  parseClaimPattern,
  REQUIRABLE_CLAIMS,
} from '../../../decision/claim-grammar.ts'
import { pathParameters } from '../../../routing/route-grammar.ts'
import { claimPath } from '../../claim-setting.ts'
import type { ConfigPath, ReportProblem } from '../../config-error.ts'
import type { Immutable } from '../../section.ts'
import {
  checkedText,
  claimText,
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
  'One claim: either a part of the identity (`claim`), or any claim (`path`). Exactly one way of ' +
    'comparing it. Of a list, one value will do. Nothing is compared but text, whole numbers, ' +
    '`true` and `false`; what is absent satisfies nothing.',
  {
    claim: unlessAbsent(oneOf('Part of the identity.', REQUIRABLE_CLAIMS)),
    path: unlessAbsent(claimPath('Path of a claim: a name, a dotted path or a JSON pointer.')),
    equals: unlessAbsent(claimText('The value, case and all.')),
    oneOf: unlessAbsent(
      listOf('Values, one of which is needed.', claimText('Value.'), { minimum: 1 }),
    ),
    contains: unlessAbsent(
      claimText(
        'One value of a list, or one of the words of a text that spaces separate. Never a part of ' +
          'a word.',
      ),
    ),
    matches: unlessAbsent(
      checkedText(
        'Pattern of the whole value: `*` is any run of characters, `?` any one.',
        parseClaimPattern,
        CLAIM_PATTERN_PROBLEM,
      ),
    ),
    equalsHeader: unlessAbsent(
      checkedText(
        'Name of a request header that must be there once and hold the value.',
        (value) => parseIdentityFieldName(value)?.toLowerCase() ?? null,
        FIELD_NAME_PROBLEM,
      ),
    ),
    equalsPathParameter: unlessAbsent(
      patternText(
        'Name of a parameter of `match.path` (`id` of `/users/:id`) that must hold the value.',
        /^[A-Za-z][A-Za-z0-9_]{0,31}$/,
        'must be the name of a path parameter: letters, digits and _',
      ),
    ),
  },
)

/** Ways of comparing, exactly one of which a rule has. */
const WAYS = [
  ...(['equals', 'oneOf', 'contains', 'matches'] as const),
  ...(['equalsHeader', 'equalsPathParameter'] as const),
] as const

/** Checks well-formed rules. @param path Of the route. */
export function checkClaimRules(
  path: ConfigPath,
  rules: readonly ClaimRequirementSettings[],
  pathPattern: string,
  report: ReportProblem,
): void {
  rules.forEach((rule, index) => {
    const at = [...path, 'require', 'claims', index]
    if ((rule.claim === null) === (rule.path === null)) {
      report(at, 'needs exactly one of claim, path')
    }
    if (WAYS.filter((way) => rule[way] !== null).length !== 1) {
      report(at, `needs exactly one of ${WAYS.join(', ')}`)
    }
    const name = rule.equalsPathParameter
    if (name !== null && !pathParameters(pathPattern).includes(name)) {
      report([...at, 'equalsPathParameter'], 'names a parameter that match.path does not have')
    }
  })
}

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

/** One of `claim` and `path`, and exactly one way; the others are `null`. */
export type ClaimRequirementSettings = Immutable<Output<typeof claim>>
