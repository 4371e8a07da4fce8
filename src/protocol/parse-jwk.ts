/** Parses one JWK (RFC 7517): a public key that may verify, or the reason why it is left out. */
import { createHash, createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto'
import { isUsableEd25519Point } from './ed25519-point.ts'
import { isAbsent, optionalText } from './json-members.ts'
import { type JwsAlgorithm, jwsAlgorithmOf } from './jws-algorithms.ts'
import { isKeyId } from './key-id.ts'

/** Why a key is left out, in words that depend on nothing the document says. */
export const SKIP_REASONS = {
  not_an_object: 'is not a JSON object',
  bad_key_id: '"kid" is not a string of 1 to 256 printable ASCII characters',
  symmetric_key: 'is a symmetric key, which must never be published',
  private_key: 'contains private key material, which must never be published',
  not_for_signatures: '"use" is not "sig", or "key_ops" does not contain "verify"',
  unsupported_key_type: '"kty" is not RSA, EC or OKP',
  unsupported_curve: '"crv" is not P-256, P-384, P-521 or Ed25519',
  malformed_key: 'a member of the key is missing or not base64url of the right length',
  invalid_point: 'is not a point on its curve, or one that anyone can sign for',
  rsa_too_small: 'is an RSA key of less than 2048 bits',
  rsa_too_large: 'is an RSA key of more than 16384 bits',
  rsa_exponent: 'is an RSA key whose exponent is even, below 3 or above 2^33',
  algorithm_mismatch: '"alg" is not a signature algorithm for this type of key',
  algorithm_not_accepted: 'serves no algorithm that is accepted from this issuer',
  duplicate_key_id: 'has the "kid" and the algorithms of an earlier key',
} as const

export type SkipReason = keyof typeof SKIP_REASONS

/** A public key as published, reduced to what verification needs. */
export interface ParsedKey {
  /** `kid`, or `null` when the JWK has none. */
  readonly keyId: string | null
  /** Never empty: what type, curve, `alg` and the issuer's list have in common. */
  readonly algorithms: readonly JwsAlgorithm[]
  /** `issuer`, whose tokens alone it verifies: {@link isIssuerOf}; `null`: not restricted so. */
  readonly issuer: string | null
  readonly spkiPem: string
  /** SHA-256 of the canonical key, base64url (RFC 7638): the same key has the same thumbprint. */
  readonly thumbprint: string
}

export type ParsedJwk =
  | { readonly ok: true; readonly key: ParsedKey }
  | { readonly ok: false; readonly reason: SkipReason; readonly keyId: string | null }

const RSA_BITS_MIN = 2_048
/** The most that OpenSSL verifies with; beyond, a verification would cost milliseconds anyway. */
const RSA_BITS_MAX = 16_384
/** One verification grows with the exponent; 65537 is usual, and the native backend ends here. */
const RSA_EXPONENT_MAX = 2n ** 33n
/** A modulus with one needless leading zero byte, which some issuers send (RFC 7518 §6.3.1.1). */
const RSA_MODULUS_BYTES_MAX = RSA_BITS_MAX / 8 + 1
const RSA_EXPONENT_BYTES_MAX = 9
const BASE64URL = /^[A-Za-z0-9_-]+$/

const RSA_ALGORITHMS: readonly JwsAlgorithm[] = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
]

interface Curve {
  readonly algorithm: JwsAlgorithm
  readonly coordinateBytes: number
}

/** RFC 7518 §6.2.1.1. The coordinates have exactly the size of the field. */
const EC_CURVES: ReadonlyMap<string, Curve> = new Map([
  ['P-256', { algorithm: 'ES256', coordinateBytes: 32 }],
  ['P-384', { algorithm: 'ES384', coordinateBytes: 48 }],
  ['P-521', { algorithm: 'ES512', coordinateBytes: 66 }],
])
/** RFC 8037 §2. */
const OKP_CURVES: ReadonlyMap<string, Curve> = new Map([
  ['Ed25519', { algorithm: 'EdDSA', coordinateBytes: 32 }],
])

