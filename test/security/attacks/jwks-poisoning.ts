/**
 * Key sets with something in them that must not be believed, and tokens that would be good if it
 * were (RFC 7517 §4, §5, RFC 8725 §3.5): keys that are no secret, too weak, not for this, or not
 * what they say they are; and documents that are too large, or none.
 */
import {
  createHash,
  createHmac,
  createPublicKey,
  type KeyObject,
  randomBytes,
  sign,
} from 'node:crypto'
import type { Behaviour } from '../../support/faulty-server.ts'
import { generatedKey } from '../../support/generated-key.ts'
import { keySetDocument } from '../../support/key-documents.ts'
import { liveClaims, liveToken, publishedJwk } from '../../support/live-token.ts'
import { encode, type MintingKey, mintKey, rawSignature } from '../../support/mint-token.ts'
import type { Refusal } from './attack.ts'

export type PoisonedKeySet = readonly [
  name: string,
  answer: Refusal,
  /** What the issuer publishes, or how. */
  served: Uint8Array | Behaviour,
  token: (issuer: string) => string,
]

/** A key as it is published, and the signature that an attacker makes for it. */
interface Poison {
  readonly jwk: unknown
  /** What the token calls it, if not {@link KEY_ID}. */
  readonly kid?: string
  readonly alg: string
  readonly forge: (input: string) => Uint8Array
}

const KEY_ID = 'poison'
/** Of a document without keys, nothing is known: the token may be good. */
const UNDECIDED = '503 verifier_unavailable'
const FIVE_MEGABYTES = 5 * 1_024 * 1_024
const DOCUMENT_BYTES_MAX = 256 * 1_024

/**
 * @param good Published in every document that can be read, so that its tokens show that it was.
 * @param trap A server of the attacker's, to which a key may refer.
 */
export function poisonedKeySets(good: MintingKey, trap: string): readonly PoisonedKeySet[] {
  const keys = Object.entries({ ...weakKeys(), ...misplacedKeys(trap) }).map(
    ([name, poison]): PoisonedKeySet => {
      const answer = poison.alg === 'HS256' ? '401 invalid_token' : '401 unknown_signing_key'
      return [name, answer, keySetDocument(publishedJwk(good), poison.jwk), tokenFor(poison)]
    },
  )
  return [...keys, ...poisonedDocuments(good)]
}

function tokenFor({ alg, forge, kid = KEY_ID }: Poison): (issuer: string) => string {
  return (issuer) => {
    const header = encode(JSON.stringify({ alg, kid, typ: 'JWT' }))
    const input = `${header}.${encode(liveClaims(issuer))}`
    return `${input}.${encode(forge(input))}`
  }
}

/** A good key, published with these members in place of its own. */
function published(key: MintingKey, members: Record<string, unknown> = {}): Poison {
  return {
    jwk: { ...publishedJwk(key), kid: KEY_ID, ...members },
    alg: key.algorithm,
    forge: (input) => rawSignature(key, input),
  }
}

/** Keys that are no secret, or that cannot keep one. */
function weakKeys(): Readonly<Record<string, Poison>> {
  const [rsa, ec, ed] = [mintKey('RS256'), mintKey('ES256'), mintKey('EdDSA')]
  const secret = randomBytes(64)
  const hmac = (input: string) => createHmac('sha256', secret).update(input).digest()
  const oct = { kty: 'oct', k: encode(secret), kid: KEY_ID }
  return {
    'a symmetric key': { jwk: oct, alg: 'HS256', forge: hmac },
    'a symmetric key for signatures': {
      jwk: { ...oct, alg: 'HS256', use: 'sig' },
      alg: 'HS256',
      forge: hmac,
    },
    'a symmetric key that says RS256': { jwk: { ...oct, alg: 'RS256' }, alg: 'RS256', forge: hmac },
    'a private RSA key': published(rsa, privateMembers(rsa)),
    'a private EC key': published(ec, privateMembers(ec)),
    'a private Ed25519 key': published(ed, privateMembers(ed)),
    'a key with an empty private member': published(ec, { d: '' }),
    'a key with the member of a secret': published(ec, { k: 'AAAA' }),
    'an RSA key of 1024 bits': ofPrivateKey(
      'RS256',
      generatedKey({ type: 'rsa', modulusLength: 1_024 }),
    ),
    'an RSA key of 2040 bits': ofPrivateKey(
      'RS256',
      generatedKey({ type: 'rsa', modulusLength: 2_040 }),
    ),
    'an RSA key of more than 16384 bits': hugeRsa(),
    'an RSA key with the exponent 1': exponentOne(rsa),
    'an RSA key with an even exponent': published(rsa, { e: 'AAAC' }),
    'a point that is not on its curve': published(ec, { y: encode(Buffer.alloc(32, 1)) }),
    'a point of zeroes': published(ec, {
      x: encode(Buffer.alloc(32)),
      y: encode(Buffer.alloc(32)),
    }),
    'a point of another curve': published(ec, coordinates(mintKey('ES384'))),
    'a curve that is not accepted': ofPrivateKey(
      'ES256',
      generatedKey({ type: 'ec', namedCurve: 'secp256k1' }),
    ),
    'the neutral point of Ed25519': neutralPoint(),
    'an Ed25519 point that is not on its curve': published(ed, { x: encode(Buffer.alloc(32, 2)) }),
  }
}

function ofPrivateKey(alg: string, key: KeyObject): Poison {
  const jwk = createPublicKey(key).export({ format: 'jwk' })
  return {
    jwk: { ...jwk, kid: KEY_ID, use: 'sig' },
    alg,
    forge: (input) => sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' }),
  }
}

