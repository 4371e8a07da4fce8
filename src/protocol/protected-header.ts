/** The JOSE header of a signed token (RFC 7515 §4): what it may say, and what is refused. */
import { isAbsent, optionalText } from './json-members.ts'
import { type JwsAlgorithm, jwsAlgorithmOf } from './jws-algorithms.ts'
import { isKeyId } from './key-id.ts'
import type { RefusalReason } from './refusal-reason.ts'
import { type JsonObject, parseJsonObject } from './strict-json.ts'
import { type Refused, refuse } from './verification.ts'

export interface ProtectedHeader {
  readonly algorithm: JwsAlgorithm
  /** `kid`; `null` when there is none, or an empty one. */
  readonly keyId: string | null
  /** `typ` as {@link mediaType} writes it; `null` when there is none. */
  readonly type: string | null
}

/** Longer headers are parsed each time: a memo must not be a place to park bytes. */
const MEMO_SEGMENT_LENGTH_MAX = 512

/**
 * Members that change what a signature covers or how a payload is read. A verifier that ignores
 * them accepts another meaning than the issuer signed (RFC 7515 §4.1.11, RFC 7797 §3, RFC 7516
 * §4.1.3).
 */
export const REFUSED_MEMBERS = ['crit', 'b64', 'zip', 'enc'] as const

const MEMBER_REASONS = {
  crit: 'header_crit_refused',
  b64: 'header_unencoded_refused',
  zip: 'header_zip_refused',
  enc: 'header_enc_refused',
} as const satisfies Readonly<Record<(typeof REFUSED_MEMBERS)[number], RefusalReason>>

/**
 * Reads an encoded header.
 *
 * `jku`, `x5u`, `jwk` and `x5c` are ignored: a key comes from the issuer's configuration, never
 * from a token. Does *not* check whether the issuer accepts this algorithm or type.
 *
 * `kid` and `typ` may be null, and `kid` may be an empty text: they are absent then. An empty `typ`
 * is a type, which no issuer has.
 *
 * @param segment Canonical base64url.
 * @returns `null` when it is not a strict JSON object, `alg` is not one of ours to the letter
 *   (`none` never is), `kid` is not 1 to 256 printable ASCII characters, `typ` is no string, or
 *   one of `crit`, `b64`, `zip`, `enc` is present, whatever it is.
 */
export function parseProtectedHeader(segment: string): ProtectedHeader | null {
  const members = parseJsonObject(segment)
  if (members === null) return null
  const header = readHeader(members)
  return 'kind' in header ? null : header
}

/** Why {@link parseProtectedHeader} does not take a header: `invalid_token`. */
export function refuseHeader(segment: string): Refused {
  const members = parseJsonObject(segment)
  const header = members === null ? null : readHeader(members)
  return header !== null && 'kind' in header ? header : refuse('token_header_malformed')
}

function readHeader(members: JsonObject): ProtectedHeader | Refused {
  for (const name of REFUSED_MEMBERS) {
    if (members[name] !== undefined) return refuse(MEMBER_REASONS[name])
  }
  const algorithm = jwsAlgorithmOf(members['alg'])
  const keyId = optionalText(members['kid'])
  const type = isAbsent(members['typ']) ? null : members['typ']
  if (algorithm === null) return refuse('header_alg_unknown')
  if (keyId !== null && !isKeyId(keyId)) return refuse('header_kid_malformed')
  if (type !== null && typeof type !== 'string') return refuse('header_typ_malformed')
  return { algorithm, keyId, type: type === null ? null : mediaType(type) }
}

/**
 * One spelling for a `typ`: lower case, without a leading `application/` that RFC 7515 §4.1.9 lets
 * a sender leave out.
 */
export function mediaType(type: string): string {
  const lowerCase = type.toLowerCase()
  const isShort = lowerCase.startsWith('application/') && !lowerCase.includes('/', 12)
  return isShort ? lowerCase.slice(12) : lowerCase
}

/**
 * Remembers parsed headers, because all tokens of one key share theirs to the letter.
 *
 * Two generations stand for "least recently used": when the young one is full, the old one is
 * forgotten. A flood of made-up headers costs what parsing costs, and at most
 * `2 × entriesMax` entries. Refused headers are not remembered.
 */
export class ProtectedHeaderMemo {
  readonly #entriesMax: number
  #young = new Map<string, ProtectedHeader>()
  #old = new Map<string, ProtectedHeader>()

  constructor(entriesMax = 256) {
    this.#entriesMax = entriesMax
  }

  /** Entries held now; never more than twice the maximum. */
  get size(): number {
    return this.#young.size + this.#old.size
  }

  /** As {@link parseProtectedHeader}. */
  parse(segment: string): ProtectedHeader | null {
    const known = this.#young.get(segment) ?? this.#old.get(segment)
    if (known !== undefined) return known
    const parsed = parseProtectedHeader(segment)
    if (parsed !== null && segment.length <= MEMO_SEGMENT_LENGTH_MAX) this.#keep(segment, parsed)
    return parsed
  }

  #keep(segment: string, header: ProtectedHeader): void {
    if (this.#young.size >= this.#entriesMax) {
      this.#old = this.#young
      this.#young = new Map()
    }
    // A slice keeps the string alive that it was cut from, which is a credential. Copy it.
    this.#young.set(Buffer.from(segment, 'latin1').toString('latin1'), header)
  }
}