/** RFC 7518 §6.2.2, §6.3.2 and §6.4.1, RFC 8037 §2, and the seed form of RFC 9964. */
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv'] as const

/** The public members, and nothing else of the document, on their way to OpenSSL. */
interface PublicMembers {
  readonly jwk: JsonWebKey
  readonly algorithms: readonly JwsAlgorithm[]
}

/**
 * Parses one member of `keys`. Pure, never throws, and looks at own members only, so that a
 * `__proto__` in the document is just another unknown member. Serializers write null or an empty
 * list for what was never set: such a member is not there. `kid`, `use`, `alg` and `issuer` may be
 * an empty text instead; a private member may not.
 *
 * `issuer` is a member that Entra ID has of its own. No standard knows it, so that one which is no
 * text has nothing to do with that (RFC 7517 §4: unknown members are ignored).
 *
 * Checks structure, purpose, strength and that a point is on its curve. Does *not* check that an
 * RSA modulus is a product of two secret primes (infeasible), nor certificates in `x5c` (the trust
 * comes from where the document was fetched).
 *
 * @param permitted What the configuration accepts from this issuer.
 */
export function parseJwk(value: unknown, permitted: readonly JwsAlgorithm[]): ParsedJwk {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return skip('not_an_object', null)
  }
  const jwk = new Map<string, unknown>(Object.entries(value).filter(([, it]) => !isAbsent(it)))
  const keyId = optionalText(jwk.get('kid'))
  if (keyId !== null && !isKeyId(keyId)) return skip('bad_key_id', null)

  const unfit = unfitReason(jwk)
  if (unfit !== null) return skip(unfit, keyId)
  const members = publicMembers(jwk)
  if (typeof members === 'string') return skip(members, keyId)

  const own = algorithmsOfKey(jwk, members.algorithms)
  if (own.length === 0) return skip('algorithm_mismatch', keyId)
  const algorithms = own.filter((algorithm) => permitted.includes(algorithm))
  if (algorithms.length === 0) return skip('algorithm_not_accepted', keyId)

  const publicKey = importPublicKey(members.jwk)
  if (publicKey === null) return skip('invalid_point', keyId)
  const weakness = weaknessOf(publicKey, members.jwk)
  if (weakness !== null) return skip(weakness, keyId)
  return {
    ok: true,
    key: {
      keyId,
      algorithms,
      issuer: optionalText(jwk.get('issuer')) ?? null,
      spkiPem: publicKey.export({ type: 'spki', format: 'pem' }) as string,
      thumbprint: thumbprintOf(publicKey),
    },
  }
}

function skip(reason: SkipReason, keyId: string | null): ParsedJwk {
  return { ok: false, reason, keyId }
}

/** Everything about the key's purpose and secrecy, before anything is decoded. */
function unfitReason(jwk: ReadonlyMap<string, unknown>): SkipReason | null {
  if (jwk.get('kty') === 'oct') return 'symmetric_key'
  if (PRIVATE_MEMBERS.some((member) => jwk.has(member))) return 'private_key'
  const use = optionalText(jwk.get('use'))
  if (use !== null && use !== 'sig') return 'not_for_signatures'
  if (!jwk.has('key_ops')) return null
  const operations = jwk.get('key_ops')
  return Array.isArray(operations) && operations.includes('verify') ? null : 'not_for_signatures'
}

function publicMembers(jwk: ReadonlyMap<string, unknown>): PublicMembers | SkipReason {
  switch (jwk.get('kty')) {
    case 'RSA':
      return rsaMembers(jwk)
    case 'EC':
      return curveMembers(jwk, 'EC', EC_CURVES)
    case 'OKP':
      return curveMembers(jwk, 'OKP', OKP_CURVES)
    default:
      return 'unsupported_key_type'
  }
}

