/** Good tokens with something changed, as arbitrary values of fast-check. */
import fc from 'fast-check'
import {
  claimsText,
  encode,
  headerText,
  type MintingKey,
  NOW_SECONDS,
  rawSignature,
  signRaw,
} from './mint-token.ts'
import { anyPlace } from './property-runs.ts'

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
/** The last is half of a character: a string, but not of Unicode. */
export const TOKEN_CHARACTERS: readonly string[] = [
  ...Array.from(`${ALPHABET}.=+/ \n\r\t\0"%&\x7f\u00c1\u0141`),
  '\ud83e',
]

export interface CharacterChange {
  readonly token: string
  readonly place: number
  readonly kind: 'replace' | 'insert' | 'remove' | 'swap' | 'repeat'
  readonly character: string
}

/** A key, the issuer that signs with it, and a good token of both. */
export interface Signer {
  readonly key: MintingKey
  readonly issuer: string
  readonly token: string
}

export function createSigner(key: MintingKey, issuer: string): Signer {
  return { key, issuer, token: signRaw(key, headerText(key), claimsText({ iss: issuer })) }
}

/** One character of one of these tokens. */
export function characterChanges(tokens: readonly string[]): fc.Arbitrary<CharacterChange> {
  return fc.record({
    token: fc.constantFrom(...tokens),
    place: anyPlace,
    kind: fc.constantFrom<CharacterChange['kind'][]>(
      'replace',
      'insert',
      'remove',
      'swap',
      'repeat',
    ),
    character: fc.constantFrom(...TOKEN_CHARACTERS),
  })
}

export function changeCharacter({ token, place, kind, character }: CharacterChange): string {
  const index = Math.floor(place * token.length)
  const before = token.slice(0, index)
  const at = token.charAt(index)
  const behind = token.slice(index + 1)
  switch (kind) {
    case 'replace':
      return before + character + behind
    case 'insert':
      return before + character + at + behind
    case 'remove':
      return before + behind
    case 'swap':
      return before + behind.slice(0, 1) + at + behind.slice(1)
    case 'repeat':
      return before + at + at + behind
  }
}

/** Segments of several tokens in one: exchanged, left out, repeated or in another order. */
export function segmentSwaps(tokens: readonly string[]): fc.Arbitrary<string> {
  const segment = fc.constantFrom(...tokens.flatMap((token) => token.split('.')), '', 'e30')
  const one = fc.constantFrom(...tokens).map((token) => token.split('.'))
  return fc.oneof(
    fc.array(segment, { minLength: 1, maxLength: 5 }).map((segments) => segments.join('.')),
    fc
      .tuple(one, segment, fc.nat(2))
      .map(([segments, other, place]) => segments.with(place, other).join('.')),
    one.chain((segments) => fc.shuffledSubarray(segments).map((some) => some.join('.'))),
  )
}

/** Bits of a decoded segment, encoded again. The signature stays. */
export function bitFlips(tokens: readonly string[]): fc.Arbitrary<string> {
  const places = fc.array(fc.nat(), { minLength: 1, maxLength: 4 })
  return fc.tuple(fc.constantFrom(...tokens), fc.nat(2), places).map(([token, segment, bits]) => {
    const segments = token.split('.')
    const bytes = Buffer.from(segments[segment] ?? '', 'base64url')
    for (const bit of bits) {
      const index = (bit >> 3) % bytes.length
      bytes[index] = (bytes[index] ?? 0) ^ (1 << (bit & 7))
    }
    return segments.with(segment, encode(bytes)).join('.')
  })
}

/** One spelling of base64 for a segment; the first is the right one. */
const SPELLINGS: readonly ((segment: string) => string)[] = [
  (segment) => segment,
  (segment) => segment.padEnd(Math.ceil(segment.length / 4) * 4, '='),
  (segment) => `${segment}=`,
  (segment) => segment.replaceAll('-', '+').replaceAll('_', '/'),
  (segment) => `${segment.slice(0, 8)}\n${segment.slice(8)}`,
  (segment) => ` ${segment}`,
  (segment) => segment.slice(0, -1) + withHiddenBit(segment.at(-1) ?? ''),
]

/** The character with the last of its bits, which stand for no byte in most segments. */
function withHiddenBit(character: string): string {
  return ALPHABET.charAt(ALPHABET.indexOf(character) | 1)
}

/**
 * Good tokens in other spellings of base64. Of those with a new signature it covers the spelling,
 * as that of a careless issuer would.
 */
export function base64Spellings(signers: readonly Signer[]): fc.Arbitrary<string> {
  const spelling = fc.constantFrom(...SPELLINGS)
  return fc
    .tuple(fc.constantFrom(...signers), spelling, spelling, spelling, fc.boolean())
    .map(([signer, spellHeader, spellClaims, spellSignature, isSigned]) => {
      const [header = '', claims = '', signature = ''] = signer.token.split('.')
      const input = `${spellHeader(header)}.${spellClaims(claims)}`
      const made = isSigned ? encode(rawSignature(signer.key, input)) : signature
      return `${input}.${spellSignature(made)}`
    })
}

const JSON_VALUES: readonly unknown[] = [
  ...[null, '', 0, -1, 1.5, 1e18, true, false, [], {}, ['x'], ['x', 1], [null], { x: 1 }],
  ...['x', ' ', '\u00e9', '\0', '__proto__', 'x'.repeat(300), undefined],
]

