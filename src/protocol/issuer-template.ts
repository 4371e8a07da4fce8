/**
 * Issuers that differ in one part only, such as that of each tenant of Entra ID:
 * `https://login.microsoftonline.com/{tenantid}/v2.0`.
 *
 * What stands in the place of the placeholder is bounded by a strict grammar: nothing that a path
 * or a host is made of, so that it can never reach into the text around it. Compared exactly, case
 * and all.
 */

/** Which values a placeholder may have. */
export interface IssuerPlaceholder {
  /** Claim of the token that must say the same, such as `tid`. */
  readonly claim: string
  /** `null`: any that the grammar allows. */
  readonly values: readonly string[] | null
}

/** 1 to 128 letters, digits, `-`, `_` and single dots; no dot at an end. */
const VALUE = /^(?!.*\.\.)[A-Za-z0-9_-](?:[A-Za-z0-9._-]{0,126}[A-Za-z0-9_-])?$/

/** As it stands in an issuer. */
const PLACEHOLDER = /\{[A-Za-z][A-Za-z0-9_]{0,31}\}/

/** One placeholder, and no other brace. */
const TEMPLATE = /^([^{}]+)\{[A-Za-z][A-Za-z0-9_]{0,31}\}([^{}]*)$/

export const ISSUER_VALUE_PROBLEM =
  'must be 1 to 128 letters, digits, -, _ and single dots, no dot at an end'

export function isIssuerValue(text: string): boolean {
  return VALUE.test(text)
}

/** Whether the text has a brace, which no issuer but a template has. */
export function hasBrace(issuer: string): boolean {
  return issuer.includes('{') || issuer.includes('}')
}

/** The text around the one placeholder; `null` when there is none, or more than one. */
export function aroundPlaceholder(
  issuer: string,
): { readonly prefix: string; readonly suffix: string } | null {
  const [, prefix, suffix] = TEMPLATE.exec(issuer) ?? []
  return prefix === undefined || suffix === undefined ? null : { prefix, suffix }
}

/** The issuer with this value in the place of its placeholder; unchanged where it has none. */
export function withValue(issuer: string, value: string): string {
  const around = aroundPlaceholder(issuer)
  return around === null ? issuer : around.prefix + value + around.suffix
}

/**
 * Whether two templates differ in the name of their placeholder alone: metadata of a provider name
 * it as the provider likes.
 */
export function isSameTemplate(first: string, second: string): boolean {
  return aroundPlaceholder(first) !== null && withValue(first, '{}') === withValue(second, '{}')
}

/**
 * Whether a key that is published for the tokens of `published` may verify one of `issuer`. A
 * provider whose tenants share their keys writes a placeholder; wherever it stands, it must stand
 * for the same value.
 */
export function isIssuerOf(published: string, issuer: string): boolean {
  if (published === issuer) return true
  const [placeholder] = PLACEHOLDER.exec(published) ?? []
  if (placeholder === undefined) return false
  const around = published.split(placeholder)
  const count = around.length - 1
  const valueLength = (issuer.length - published.length) / count + placeholder.length
  const start = around[0]?.length ?? 0
  const value = issuer.slice(start, start + valueLength)
  return isIssuerValue(value) && around.join(value) === issuer
}

/** One template, compiled. Its public members are plain data and say all that it accepts. */
export class IssuerTemplate {
  readonly prefix: string
  readonly suffix: string
  readonly claim: string
  readonly values: readonly string[] | null
  /** Issuers of its form that are none of its own, because they are written out by themselves. */
  readonly except: readonly string[]
  readonly #listed: ReadonlySet<string> | null

  constructor(
    prefix: string,
    suffix: string,
    { claim, values }: IssuerPlaceholder,
    except: readonly string[] = [],
  ) {
    this.except = except
    this.prefix = prefix
    this.suffix = suffix
    this.claim = claim
    this.values = values
    this.#listed = values === null ? null : new Set(values)
  }

  /** What stands in the place of the placeholder; `null` when this is none of its issuers. */
  valueIn(issuer: string): string | null {
    const { prefix, suffix } = this
    if (issuer.length <= prefix.length + suffix.length) return null
    if (!issuer.startsWith(prefix) || !issuer.endsWith(suffix)) return null
    const value = issuer.slice(prefix.length, issuer.length - suffix.length)
    const isListed = this.#listed === null ? isIssuerValue(value) : this.#listed.has(value)
    return isListed && !this.except.includes(issuer) ? value : null
  }
}

/**
 * @param writtenOut Issuers of the configuration without a placeholder: each has rules of its own.
 * @returns `null` for an issuer without a placeholder.
 */
export function createIssuerTemplate(
  issuer: string,
  placeholder: IssuerPlaceholder | null,
  writtenOut: readonly string[] = [],
): IssuerTemplate | null {
  const around = aroundPlaceholder(issuer)
  if (placeholder === null || around === null) return null
  const { prefix, suffix } = around
  const whole = new IssuerTemplate(prefix, suffix, placeholder)
  const except = writtenOut.filter((other) => whole.valueIn(other) !== null).sort()
  return new IssuerTemplate(prefix, suffix, placeholder, except)
}

/** Every issuer that it stands for; `null` where any value will do. */
export function issuersOf(
  issuer: string,
  placeholder: IssuerPlaceholder | null,
): readonly string[] | null {
  if (placeholder === null) return [issuer]
  return placeholder.values?.map((value) => withValue(issuer, value)) ?? null
}
