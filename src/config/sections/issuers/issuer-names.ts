/** `issuer` and `issuerValues`: what `iss` may hold, and that no two issuers claim the same. */
import {
  aroundPlaceholder,
  createIssuerTemplate,
  hasBrace,
  ISSUER_VALUE_PROBLEM,
  type IssuerPlaceholder,
  type IssuerTemplate,
  isIssuerValue,
  issuersOf,
  withValue,
} from '../../../protocol/issuer-template.ts'
import type { ConfigPath, ReportProblem } from '../../config-error.ts'
import {
  checkedText,
  either,
  flag,
  listOf,
  type Output,
  oneOf,
  section,
  text,
  unlessAbsent,
} from '../../setting.ts'

/** What Entra ID has where the metadata for all of its tenants are. */
const DISCOVERY_OF_ANY = 'common'

function value(what: string) {
  return checkedText(what, (it) => (isIssuerValue(it) ? it : null), ISSUER_VALUE_PROBLEM)
}

export const issuerValuesSchema = section(
  'What may stand in the place of the placeholder of `issuer`, in every issuer that signs with ' +
    'the same keys.',
  {
    claim: text(
      'Claim of the token that must hold the same value, such as `tid`. Without it, or with ' +
        'another value, the token is refused.',
    ),
    values: either(
      'The values that are accepted; or `any`, which needs `iUnderstand: true`.',
      [
        oneOf('All of them.', ['any']),
        listOf('The values that are accepted, case and all.', value('Value.'), { minimum: 1 }),
      ],
      'must be any or a list of values',
    ),
    iUnderstand: flag(
      'Confirms `values: any`: everybody who can get a tenant of the provider can then get tokens ' +
        'that are good here, if one of them names your audience.',
    ).prefault(false),
    discovery: unlessAbsent(
      value(
        'Value in the URL of the metadata, for `jwks.discovery`. Left out: the first of `values`, ' +
          `or \`${DISCOVERY_OF_ANY}\` for \`any\`.`,
      ),
    ),
  },
)

export type IssuerValues = Output<typeof issuerValuesSchema>

interface IssuerNames {
  readonly issuer: string
  readonly issuerValues: IssuerValues | null
}

/** Checks what is written, of one issuer. */
export function checkIssuerNames(
  path: ConfigPath,
  { issuer, issuerValues }: IssuerNames,
  report: ReportProblem,
): void {
  if (issuer.includes('*')) {
    report(
      [...path, 'issuer'],
      'must be exactly what iss holds, where * means nothing: for issuers that differ in one ' +
        'part, write {name} in its place and say in issuerValues what may stand there',
    )
    return
  }
  const isTemplate = aroundPlaceholder(issuer) !== null
  if (hasBrace(issuer) && !isTemplate) {
    report(
      [...path, 'issuer'],
      'may hold one placeholder such as {tenantid}, of letters, digits and _, behind some text, ' +
        'and no other brace',
    )
  }
  if (isTemplate && issuerValues === null) {
    report(
      [...path, 'issuerValues'],
      'is required for an issuer with a placeholder: which claim says the same, and which values ' +
        'are accepted',
    )
  }
  if (issuerValues === null) return
  if (!hasBrace(issuer)) {
    report([...path, 'issuerValues'], 'is only for an issuer with a placeholder such as {tenantid}')
  }
  if (issuerValues.values === 'any' && !issuerValues.iUnderstand) {
    report(
      [...path, 'issuerValues', 'iUnderstand'],
      'must be true for values: any, which accepts tokens of every tenant of the provider',
    )
  }
}

/** One that is written out may be one of a template: then it wins. */
export function checkIssuersDiffer(
  issuers: ReadonlyMap<string, IssuerNames | null>,
  report: ReportProblem,
): void {
  const seen = new Map<string, string>()
  const templates: (IssuersOfTemplate & { readonly name: string })[] = []
  for (const [name, issuer] of issuers) {
    if (issuer === null) continue
    if (issuer.issuerValues === null) {
      const earlier = seen.get(issuer.issuer)
      if (earlier === undefined) seen.set(issuer.issuer, name)
      else report(['issuers', name, 'issuer'], `is the same as that of issuers.${earlier}`)
      continue
    }
    const own = issuersOfTemplate(issuer)
    const earlier = templates.find((it) => overlap(it, own))
    if (earlier !== undefined) {
      report(
        ['issuers', name, 'issuerValues'],
        `can be the same issuer as one of issuers.${earlier.name}: list values that differ`,
      )
    }
    templates.push({ name, ...own })
  }
}

/** What is compared of an issuer with a placeholder, made once for each. */
interface IssuersOfTemplate {
  /** `null`: it is malformed, which is a problem of its own. */
  readonly template: IssuerTemplate | null
  /** `null`: any value may stand in the place of the placeholder. */
  readonly listed: readonly string[] | null
}

function issuersOfTemplate({ issuer, issuerValues }: IssuerNames): IssuersOfTemplate {
  const placeholder = issuerValues && placeholderOf(issuerValues)
  return {
    template: createIssuerTemplate(issuer, placeholder),
    listed: issuersOf(issuer, placeholder),
  }
}

/** Whether a token could be of both. */
function overlap(first: IssuersOfTemplate, second: IssuersOfTemplate): boolean {
  const { template: one } = first
  const { template: other } = second
  if (one === null || other === null) return false
  if (second.listed !== null) return isAnyOf(second.listed, one)
  if (first.listed !== null) return isAnyOf(first.listed, other)
  const [prefix, longerPrefix] = byLength(one.prefix, other.prefix)
  const [suffix, longerSuffix] = byLength(one.suffix, other.suffix)
  return longerPrefix.startsWith(prefix) && longerSuffix.endsWith(suffix)
}

function isAnyOf(issuers: readonly string[], template: IssuerTemplate): boolean {
  return issuers.some((it) => template.valueIn(it) !== null)
}

function byLength(first: string, second: string): readonly [string, string] {
  return first.length <= second.length ? [first, second] : [second, first]
}

function placeholderOf({ claim, values }: IssuerValues): IssuerPlaceholder {
  return { claim, values: values === 'any' ? null : values }
}

/** The issuer below which its metadata are. */
export function discoveryIssuer({ issuer, issuerValues }: IssuerNames): string {
  if (issuerValues === null) return issuer
  const { values, discovery } = issuerValues
  const first = values === 'any' ? DISCOVERY_OF_ANY : values[0]
  return withValue(issuer, discovery ?? first ?? DISCOVERY_OF_ANY)
}

export function resolveIssuerNames(names: IssuerNames) {
  return {
    issuer: names.issuer,
    /** `null`: the issuer is exactly that text. */
    placeholder: names.issuerValues && placeholderOf(names.issuerValues),
    discoveryIssuer: discoveryIssuer(names),
  }
}
