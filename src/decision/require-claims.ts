/**
 * Requirements of a route on single claims, compiled when the configuration is loaded: compared
 * with values, with a header or with a parameter of the path.
 *
 * Patterns are a small language, not regular expressions: `*` is any run of characters, the empty
 * one included, `?` is any one, everything else is itself. There is no escape, and the whole value
 * must match. Matching never goes back past a `*` that has been passed, so that it takes at most
 * the length of the value times that of the pattern: linear in what a token says, because patterns
 * are bounded and the operator's own.
 */
import { addNamedFields } from '../http/connection-options.ts'
import { fieldValue, type HeaderList } from '../http/header-list.ts'
import { type Identity, type Refused, refuseNaming } from '../protocol/verification.ts'
import { assertInvariant } from '../runtime/assert-invariant.ts'
import {
  CLAIM_PATTERN_LENGTH_MAX,
  parseClaimPattern,
  type RequirableClaim,
} from './claim-grammar.ts'
import type { RequestFacts } from './decision.ts'

/** Which value is compared. */
export type RequiredClaim =
  | { readonly claim: RequirableClaim }
  /** `place` of the path in the list of the configuration: see protocol/kept-claims.ts. */
  | { readonly path: string; readonly place: number }

/** What it is compared with. */
export type ClaimComparison =
  | { readonly equals: string }
  /** At least one; values are compared exactly. */
  | { readonly oneOf: readonly string[] }
  | { readonly contains: string }
  | { readonly matches: string }
  /** In lower case. */
  | { readonly equalsHeader: string }
  /** Place of the segment behind the leading slash, from 0. */
  | { readonly equalsSegment: number }

/** What the configuration asks of one claim. */
export type ClaimRule = RequiredClaim & ClaimComparison

/** The part of a request that a claim may be compared with. */
export type ComparedFacts = Pick<RequestFacts, 'path' | 'headers'>

/** One rule, compiled. One shape for all. */
export interface ClaimRequirement {
  /** What it is about, for operators: a part of the identity, or a path. */
  readonly name: string
  /** `null`: the claim at `place`. */
  readonly claim: RequirableClaim | null
  readonly place: number
  /** Any of these will do; `null` when it is compared in another way. */
  readonly values: readonly string[] | null
  /** Whether the words of a text count one by one. */
  readonly isByWord: boolean
  /** `*` and `?` have a meaning; empty when it is compared in another way. */
  readonly pattern: string
  /** Name of the header to compare with; empty when there is none. */
  readonly header: string
  /** Of the path, to compare with; -1 when there is none. */
  readonly segment: number
  /** Says which rule it was. */
  readonly refusal: Refused
}

const STAR = 0x2a
const QUESTION_MARK = 0x3f
const NOWHERE = -1

/** @param at Where the rule is in the configuration, for operators. */
export function compileClaimRule(rule: ClaimRule, at = 'require.claims'): ClaimRequirement {
  const name = 'claim' in rule ? rule.claim : rule.path
  return {
    name,
    claim: 'claim' in rule ? rule.claim : null,
    place: 'place' in rule ? rule.place : NOWHERE,
    ...compileComparison(rule),
    refusal: refuseNaming('claim_unsatisfied', `${at} (${name})`),
  }
}

type CompiledComparison = Pick<
  ClaimRequirement,
  'values' | 'isByWord' | 'pattern' | 'header' | 'segment'
>

function compileComparison(rule: ClaimComparison): CompiledComparison {
  const none = { values: null, isByWord: false, pattern: '', header: '', segment: NOWHERE }
  if ('equals' in rule) return { ...none, values: [rule.equals] }
  if ('contains' in rule) return { ...none, values: [rule.contains], isByWord: true }
  if ('equalsHeader' in rule) return { ...none, header: rule.equalsHeader }
  if ('equalsSegment' in rule) return { ...none, segment: rule.equalsSegment }
  if ('oneOf' in rule) {
    assertInvariant(rule.oneOf.length > 0, 'a list of accepted values is not empty')
    return { ...none, values: rule.oneOf }
  }
  assertInvariant(
    parseClaimPattern(rule.matches) !== null,
    `a pattern has 1 to ${CLAIM_PATTERN_LENGTH_MAX} printable characters`,
  )
  return { ...none, pattern: rule.matches }
}