function rsaMembers(jwk: ReadonlyMap<string, unknown>): PublicMembers | SkipReason {
  const n = base64urlMember(jwk, 'n')
  const e = base64urlMember(jwk, 'e')
  if (n === null || e === null) return 'malformed_key'
  // By length, before OpenSSL sees them, so that a huge number costs nothing.
  if (byteLength(n) > RSA_MODULUS_BYTES_MAX) return 'rsa_too_large'
  if (byteLength(e) > RSA_EXPONENT_BYTES_MAX) return 'rsa_exponent'
  return { jwk: { kty: 'RSA', n, e }, algorithms: RSA_ALGORITHMS }
}

function curveMembers(
  jwk: ReadonlyMap<string, unknown>,
  kty: 'EC' | 'OKP',
  curves: ReadonlyMap<string, Curve>,
): PublicMembers | SkipReason {
  const crv = jwk.get('crv')
  const curve = typeof crv === 'string' ? curves.get(crv) : undefined
  if (typeof crv !== 'string' || curve === undefined) return 'unsupported_curve'
  const x = base64urlMember(jwk, 'x')
  if (x === null || byteLength(x) !== curve.coordinateBytes) return 'malformed_key'
  const algorithms = [curve.algorithm]
  if (kty === 'OKP') return { jwk: { kty, crv, x }, algorithms }
  const y = base64urlMember(jwk, 'y')
  if (y === null || byteLength(y) !== curve.coordinateBytes) return 'malformed_key'
  return { jwk: { kty, crv, x, y }, algorithms }
}

function base64urlMember(jwk: ReadonlyMap<string, unknown>, name: string): string | null {
  const value = jwk.get(name)
  if (typeof value !== 'string' || !BASE64URL.test(value)) return null
  // Four characters carry three bytes; one left over carries none.
  return value.length % 4 === 1 ? null : value
}

function byteLength(base64url: string): number {
  return Math.floor((base64url.length * 3) / 4)
}

/** `alg` narrows what the type of the key allows; an `alg` outside of that leaves nothing. */
function algorithmsOfKey(
  jwk: ReadonlyMap<string, unknown>,
  ofType: readonly JwsAlgorithm[],
): readonly JwsAlgorithm[] {
  const alg = optionalText(jwk.get('alg'))
  if (alg === null) return ofType
  const own = jwsAlgorithmOf(alg)
  return ofType.filter((algorithm) => algorithm === own)
}

/** OpenSSL refuses what is not on the curve; `null` then. */
function importPublicKey(jwk: JsonWebKey): KeyObject | null {
  try {
    return createPublicKey({ key: jwk, format: 'jwk' })
  } catch {
    return null
  }
}

function weaknessOf(publicKey: KeyObject, jwk: JsonWebKey): SkipReason | null {
  if (jwk.kty === 'OKP') {
    const encoded = Buffer.from(jwk.x ?? '', 'base64url')
    return isUsableEd25519Point(encoded) ? null : 'invalid_point'
  }
  if (jwk.kty !== 'RSA') return null
  const bits = publicKey.asymmetricKeyDetails?.modulusLength ?? 0
  if (bits < RSA_BITS_MIN) return 'rsa_too_small'
  if (bits > RSA_BITS_MAX) return 'rsa_too_large'
  // With an exponent of 1 a signature is its own message: anyone could sign.
  const exponent = publicKey.asymmetricKeyDetails?.publicExponent ?? 0n
  const isSound = exponent >= 3n && exponent % 2n === 1n && exponent < RSA_EXPONENT_MAX
  return isSound ? null : 'rsa_exponent'
}

/** RFC 7638 §3: required members only, in alphabetical order, from the key as OpenSSL holds it. */
function thumbprintOf(publicKey: KeyObject): string {
  const { crv, e, kty, n, x, y } = publicKey.export({ format: 'jwk' })
  // JSON leaves out what is undefined, which is exactly what the type of the key does not have.
  const canonical = JSON.stringify({ crv, e, kty, n, x, y })
  return createHash('sha256').update(canonical).digest('base64url')
}
