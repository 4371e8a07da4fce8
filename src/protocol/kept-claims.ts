/**
 * Claims that a configuration asks for by their path, beside the parts of an identity: for header
 * fields, for internal tokens, and for what routes require. Nothing else of a credential is kept.
 *
 * All paths of a configuration are one list, and a claim is found by the place of its path in it.
 * So whatever shares identities (a profile of tokens, a cache) is told apart by that list.
 */
import { type ClaimPath, readClaimPath } from './claim-path.ts'
import { isAbsent, isAbsentOrEmpty } from './json-members.ts'
import { type JsonObject, parseJsonValue } from './strict-json.ts'

/** What one path is asked for. */
export interface KeptPath {
  readonly path: ClaimPath
  /** Whether it is asked of credentials of this kind or issuer: of others, nothing is kept. */
  readonly isAsked: boolean
  /**
   * Whether upstreams are told: then a credential is refused whose value cannot be told. What only
   * routes require satisfies nothing instead.
   */
  readonly isTold: boolean
  /** Whether it is told as text: then an object has no place there. */
  readonly needsText: boolean
}

/** The value of one claim. One shape for all, because requirements read it on every request. */
export interface KeptClaim {
  /** As `JSON.stringify` writes it. */
  readonly json: string
  /**
   * The value as text, or those of a list: strings as they are, whole numbers in decimal digits,
   * `true` and `false`. No item is empty. `null`: there is no such text, because it is an object,
   * or has one in its list.
   */
  readonly texts: readonly string[] | null
  readonly isList: boolean
}

/** By the place of their paths; `null`: absent. */
export type KeptClaims = readonly (KeptClaim | null)[]

/**
 * Of one value, in characters of JSON, and of all that upstreams are told of one credential: a
 * field of this length still fits most servers, and 200 group ids of Entra ID fit into it.
 */
export const KEPT_LENGTH_MAX = 8_192

export const NO_CLAIMS: KeptClaims = Object.freeze([])

/** Satisfies nothing: longer than {@link KEPT_LENGTH_MAX}, or with a number that is not exact. */
const UNTELLABLE: KeptClaim = Object.freeze({ json: 'null', texts: null, isList: false })

const QUOTE = '"'
const NUMBER_OR_WORD = /^[-0-9tf]/

/**
 * Reads the claims at these paths. Absent, `null`, empty text and an empty list are absent.
 *
 * @param members Parsed from strict JSON: claims, an answer, the data of a session.
 * @returns The path of a claim that upstreams are to be told and cannot: it is longer than
 *   {@link KEPT_LENGTH_MAX} or makes all of them longer, holds a number beyond 2^53, which two
 *   programs may read as two numbers, or is an object where text is told.
 */
export function keepClaims(members: JsonObject, paths: readonly KeptPath[]): KeptClaims | KeptPath {
  if (paths.length === 0) return NO_CLAIMS
  const claims: (KeptClaim | null)[] = []
  let toldLength = 0
  for (const kept of paths) {
    const claim = kept.isAsked ? keptClaim(readClaimPath(members, kept.path)) : null
    claims.push(claim)
    if (claim === null || !kept.isTold) continue
    toldLength += claim.json.length
    const isTellable = claim !== UNTELLABLE && (claim.texts !== null || !kept.needsText)
    if (!isTellable || toldLength > KEPT_LENGTH_MAX) return kept
  }
  return Object.freeze(claims)
}

/**
 * The same for a record of ours, whose claims are an object of their own.
 *
 * @param claims `null`: the record has none.
 * @returns As {@link keepClaims}; `null` when it is no object, although something is asked of it.
 */
export function keepStoredClaims(
  claims: unknown,
  paths: readonly KeptPath[],
): KeptClaims | KeptPath | null {
  if (paths.length === 0) return NO_CLAIMS
  if (isAbsent(claims) || !paths.some(({ isAsked }) => isAsked)) return keepClaims({}, paths)
  if (typeof claims !== 'object' || Array.isArray(claims)) return null
  return keepClaims(claims as JsonObject, paths)
}

/** Whether {@link keepClaims} could keep all. */
export function areKept(result: KeptClaims | KeptPath): result is KeptClaims {
  return Array.isArray(result)
}

/** Reads back the JSON of one claim that was kept. */
export function keptClaimOf(json: string): KeptClaim {
  if (json === UNTELLABLE.json) return UNTELLABLE
  const isList = json.startsWith('[')
  return Object.freeze({ json, texts: textsOf(json), isList })
}

function keptClaim(value: unknown): KeptClaim | null {
  if (isAbsentOrEmpty(value)) return null
  if (!isExact(value)) return UNTELLABLE
  const json = JSON.stringify(value)
  return json.length > KEPT_LENGTH_MAX ? UNTELLABLE : keptClaimOf(json)
}

/** Whether every number in it reads the same everywhere. Depth is bounded by strict-json.ts. */
function isExact(value: unknown): boolean {
  if (typeof value === 'number') return Math.abs(value) <= Number.MAX_SAFE_INTEGER
  if (typeof value !== 'object' || value === null) return true
  return Object.values(value).every(isExact)
}

/** Parses only where the text is not the JSON itself, or a part of it. */
function textsOf(json: string): readonly string[] | null {
  if (NUMBER_OR_WORD.test(json)) return Object.freeze([json])
  if (json.startsWith(QUOTE) && !json.includes('\\')) return Object.freeze([json.slice(1, -1)])
  if (json.startsWith('{')) return null
  const value = parseJsonValue(json)
  const texts: string[] = []
  for (const item of Array.isArray(value) ? value : [value]) {
    if (item === null || item === '') continue
    if (typeof item === 'object' || item === undefined) return null
    texts.push(String(item))
  }
  return Object.freeze(texts)
}