/** Values on both sides of what the clock allows, whole and not. */
const INSTANTS: readonly number[] = [-6, -5, -4, 0, 4, 5, 6, 3_600].flatMap((offset) => [
  NOW_SECONDS + offset,
  NOW_SECONDS + offset + 0.5,
])

const HEADER_VALUES: Readonly<Record<string, readonly unknown[]>> = {
  alg: ['RS256', 'ES256', 'EdDSA', 'HS256', 'RS384', 'none', 'None', 'rs256'],
  kid: ['rsa', 'ec', 'ed', 'hmac', 'other', 'rsa '],
  typ: ['JWT', 'jwt', 'at+jwt', 'application/at+jwt', 'application/jwt', 'dpop+jwt', 'logout+jwt'],
  crit: [['b64'], ['exp'], []],
  b64: [true, false],
  zip: ['DEF'],
  enc: ['A256GCM'],
  cty: ['JWT'],
  jku: ['https://idp.example.com/keys'],
}

function claimValues(issuers: readonly string[], audiences: readonly string[]) {
  return {
    iss: issuers,
    aud: [...audiences, audiences, [audiences[0], 'x'], [audiences[0], 1]],
    sub: ['someone', '\u00e9\ud83e\udd80'],
    exp: INSTANTS,
    nbf: INSTANTS,
    iat: INSTANTS,
    jti: ['id'],
    sid: ['session'],
    email: ['someone@example.com'],
    roles: ['admin', ['admin', 'reader']],
    scope: ['read  write', ['read'], 'read "write"'],
    tenant_id: ['acme'],
    org_id: ['org'],
    typ: ['ID', 'Bearer', 'Refresh'],
    token_use: ['id', 'access'],
    at_hash: ['x'],
    c_hash: ['x'],
    events: [{}],
    client_id: ['client'],
    unknown: ['x'],
  }
}

/** Members to replace, add or, as `undefined`, to leave out. */
function edits(values: Readonly<Record<string, readonly unknown[]>>) {
  const member = fc.constantFrom(...Object.entries(values)).chain(([name, likely]) => {
    const value = fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom(...likely) },
      { weight: 1, arbitrary: fc.constantFrom(...JSON_VALUES) },
    )
    return value.map((it) => [name, it] as const)
  })
  return fc.array(member, { maxLength: 2 }).map((all) => Object.fromEntries(all))
}

/** Ways to write an object in JSON; the first is the usual one. */
const JSON_SPELLINGS: readonly ((text: string) => string | Uint8Array)[] = [
  asItIs,
  (text) => JSON.stringify(JSON.parse(text), null, 1),
  (text) => text.replace('"', '"\\u0061":1,"'),
  (text) => text.replace(/"(.)/, (_, first: string) => `"\\u00${hexOf(first)}`),
  (text) => `\ufeff${text}`,
  (text) => `${text} `,
  (text) => `${text}x`,
  // Each of these says something twice.
  (text) => `${text.slice(0, -1)},${text.slice(1)}`,
  (text) => `${text.slice(0, -1)},"x":{"y":1,"\\u0079":2}}`,
  (text) => `${text.slice(0, -1)},"x":${'['.repeat(16)}${']'.repeat(16)}}`,
  (text) => `${text.slice(0, -1)},"x":"\\ud800"}`,
  (text) => Buffer.from(`${text.slice(0, -1)},"x":"\u00e9"}`, 'latin1'),
  (text) => text.replace(/"exp":\d+/, '"exp":1e400'),
  (text) => text.replace(/"exp":(\d+)/, '"exp":$1.0e0'),
]

function asItIs(text: string): string | Uint8Array {
  return text
}

function hexOf(character: string): string {
  return character.charCodeAt(0).toString(16).padStart(2, '0')
}

/** Tokens with another header, other claims or another spelling of them, signed anew or not. */
export function editedTokens(
  signers: readonly Signer[],
  audiences: readonly string[],
): fc.Arbitrary<string> {
  const issuers = signers.map(({ issuer }) => issuer)
  const usually = <T>(usual: T, others: fc.Arbitrary<T>): fc.Arbitrary<T> =>
    fc.oneof({ weight: 3, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: others })
  return fc
    .record({
      signer: fc.constantFrom(...signers),
      otherSigner: usually(null, fc.constantFrom(...signers)),
      header: usually({}, edits(HEADER_VALUES)),
      claims: edits(claimValues(issuers, audiences)),
      spellHeader: usually(asItIs, fc.constantFrom(...JSON_SPELLINGS)),
      spellClaims: usually(asItIs, fc.constantFrom(...JSON_SPELLINGS)),
      isSigned: usually(true, fc.boolean()),
    })
    .map(({ signer, otherSigner, header, claims, spellHeader, spellClaims, isSigned }) => {
      const headerBytes = spellHeader(headerText(signer.key, header))
      const claimBytes = spellClaims(claimsText({ iss: signer.issuer, ...claims }))
      if (isSigned) return signRaw((otherSigner ?? signer).key, headerBytes, claimBytes)
      const signature = signer.token.split('.')[2] ?? ''
      return `${encode(headerBytes)}.${encode(claimBytes)}.${signature}`
    })
}
