/** Where a claim is: under a name, or within other claims by a dotted path or a JSON pointer. */

/** How one claim is found, parsed when the configuration is read. */
export interface ClaimPath {
  /** As written. A claim of exactly this name is taken before any other is looked for. */
  readonly text: string
  /** Member names from the top down; empty where the text can only be a name. */
  readonly steps: readonly string[]
  /** Whether a step may be the place of an element in a list. Only pointers tell places. */
  readonly isPointer: boolean
}

export type ParsedClaimPath =
  | { readonly ok: true; readonly path: ClaimPath }
  /** The problem reads on from the setting: `must …`. */
  | { readonly ok: false; readonly problem: string }

/** In UTF-16 code units. */
export const CLAIM_PATH_LENGTH_MAX = 256

/** Claims are not nested deeper: strict-json.ts refuses what is. */
export const CLAIM_PATH_STEPS_MAX = 16

/** Names that every JavaScript object answers to. No issuer has claims of these names. */
export const NEVER_WALKED: readonly string[] = ['__proto__', 'constructor', 'prototype']

/** Of an array (RFC 6901 §4), without leading zeros: no list of a token is longer. */
const LIST_PLACE = /^(?:0|[1-9]\d{0,4})$/

const BAD_ESCAPE = /~(?![01])/

/**
 * Parses a text that names a claim.
 *
 * - `/realm_access/roles`: a JSON pointer (RFC 6901). Of a list, a step is the place of an element.
 * - `realm_access.roles`: a dotted path. Steps are member names and nothing else.
 * - Any other text is a name. So is one with `://`, because dots of a URL are no steps, and one
 *   with an empty step (`a..b`).
 *
 * A claim that has the whole text for its name is found first, whatever form the text has.
 */
export function parseClaimPath(text: string): ParsedClaimPath {
  if (text === '') return problem('must not be empty')
  if (text.length > CLAIM_PATH_LENGTH_MAX) {
    return problem(`must be at most ${CLAIM_PATH_LENGTH_MAX} characters`)
  }
  const isPointer = text.startsWith('/')
  if (isPointer && BAD_ESCAPE.test(text)) {
    return problem('must have ~ in a JSON pointer only as ~0 or ~1 (RFC 6901)')
  }
  const steps = isPointer ? pointerSteps(text) : dottedSteps(text)
  if (steps.length > CLAIM_PATH_STEPS_MAX) {
    return problem(`must have at most ${CLAIM_PATH_STEPS_MAX} steps`)
  }
  const never = [text, ...steps].find((step) => NEVER_WALKED.includes(step))
  if (never !== undefined) return problem(`must not name ${never}`)
  return { ok: true, path: Object.freeze({ text, steps: Object.freeze(steps), isPointer }) }
}

/**
 * Finds the value of a claim. Only what the claims themselves have is found, never what an object
 * inherits. Does not check of what type it is.
 *
 * @param claims Parsed from strict JSON.
 * @returns `undefined` when there is nothing; `null` counts as nothing on the way.
 */
export function readClaimPath(claims: Readonly<Record<string, unknown>>, path: ClaimPath): unknown {
  const { text, steps, isPointer } = path
  if (isNamed(claims, text)) return claims[text]
  return steps.length === 0 ? undefined : walk(claims, steps, isPointer)
}

/**
 * What a JSON pointer (RFC 6901) leads to, and nothing else: for records whose members are found in
 * no other way. Only what the objects themselves have is found.
 *
 * @param pointer Begins with `/`.
 * @returns `undefined` when there is nothing.
 */
export function readPointer(members: Readonly<Record<string, unknown>>, pointer: string): unknown {
  return walk(members, pointerSteps(pointer), true)
}

function walk(from: object, steps: readonly string[], isPointer: boolean): unknown {
  let value: unknown = from
  for (const step of steps) {
    if (typeof value !== 'object' || value === null) return undefined
    const isNamed = Array.isArray(value) ? isPointer && LIST_PLACE.test(step) : true
    if (!isNamed || !Object.hasOwn(value, step)) return undefined
    value = (value as Readonly<Record<string, unknown>>)[step]
  }
  return value
}

/** Whether a claim has the whole text of a path for its name. */
export function isNamed(claims: Readonly<Record<string, unknown>>, text: string): boolean {
  return Object.hasOwn(claims, text) && claims[text] !== null
}

function pointerSteps(pointer: string): string[] {
  return pointer
    .slice(1)
    .split('/')
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
}

function dottedSteps(text: string): string[] {
  if (!text.includes('.') || text.includes('://')) return []
  const steps = text.split('.')
  return steps.includes('') ? [] : steps
}

function problem(text: string): ParsedClaimPath {
  return { ok: false, problem: text }
}