/**
 * Hot path: whether the identity satisfies the requirement. Of several values one will do. What is
 * absent or empty satisfies nothing, not even `*`, and neither does an object. Compares exactly,
 * case and all; a character beyond U+FFFF counts as two for `?`.
 */
export function satisfiesClaim(
  identity: Identity,
  requirement: ClaimRequirement,
  facts: ComparedFacts,
): boolean {
  const { claim, header, segment } = requirement
  const expected = header === '' && segment === NOWHERE ? '' : expectedOf(requirement, facts)
  if (expected === null) return false
  if (claim === null) {
    const kept = identity.claims[requirement.place] ?? null
    if (kept === null || kept.texts === null) return false
    return satisfiesAny(kept.texts, kept.isList, requirement, expected)
  }
  const value = identity[claim]
  if (value === null) return false
  if (typeof value === 'string') return satisfiesValue(value, false, requirement, expected)
  return satisfiesAny(value, true, requirement, expected)
}

const BEYOND_ASCII = /[^\0-\x7f]/

/** What the request says; `null`: nothing that a value could equal. */
function expectedOf({ header, segment }: ClaimRequirement, facts: ComparedFacts): string | null {
  if (header === '') return plainSegment(facts.path, segment)
  const value = isHopByHop(header, facts.headers) ? null : fieldValue(facts.headers, header)
  // In which encoding a service reads such bytes is not known.
  return value === null || BEYOND_ASCII.test(value) ? null : value
}

/** Whether `Connection` names the field: then the upstream would not get what was compared. */
function isHopByHop(header: string, headers: HeaderList): boolean {
  for (let index = 0; index + 1 < headers.length; index += 2) {
    if (headers[index] !== 'connection') continue
    if (addNamedFields(headers[index + 1] as string, null)?.has(header)) return true
  }
  return false
}

/**
 * The segment as it stands in a canonical path; `null` when there is none, or when a service behind
 * could read it as another name: it holds an encoding or a parameter, or ends in a dot.
 */
function plainSegment(path: string, place: number): string | null {
  let start = 1
  for (let passed = 0; passed < place; passed += 1) {
    const slash = path.indexOf('/', start)
    if (slash === -1) return null
    start = slash + 1
  }
  const slash = path.indexOf('/', start)
  const segment = path.slice(start, slash === -1 ? path.length : slash)
  return READ_IN_TWO_WAYS.test(segment) ? null : segment
}

/** `$` is that of `::$DATA`, which names the same file on Windows. See http/lenient-path.ts. */
const READ_IN_TWO_WAYS = /[%;$]|\.$/

function satisfiesAny(
  values: readonly string[],
  areListed: boolean,
  requirement: ClaimRequirement,
  expected: string,
): boolean {
  for (let index = 0; index < values.length; index += 1) {
    if (satisfiesValue(values[index] ?? '', areListed, requirement, expected)) return true
  }
  return false
}

/** @param isListed Whether it is one of a list: then it is one word, whatever it holds. */
function satisfiesValue(
  value: string,
  isListed: boolean,
  { values, isByWord, pattern }: ClaimRequirement,
  expected: string,
): boolean {
  if (value === '') return false
  if (pattern !== '') return matchesPattern(value, pattern)
  if (values === null) return value === expected
  if (values.includes(value)) return true
  return isByWord && !isListed && hasWord(value, values[0] ?? '')
}

/** Whether a text that spaces separate has this word. */
function hasWord(text: string, word: string): boolean {
  let start = text.indexOf(word)
  while (start !== -1) {
    const end = start + word.length
    const begins = start === 0 || text[start - 1] === ' '
    if (begins && (end === text.length || text[end] === ' ')) return true
    start = text.indexOf(word, start + 1)
  }
  return false
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