/** Good keys, published as something else than keys for signatures. */
function misplacedKeys(trap: string): Readonly<Record<string, Poison>> {
  const [rsa, ec] = [mintKey('RS256'), mintKey('ES256')]
  return {
    'a key for encryption': published(ec, { use: 'enc' }),
    'a key that may only sign': published(ec, { key_ops: ['sign'] }),
    'a key for another algorithm': published(rsa, { alg: 'PS256' }),
    'a key for an algorithm of another type': published(rsa, { alg: 'ES256' }),
    'a key for no algorithm': published(ec, { alg: 'none' }),
    'a key of an unknown type': published(ec, { kty: 'XY' }),
    'a key without a type': published(ec, { kty: undefined }),
    'a kid that is a number': { ...published(ec, { kid: 7 }), kid: '7' },
    'a key within a prototype': inPrototype(ec),
    'a key within a list': { ...published(ec), jwk: [published(ec).jwk] },
    'a key as text': { ...published(ec), jwk: JSON.stringify(published(ec).jwk) },
    'a certificate for a key': {
      ...published(rsa),
      jwk: { kty: 'RSA', kid: KEY_ID, x5c: ['MIIB'] },
    },
    'a certificate at a URL': { ...published(rsa), jwk: { kty: 'RSA', kid: KEY_ID, x5u: trap } },
  }
}

/**
 * Has it made as text, because Node 20 may deadlock when it exports a key that it has just made.
 */
function privateMembers(key: MintingKey): Record<string, unknown> {
  return { ...(key.signingKey as KeyObject).export({ format: 'jwk' }) }
}

function coordinates(key: MintingKey): Record<string, unknown> {
  const { x, y } = publishedJwk(key)
  return { x, y }
}

/** Nothing signs for it here: that it is not taken is what tells. */
function hugeRsa(): Poison {
  const n = encode(Buffer.alloc(16_448 / 8, 0xff))
  const jwk = { kty: 'RSA', n, e: 'AQAB', kid: KEY_ID }
  return { jwk, alg: 'RS256', forge: () => randomBytes(256) }
}

/** A signature is its own message then (RFC 8017 §8.2.2, §9.2), so that everyone can make one. */
function exponentOne(rsa: MintingKey): Poison {
  const digestInfo = Buffer.from('3031300d060960864801650304020105000420', 'hex')
  const forge = (input: string) => {
    const digest = createHash('sha256').update(input).digest()
    const padding = Buffer.alloc(256 - 3 - digestInfo.length - digest.length, 0xff)
    return Buffer.concat([Buffer.from([0, 1]), padding, Buffer.from([0]), digestInfo, digest])
  }
  return { ...published(rsa, { e: 'AQ' }), forge }
}

/** For it R = the neutral point and S = 0 sign everything (RFC 8032 §5.1.7). */
function neutralPoint(): Poison {
  const point = Buffer.alloc(32)
  point[0] = 1
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: encode(point), kid: KEY_ID }
  return { jwk, alg: 'EdDSA', forge: () => Buffer.concat([point, Buffer.alloc(32)]) }
}

function inPrototype(key: MintingKey): Poison {
  const poison = published(key)
  return { ...poison, jwk: JSON.parse(`{"__proto__":${JSON.stringify(poison.jwk)}}`) }
}

/** Sets of which nothing may be believed, although a good key is in them. */
function poisonedDocuments(good: MintingKey): readonly PoisonedKeySet[] {
  const jwk = publishedJwk(good)
  const text = JSON.stringify({ keys: [jwk] })
  const many = (count: number) => keySetDocument(jwk, ...Array.from({ length: count }, () => ({})))
  const documents: Readonly<Record<string, Uint8Array | Behaviour>> = {
    'five megabytes': Buffer.from(text.padEnd(FIVE_MEGABYTES)),
    'one byte more than is read': Buffer.from(text.padEnd(DOCUMENT_BYTES_MAX + 1)),
    'bytes without an end': 'endless',
    '10 000 keys': many(9_999),
    'one key more than is read': many(100),
    'a redirect': 'redirect',
    'a page of HTML': 'page',
    'an answer in a coding that was not asked for': 'compressed',
    'a key set with 500': 'error',
    'a key set with 404': 'missing',
    'half of it': 'cut',
    'two lists of keys': Buffer.from(`${text.slice(0, -1)},"keys":[${JSON.stringify(jwk)}]}`),
    'a key with a member twice': Buffer.from(text.replace('"kid"', '"kid":"x","kid"')),
    'an object of keys': Buffer.from(JSON.stringify({ keys: { 0: jwk } })),
    'a bare list': Buffer.from(JSON.stringify([jwk])),
    'a bare key': Buffer.from(JSON.stringify(jwk)),
    'keys in a prototype': Buffer.from(`{"__proto__":${text}}`),
    'something behind': Buffer.from(`${text}${text}`),
    'a comment': Buffer.from(`${text}// keys`),
    'bytes that are no UTF-8': Buffer.concat([
      Buffer.from(text.slice(0, -1)),
      Buffer.from(',"x":"\xff"}', 'latin1'),
    ]),
    'UTF-16': Buffer.from(text, 'utf16le'),
  }
  return Object.entries(documents).map(
    ([name, served]): PoisonedKeySet => [
      name,
      UNDECIDED,
      served,
      (issuer) => liveToken(good, issuer),
    ],
  )
}
