/**
 * Requirements of a route on single parts of the identity, compiled when the configuration is
 * loaded.
 *
 * Patterns are a small language, not regular expressions: `*` is any run of characters, the empty
 * one included, `?` is any one, everything else is itself. There is no escape, and the whole value
 * must match. Matching never goes back past a `*` that has been passed, so that it takes at most
 * the length of the value times that of the pattern: linear in what a token says, because patterns
 * are bounded and the operator's own.
 */
import type { Identity } from '../protocol/verification.ts'
import { assertInvariant } from '../runtime/assert-invariant.ts'
import {
  CLAIM_PATTERN_LENGTH_MAX,
  parseClaimPattern,
  type RequirableClaim,
} from './claim-grammar.ts'

/** What the configuration asks of one claim. Exactly one of three ways. */
export type ClaimRule =
  | { readonly claim: RequirableClaim; readonly equals: string }
  /** At least one; values are compared exactly. */
  | { readonly claim: RequirableClaim; readonly oneOf: readonly string[] }
  | { readonly claim: RequirableClaim; readonly matches: string }

/** One rule, compiled. One shape for all three. */
export interface ClaimRequirement {
  readonly claim: RequirableClaim
  /** Any of these will do; `null` when there is a pattern instead. */
  readonly values: readonly string[] | null
  /** `*` and `?` have a meaning; empty when there are values instead. */
  readonly pattern: string
}

const STAR = 0x2a
const QUESTION_MARK = 0x3f

export function compileClaimRule(rule: ClaimRule): ClaimRequirement {
  if ('equals' in rule) return { claim: rule.claim, values: [rule.equals], pattern: '' }
  if ('oneOf' in rule) {
    assertInvariant(rule.oneOf.length > 0, 'a list of accepted values is not empty')
    return { claim: rule.claim, values: rule.oneOf, pattern: '' }
  }
  assertInvariant(
    parseClaimPattern(rule.matches) !== null,
    `a pattern has 1 to ${CLAIM_PATTERN_LENGTH_MAX} printable characters`,
  )
  return { claim: rule.claim, values: null, pattern: rule.matches }
}

/**
 * Hot path: whether the identity satisfies the requirement. Of several roles or scopes one will do.
 * What is absent or empty satisfies nothing, not even `*`. Compares exactly, case and all; a
 * character beyond U+FFFF counts as two for `?`.
 */
export function satisfiesClaim(identity: Identity, requirement: ClaimRequirement): boolean {
  const value = identity[requirement.claim]
  if (value === null) return false
  if (typeof value === 'string') return satisfiesValue(value, requirement)
  for (let index = 0; index < value.length; index += 1) {
    if (satisfiesValue(value[index] ?? '', requirement)) return true
  }
  return false
}

function satisfiesValue(value: string, requirement: ClaimRequirement): boolean {
  if (value === '') return false
  if (requirement.values !== null) return requirement.values.includes(value)
  return matchesPattern(value, requirement.pattern)
}

/** Each run takes as little as it can; when the rest does not fit, the last run takes one more. */
function matchesPattern(value: string, pattern: string): boolean {
  let at = 0
  let patternAt = 0
  /** Behind the last `*` passed, and where the value goes on behind what that `*` has taken. */
  let resumePattern = -1
  let resumeAt = 0
  while (at < value.length) {
    const code = patternAt < pattern.length ? pattern.charCodeAt(patternAt) : -1
    if (code === STAR) {
      patternAt += 1
      resumePattern = patternAt
      resumeAt = at
    } else if (code === QUESTION_MARK || code === value.charCodeAt(at)) {
      at += 1
      patternAt += 1
    } else {
      if (resumePattern === -1) return false
      resumeAt += 1
      at = resumeAt
      patternAt = resumePattern
    }
  }
  while (pattern.charCodeAt(patternAt) === STAR) patternAt += 1
  return patternAt === pattern.length
}
