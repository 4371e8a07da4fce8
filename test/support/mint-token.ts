/** Mints tokens: good ones of every algorithm with jose, hostile ones from raw parts. */
import {
  constants,
  createHmac,
  createPublicKey,
  type KeyObject,
  randomBytes,
  sign,
} from 'node:crypto'
import { SignJWT } from 'jose'
import type { VerificationKey } from '../../src/keys/key-set.ts'
import type { JwsAlgorithm } from '../../src/protocol/jws-algorithms.ts'
import { generatedKey } from './generated-key.ts'

/** A key pair or secret, as an issuer holds it and as the gateway sees it. */
export interface MintingKey {
  readonly algorithm: JwsAlgorithm
  readonly keyId: string
  readonly signingKey: KeyObject | Uint8Array
  /** The gateway's view. */
  readonly verificationKey: VerificationKey
}

export const ISSUER = 'https://idp.example.com/'
export const AUDIENCE = 'api.example.com'
/** The instant at which minted tokens are a minute old and live for an hour. */
export const NOW_SECONDS = 1_760_000_000

const HASHES: Readonly<Record<string, string>> = { 256: 'sha256', 384: 'sha384', 512: 'sha512' }
const CURVES: Readonly<Record<string, 'P-256' | 'P-384' | 'P-521'>> = {
  ES256: 'P-256',
  ES384: 'P-384',
  ES512: 'P-521',
}

let lastId = 0

/** Makes a fresh key for this algorithm. */
export function mintKey(algorithm: JwsAlgorithm, keyId = `key-${algorithm}`): MintingKey {
  if (algorithm.startsWith('HS')) {
    const secret = new Uint8Array(randomBytes(64))
    return {
      algorithm,
      keyId,
      signingKey: secret,
      verificationKey: verificationKey(algorithm, keyId, { kind: 'secret', secret }),
    }
  }
  const privateKey = generatePrivateKey(algorithm)
  return {
    algorithm,
    keyId,
    signingKey: privateKey,
    verificationKey: verificationKey(algorithm, keyId, publicMaterial(privateKey)),
  }
}

/** The gateway's view of a key, with any part replaced by the caller. */
export function verificationKey(
  algorithm: JwsAlgorithm,
  keyId: string | null,
  material: VerificationKey['material'],
): VerificationKey {
  lastId += 1
  return {
    id: lastId,
    keyId,
    algorithms: [algorithm],
    issuer: null,
    material,
    generationSlot: lastId,
    generation: lastId * 10,
  }
}

function generatePrivateKey(algorithm: JwsAlgorithm): KeyObject {
  if (algorithm === 'EdDSA') return generatedKey({ type: 'ed25519' })
  const namedCurve = CURVES[algorithm]
  if (namedCurve !== undefined) return generatedKey({ type: 'ec', namedCurve })
  return generatedKey({ type: 'rsa', modulusLength: 2_048 })
}

function publicMaterial(privateKey: KeyObject): VerificationKey['material'] {
  const spkiPem = createPublicKey(privateKey).export({ type: 'spki', format: 'pem' })
  return { kind: 'public', spkiPem: spkiPem.toString() }
}

/** Claims that every check accepts at {@link NOW_SECONDS}. */
export function goodClaims(): Record<string, unknown> {
  return {
    iss: ISSUER,
    aud: [AUDIENCE],
    sub: 'user-123',
    iat: NOW_SECONDS - 60,
    nbf: NOW_SECONDS - 60,
    exp: NOW_SECONDS + 3_600,
    jti: '0b6c6c2e-8f5b-4c1f-9d7c-1f2a3b4c5d6e',
    sid: 'session-1',
    email: 'someone@example.com',
    roles: ['admin', 'reader'],
    scope: 'read write',
    tenant_id: 'acme',
    org_id: 'org-1',
  }
}

/** A token as jose makes it. Members of `claims` and `header` replace the good ones. */
export function mintToken(
  key: MintingKey,
  claims: Record<string, unknown> = {},
  header: Record<string, unknown> = {},
): Promise<string> {
  return new SignJWT({ ...goodClaims(), ...claims })
    .setProtectedHeader({ alg: key.algorithm, kid: key.keyId, typ: 'JWT', ...header })
    .sign(key.signingKey)
}

/** base64url of text or bytes. */
export function encode(content: string | Uint8Array): string {
  return Buffer.from(content).toString('base64url')
}

/** The good header of this key as JSON text, with members added, replaced or left out. */
export function headerText(key: MintingKey, members: Record<string, unknown> = {}): string {
  return JSON.stringify({ alg: key.algorithm, kid: key.keyId, typ: 'JWT', ...members })
}

/** The good claims as JSON text, with members added, replaced or (as `undefined`) left out. */
export function claimsText(members: Record<string, unknown> = {}): string {
  return JSON.stringify({ ...goodClaims(), ...members })
}

/** Signs whatever header and payload the caller invents, with a good signature. */
export function signRaw(
  key: MintingKey,
  header: string | Uint8Array,
  payload: string | Uint8Array,
): string {
  const input = `${encode(header)}.${encode(payload)}`
  return `${input}.${encode(rawSignature(key, input))}`
}

/** The signature over exactly these characters. */
export function rawSignature(key: MintingKey, input: string): Uint8Array {
  const hash = HASHES[key.algorithm.slice(2)] ?? null
  if (key.signingKey instanceof Uint8Array) {
    return createHmac(hash ?? '', key.signingKey)
      .update(input)
      .digest()
  }
  const family = key.algorithm.slice(0, 2)
  const bytes = Buffer.from(input)
  if (family === 'ES') return sign(hash, bytes, { key: key.signingKey, dsaEncoding: 'ieee-p1363' })
  if (family === 'PS') {
    return sign(hash, bytes, {
      key: key.signingKey,
      padding: constants.RSA_PKCS1_PSS_PADDING,
      saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
    })
  }
  return sign(hash, bytes, key.signingKey)
}
