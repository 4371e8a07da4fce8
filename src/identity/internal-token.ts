/**
 * Mints the JWTs that tell upstreams who is calling, and keeps one for each identity.
 *
 * Hot path: {@link InternalTokenMinter.linesFor}. A signature costs more than all else that a
 * request costs, so a token is used for half of its life; a request compares a few fields and
 * allocates nothing. Costs are in native-bench/internal-token.ts.
 */

import { createPrivateKey, sign } from 'node:crypto'
import { fieldLines } from '../http/header-list.ts'
import {
  type RandomHex,
  type RandomPattern,
  RandomTextPool,
} from '../observability/random-text-pool.ts'
import { NEVER_WALKED } from '../protocol/claim-path.ts'
import {
  CALLER_PARTS,
  type IdentityPart,
  type PartValue,
  TOKEN_PARTS,
} from '../protocol/identity-parts.ts'
import { keyWithOptions } from '../protocol/native-key.ts'
import type { Identity, Verified } from '../protocol/verification.ts'
import { assertInvariant } from '../runtime/assert-invariant.ts'
import type { TokenSigner } from './signing-keys.ts'

/** The longest life of an internal token: nothing revokes it once it has left. */
const INTERNAL_TOKEN_TTL_SECONDS_MAX = 300

/** 128 random bits: `jti` is unique without asking anybody (RFC 7519 §4.1.7). */
const TOKEN_ID: RandomPattern = { hexLength: 32, textLength: 32, textOf: (hex) => hex }

export interface InternalTokenOptions {
  /** `iss`. */
  readonly issuer: string
  /** `aud`. */
  readonly audience: string
  /** 1 to INTERNAL_TOKEN_TTL_SECONDS_MAX. */
  readonly ttlSeconds: number
  /** Claims that are no parts of the identity. */
  readonly claims: readonly RepeatedClaim[]
}

/** A claim of the credential, repeated as it is. */
export interface RepeatedClaim {
  /** None of which {@link isReservedMember} holds. */
  readonly name: string
  /** See kept-claims.ts. */
  readonly place: number
}

/**
 * Members that the gateway sets, or that say of a token what only who signs it can say: when it is
 * good, what it is bound to, what kind of token it is. And names that every object answers to.
 */
const RESERVED_MEMBERS: ReadonlySet<string> = new Set([
  ...['iss', 'aud', 'sub', 'jti', 'iat', 'exp', 'nbf', 'client_id', 'scope', 'original_issuer'],
  ...['cnf', 'act', 'may_act', 'events', 'at_hash', 'c_hash', 'nonce', 'typ', 'token_use'],
  ...[...CALLER_PARTS, ...TOKEN_PARTS].map(({ member }) => member),
  ...NEVER_WALKED,
])

/** Whether no claim of a credential may become a member of this name. */
export function isReservedMember(name: string): boolean {
  return RESERVED_MEMBERS.has(name)
}

/**
 * A place for the token of one verdict, kept together with the verdict. Empty until the first
 * {@link InternalTokenMinter.linesFor}.
 */
export class MintedToken {
  /** CRLF and the `authorization` field with the token, as {@link fieldLines} writes it. */
  lines = ''
  keyId = ''
  identity: Identity | null = null
  tenant: string | null = null
  mintedAtSeconds = 0
  /** `exp` of the token. */
  expiresAtSeconds = 0
  /** Whether the end of the verdict cut it short: a verdict with a later end deserves more. */
  isCutShort = false
  /** First second in which the token is not used any more, though it may be good for longer. */
  renewAtSeconds = 0
}

/** Signs with one key until it is told of another. One for each thread and set of options. */
export class InternalTokenMinter {
  readonly #options: InternalTokenOptions
  readonly #tokenIds: RandomTextPool
  #keyId = ''
  /** base64url of the protected header, and the dot. */
  #header = ''
  #sign: (input: Buffer) => Buffer

  constructor(options: InternalTokenOptions, signer: TokenSigner, randomHex: RandomHex) {
    const { ttlSeconds } = options
    assertInvariant(
      Number.isInteger(ttlSeconds) &&
        ttlSeconds >= 1 &&
        ttlSeconds <= INTERNAL_TOKEN_TTL_SECONDS_MAX,
      'the configuration bounds the life of internal tokens',
    )
    this.#options = options
    this.#tokenIds = new RandomTextPool(TOKEN_ID, randomHex)
    this.#sign = signatureOf(signer)
    this.useSigner(signer)
  }

