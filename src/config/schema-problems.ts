/** Puts what the schema found wrong into words, one problem per setting. */
import type { ConfigPath, SettingProblem } from './config-error.ts'
import { nearSetting } from './near-setting.ts'
import type { SchemaIssue } from './setting.ts'

/**
 * Settings that belong to later versions: refused by name, so that the operator does not look for
 * a typing error or believe that they work. `*` is any one step.
 */
const LATER_SETTINGS: readonly string[] = ['streams', 'routes.*.streams']

/** Every issue as one or more problems, in the order found. */
export function describeIssues(issues: readonly SchemaIssue[]): readonly SettingProblem[] {
  return issues.flatMap((issue) => describeIssue(issue, []))
}

function describeIssue(issue: SchemaIssue, outer: ConfigPath): readonly SettingProblem[] {
  const path = [...outer, ...issuePath(issue)]
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ path: [...path, key], message: describeUnknown(path, key) }))
  }
  if (issue.code === 'invalid_union') return describeUnion(issue, path)
  if (issue.code === 'invalid_key') {
    return issue.issues.map((inner) => ({ path, message: inner.message }))
  }
  return [{ path, message: describeMessage(issue) }]
}

/** What is wrong within the alternative that was meant; with none meant, the union's own words. */
function describeUnion(
  issue: Extract<SchemaIssue, { code: 'invalid_union' }>,
  path: ConfigPath,
): readonly SettingProblem[] {
  const meant = issue.errors.find((branch) => {
    return branch.length > 0 && branch.every((inner) => isWithin(inner) || isAboutForm(inner))
  })
  if (meant !== undefined) return meant.flatMap((inner) => describeIssue(inner, path))
  return [{ path, message: issue.message }]
}

function isWithin(issue: SchemaIssue): boolean {
  return issue.path.length > 0
}

/** About a value of the right kind. */
function isAboutForm({ code }: SchemaIssue): boolean {
  return code === 'too_small' || code === 'too_big' || code === 'custom'
}

function describeUnknown(path: ConfigPath, key: string): string {
  const isLater = LATER_SETTINGS.some((pattern) => matches(pattern.split('.'), [...path, key]))
  if (isLater) return 'is not available in this version'
  const near = nearSetting(path, key)
  return near === null ? 'is not a known setting' : `is not a known setting: did you mean ${near}?`
}

function matches(pattern: readonly string[], path: ConfigPath): boolean {
  return (
    pattern.length === path.length &&
    pattern.every((step, index) => step === '*' || step === path[index])
  )
}

const KINDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a section of settings',
  record: 'a section of names',
}

function describeMessage(issue: SchemaIssue): string {
  if (issue.code === 'invalid_type') {
    if (isMissing(issue)) return 'is required'
    // A setting that has its own words keeps them; the schema library's are not for operators.
    const isOwn = !issue.message.startsWith('Invalid input')
    return isOwn ? issue.message : `must be ${KINDS[issue.expected] ?? issue.expected}`
  }
  if (issue.code === 'invalid_value' && isMissing(issue)) return 'is required'
  return issue.message
}

function isMissing(issue: SchemaIssue): boolean {
  return 'input' in issue && issue.input === undefined
}

function issuePath(issue: SchemaIssue): ConfigPath {
  return issue.path.map((step) => (typeof step === 'number' ? step : String(step)))
}