  /**
   * Signs with this key from now on. Tokens of another key are not used again: each identity gets
   * a new one with its next request.
   */
  useSigner(signer: TokenSigner): void {
    if (signer.keyId === this.#keyId) return
    const { algorithm: alg, keyId: kid } = signer
    this.#keyId = kid
    // RFC 9068 §2.1: so that no other kind of JWT passes for an access token.
    this.#header = `${encoded(JSON.stringify({ alg, kid, typ: 'at+jwt' }))}.`
    this.#sign = signatureOf(signer)
  }

  /**
   * Hot path: the lines of the `authorization` field for a request of this verdict, minted anew
   * when the token in the slot
   *
   * - has lived for half of its TTL, unless a new one could not live longer;
   * - was signed with another key than signs now;
   * - was made for another identity or tenant;
   * - outlives this verdict, or was cut short by one that ends earlier than this one: a session has
   *   one identity, and another verdict with each request;
   * - was minted in the future, because the clock was set back.
   *
   * Does *not* check that the verdict still holds: the caller has.
   *
   * @param tenant See {@link mint}.
   */
  linesFor(
    slot: MintedToken,
    verified: Verified,
    tenant: string | null,
    nowSeconds: number,
  ): string {
    const endsAtSeconds = endOf(verified)
    if (
      nowSeconds < slot.renewAtSeconds &&
      nowSeconds >= slot.mintedAtSeconds &&
      slot.identity === verified.identity &&
      slot.keyId === this.#keyId &&
      slot.tenant === tenant &&
      isAsLongAs(slot, endsAtSeconds)
    ) {
      return slot.lines
    }
    const { ttlSeconds } = this.#options
    const token = this.mint(verified, tenant, nowSeconds)
    const isCutShort = endsAtSeconds <= nowSeconds + ttlSeconds
    slot.lines = fieldLines(['authorization', `Bearer ${token}`])
    slot.keyId = this.#keyId
    slot.identity = verified.identity
    slot.tenant = tenant
    slot.mintedAtSeconds = nowSeconds
    slot.expiresAtSeconds = Math.min(nowSeconds + ttlSeconds, endsAtSeconds)
    slot.isCutShort = isCutShort
    slot.renewAtSeconds = isCutShort
      ? verified.deadAtSeconds
      : nowSeconds + Math.max(1, ttlSeconds >> 1)
    return slot.lines
  }

  /**
   * A new token (RFC 7519) of this verdict. Members without a value are left out; strings are as
   * the issuer wrote them. Its size is that of the identity and some 500 characters: the limits on
   * credentials bound it.
   *
   * `exp` is the least of now and the TTL, and the end of the credential. A
   * request that passed thanks to clock tolerance gets a token whose `exp` is not after now: the
   * upstream may have the same tolerance, and no caller gets more time than the issuer gave.
   *
   * @param tenant The tenant that the request was found to be for; `null` where nothing finds one,
   *   and then the identity's own is named.
   */
  mint(verified: Verified, tenant: string | null, nowSeconds: number): string {
    const { issuer, audience, ttlSeconds } = this.#options
    const { identity } = verified
    const served = tenant === null ? identity : { ...identity, tenant }
    const claims = {
      iss: issuer,
      aud: audience,
      sub: presentText(identity.subject),
      client_id: presentText(identity.clientId),
      ...membersOf(CALLER_PARTS, served),
      ...membersOf(TOKEN_PARTS, served),
      // RFC 9068 §2.2.3: one text; the list stays beside it for who reads that.
      scope: presentText(identity.scopes.join(' ')),
      original_issuer: presentText(identity.issuer),
      jti: this.#tokenIds.take(),
      iat: nowSeconds,
      exp: Math.min(nowSeconds + ttlSeconds, endOf(verified)),
    }
    // JSON leaves out what is undefined.
    const own = JSON.stringify(claims)
    const input = `${this.#header}${encoded(withClaims(own, this.#options.claims, identity))}`
    return `${input}.${this.#sign(Buffer.from(input, 'latin1')).toString('base64url')}`
  }
}

/** Whether the token ends no later than a verdict may, and no earlier than it needs to. */
function isAsLongAs(slot: MintedToken, endsAtSeconds: number): boolean {
  return slot.isCutShort
    ? slot.expiresAtSeconds === endsAtSeconds
    : slot.expiresAtSeconds <= endsAtSeconds
}

/**
 * End of the credential: NumericDate in whole seconds, rounded down; infinite without one.
 *
 * The verdict on an issuer's token may end long before the token does, because an answer of an
 * introspection endpoint is kept for seconds only: that says nothing about the token.
 */
function endOf({ identity, deadAtSeconds }: Verified): number {
  const expiresAtSeconds = identity.expiresAtSeconds ?? Number.POSITIVE_INFINITY
  if (identity.issuer !== '') return Math.floor(expiresAtSeconds)
  return Math.floor(Math.min(deadAtSeconds, expiresAtSeconds))
}

function membersOf(
  parts: readonly IdentityPart[],
  identity: Identity,
): Readonly<Record<string, PartValue>> {
  const members: Record<string, PartValue> = {}
  for (const { name, member } of parts) {
    const value = identity[name]
    if (value !== null && value.length > 0) members[member] = value
  }
  return members
}

/** Adds the claims as they were read: a value is not parsed again to be written again. */
function withClaims(
  json: string,
  repeated: readonly RepeatedClaim[],
  { claims }: Identity,
): string {
  let members = ''
  for (const { name, place } of repeated) {
    const claim = claims[place] ?? null
    if (claim !== null) members += `,${JSON.stringify(name)}:${claim.json}`
  }
  return `${json.slice(0, -1)}${members}}`
}

function presentText(value: string | null): string | undefined {
  return value === null || value === '' ? undefined : value
}

function encoded(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64url')
}

/** Reads the key once: parsing it costs more than signing. */
function signatureOf({ algorithm, privateKeyPem }: TokenSigner): (input: Buffer) => Buffer {
  const key = createPrivateKey(privateKeyPem)
  if (algorithm === 'EdDSA') return (input) => sign(null, input, key)
  // RFC 7518 §3.4: r and s side by side, not the DER that OpenSSL makes.
  const encoding = keyWithOptions(key, { dsaEncoding: 'ieee-p1363' as const })
  return (input) => sign('sha256', input, encoding)
}
