/**
 * Tokens whose algorithm, signature or header attackers made, each fresh, with the code that must
 * answer. Where it matters the signature is good, as if a careless issuer had signed what the
 * attacker wanted.
 */
import { createHmac, createPublicKey, type KeyObject, sign } from 'node:crypto'
import type { AuthErrorCode } from '../../src/protocol/auth-error.ts'
import { liveClaims, liveToken } from './live-token.ts'
import { encode, headerText, type MintingKey, mintKey, signRaw } from './mint-token.ts'

export type HostileToken = readonly [attack: string, code: AuthErrorCode, token: string]

/** What the gateway trusts, and where an attacker waits for it to come by. */
export interface Target {
  readonly issuer: string
  /** Published: RS256, ES256 and EdDSA, one key each. */
  readonly rsa: MintingKey
  readonly ec: MintingKey
  readonly ed: MintingKey
  /** Another issuer, with a shared secret and HS256 alone. */
  readonly sharedIssuer: string
  readonly secret: MintingKey
  /** Longest token that is read. */
  readonly tokenBytesMax: number
  /** A server of the attacker's, for `jku` and `x5u`. */
  readonly trap: string
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

export function hostileTokens(target: Target): readonly HostileToken[] {
  return [...algorithmAttacks(target), ...signatureAttacks(target), ...headerAttacks(target)]
}

function spkiOf(key: MintingKey, format: 'pem'): string
function spkiOf(key: MintingKey, format: 'der'): Buffer
function spkiOf(key: MintingKey, format: 'pem' | 'der'): string | Buffer {
  return createPublicKey(key.signingKey as KeyObject).export({
    type: 'spki',
    format: format as 'pem',
  })
}

/** Key confusion: a public key's text, or nothing, as the secret of an HMAC. */
function confused({ issuer, rsa }: Target, secret: string | Uint8Array): string {
  const input = `${encode(headerText(rsa, { alg: 'HS256' }))}.${encode(liveClaims(issuer))}`
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
}

function algorithmAttacks(target: Target): readonly HostileToken[] {
  const { issuer, sharedIssuer, rsa, ec, ed, secret } = target
  const claims = () => liveClaims(issuer)
  const nones = ['none', 'None', 'NONE', 'nOnE', 'none ', ''].flatMap((alg): HostileToken[] => {
    const unsigned = `${encode(headerText(rsa, { alg }))}.${encode(claims())}`
    const kept = liveToken(rsa, issuer).split('.')[2]
    return [
      [`alg ${JSON.stringify(alg)} without signature`, 'invalid_token', `${unsigned}.`],
      [`alg ${JSON.stringify(alg)} with a signature`, 'invalid_token', `${unsigned}.${kept}`],
    ]
  })
  const named = [
    undefined,
    null,
    256,
    ['RS256'],
    { alg: 'RS256' },
    true,
    'rs256',
    'RS256 ',
    'ES256K',
  ]
  const strange = [...named, 'RS1', 'dir', 'RSA-OAEP', 'constructor', '__proto__', 'toString']
  const rows = strange.map((alg): HostileToken => {
    const token = signRaw(rsa, headerText(rsa, { alg }), claims())
    return [`alg ${JSON.stringify(alg)}`, 'invalid_token', token]
  })
  const duplicates = [
    '{"alg":"none","alg":"RS256","kid":"rsa"}',
    '{"alg":"RS256","kid":"rsa","alg":"none"}',
    '{"alg":"RS256","kid":"rsa","\\u0061lg":"none"}',
  ].map(
    (header): HostileToken => [`header ${header}`, 'invalid_token', signRaw(rsa, header, claims())],
  )
  const others = (['RS384', 'RS512', 'PS256', 'ES384', 'HS256', 'HS512'] as const).map(
    (algorithm): HostileToken => {
      const key = mintKey(algorithm, 'rsa')
      return [`${algorithm}, which is not accepted`, 'invalid_token', liveToken(key, issuer)]
    },
  )
  return [
    ...nones,
    ...rows,
    ...duplicates,
    ...others,
    ['RS384 by the right key', 'invalid_token', liveToken({ ...rsa, algorithm: 'RS384' }, issuer)],
    ['PS256 by the right key', 'invalid_token', liveToken({ ...rsa, algorithm: 'PS256' }, issuer)],
    ['HS256 over the PEM of the public key', 'invalid_token', confused(target, spkiOf(rsa, 'pem'))],
    ['HS256 over the trimmed PEM', 'invalid_token', confused(target, spkiOf(rsa, 'pem').trim())],
    ['HS256 over the DER of the public key', 'invalid_token', confused(target, spkiOf(rsa, 'der'))],
    ['HS256 with an empty secret', 'invalid_token', confused(target, '')],
    [
      'an EC signature under the kid of an RSA key',
      'invalid_token',
      liveToken(ec, issuer, {}, { kid: 'rsa' }),
    ],
    [
      'an RSA signature under the kid of an EC key',
      'invalid_token',
      liveToken(rsa, issuer, {}, { kid: 'ec' }),
    ],
    [
      'an EdDSA signature under the kid of an EC key',
      'invalid_token',
      liveToken(ed, issuer, {}, { kid: 'ec' }),
    ],
    ['the shared secret at the issuer with keys', 'invalid_token', liveToken(secret, issuer)],
    ['a public key at the issuer with the secret', 'invalid_token', liveToken(rsa, sharedIssuer)],
    [
      'HS512 by the right secret',
      'invalid_token',
      liveToken({ ...secret, algorithm: 'HS512' }, sharedIssuer),
    ],
    ['another secret', 'invalid_token', liveToken(mintKey('HS256'), sharedIssuer)],
  ]
}

/** The same bytes, in a spelling that sets unused bits. */
function looseEnd(token: string): string {
  const last = ALPHABET.indexOf(token.at(-1) ?? '')
  return `${token.slice(0, -1)}${ALPHABET[last + 1]}`
}

function signatureAttacks({ issuer, rsa, ec, ed }: Target): readonly HostileToken[] {
  const withSignature = (key: MintingKey, change: (signature: string, input: string) => string) => {
    const token = liveToken(key, issuer)
    const end = token.lastIndexOf('.')
    return `${token.slice(0, end)}.${change(token.slice(end + 1), token.slice(0, end))}`
  }
  const flip = (text: string, at: number) =>
    `${text.slice(0, at)}${text[at] === 'A' ? 'B' : 'A'}${text.slice(at + 1)}`
  const der = (_: string, input: string) =>
    sign('sha256', Buffer.from(input), ec.signingKey as KeyObject).toString('base64url')
  const order = 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551'
  const forged = (key: MintingKey) => liveToken(mintKey(key.algorithm, key.keyId), issuer)
  const swapped = `${liveToken(rsa, issuer).slice(0, -342)}${liveToken(rsa, issuer).slice(-342)}`
  return [
    ['an empty signature', 'invalid_token', withSignature(rsa, () => '')],
    ['no signature', 'invalid_token', withSignature(rsa, () => '').slice(0, -1)],
    ['a truncated signature', 'invalid_token', withSignature(rsa, (text) => text.slice(0, -4))],
    ['a lengthened signature', 'invalid_token', withSignature(rsa, (text) => `${text}AAAA`)],
    ['a changed RSA signature', 'invalid_token', withSignature(rsa, (text) => flip(text, 20))],
    ['a changed EC signature', 'invalid_token', withSignature(ec, (text) => flip(text, 20))],
    ['a changed EdDSA signature', 'invalid_token', withSignature(ed, (text) => flip(text, 20))],
    ['the signature of another token', 'invalid_token', swapped],
    ['another RSA key of the same kid', 'invalid_token', forged(rsa)],
    ['another EC key of the same kid', 'invalid_token', forged(ec)],
    ['another EdDSA key of the same kid', 'invalid_token', forged(ed)],
    ['r = s = 0', 'invalid_token', withSignature(ec, () => encode(Buffer.alloc(64)))],
    [
      'r = s = n',
      'invalid_token',
      withSignature(ec, () => encode(Buffer.from(order + order, 'hex'))),
    ],
    ['DER instead of P1363', 'invalid_token', withSignature(ec, der)],
    [
      'an EdDSA signature of zeroes',
      'invalid_token',
      withSignature(ed, () => encode(Buffer.alloc(64))),
    ],
    [
      'an RSA signature of zeroes',
      'invalid_token',
      withSignature(rsa, () => encode(Buffer.alloc(256))),
    ],
    ['an RSA signature of one', 'invalid_token', withSignature(rsa, () => `${'A'.repeat(341)}Q`)],
    ['unused bits at the end', 'invalid_token', looseEnd(liveToken(rsa, issuer))],
    ['padding at the end', 'invalid_token', `${liveToken(rsa, issuer)}==`],
    ['a + in the signature', 'invalid_token', withSignature(rsa, (text) => `+${text.slice(1)}`)],
    ['a / in the signature', 'invalid_token', withSignature(rsa, (text) => `/${text.slice(1)}`)],
    ['a fourth segment', 'invalid_token', `${liveToken(rsa, issuer)}.AAAA`],
    ['an empty fourth segment', 'invalid_token', `${liveToken(rsa, issuer)}.`],
    ['a leading dot', 'invalid_token', `.${liveToken(rsa, issuer)}`],
    ['five segments, as a JWE', 'invalid_token', `${liveToken(rsa, issuer)}.AAAA.AAAA`],
    ['dots alone', 'invalid_token', '..'],
    ['no dot at all', 'invalid_token', liveToken(rsa, issuer).replaceAll('.', '')],
  ]
}

function headerAttacks({ issuer, rsa, ec, trap }: Target): readonly HostileToken[] {
  const attacker = mintKey('ES256', ec.keyId)
  const jwk = createPublicKey(attacker.signingKey as KeyObject).export({ format: 'jwk' })
  const signed = (header: string | Uint8Array) => signRaw(rsa, header, liveClaims(issuer))
  const unknown = [
    '../../../../dev/null',
    "x' UNION SELECT 'key",
    '__proto__',
    'constructor',
    `${trap}/kid`,
    'RSA',
    'rsa ',
    'k'.repeat(256),
  ]
  const badKids = [
    '',
    'k'.repeat(257),
    'k'.repeat(5_000),
    1,
    null,
    ['rsa'],
    { kid: 'rsa' },
    'rsa\0',
    'rsa\n',
    'rsä',
  ]
  const refusedMembers = [
    { crit: ['x'], x: 1 },
    { crit: [] },
    { crit: null },
    { crit: 'exp' },
    { crit: ['b64'], b64: false },
    { b64: false },
    { b64: true },
    { zip: 'DEF' },
    { enc: 'A256GCM' },
  ]
  const types = [
    'dpop+jwt',
    'logout+jwt',
    'secevent+jwt',
    'id_token+jwt',
    'JOSE',
    'JWE',
    'text/jwt',
    '',
    'JWT ',
    ['JWT'],
    1,
    null,
  ]
  const row = (members: Record<string, unknown>, code: AuthErrorCode): HostileToken => [
    `header ${JSON.stringify(members).slice(0, 60)}`,
    code,
    liveToken(rsa, issuer, {}, members),
  ]
  const key = (members: Record<string, unknown>): HostileToken => [
    `the attacker's key in ${Object.keys(members).join()}`,
    'invalid_token',
    liveToken(attacker, issuer, {}, members),
  ]
  const elsewhere = { jku: `${trap}/jwks`, x5u: `${trap}/pem` }
  const raw = [
    '["RS256"]',
    '"RS256"',
    'null',
    '{}',
    '{alg:RS256}',
    `${headerText(rsa)}x`,
    `\ufeff${headerText(rsa)}`,
    `{"__proto__":${headerText(rsa)}}`,
    '{"alg":"RS256","kid":"other","kid":"rsa"}',
    '{"alg":"RS256","kid":"rsa","typ":"JWT","typ":"x"}',
    `{"alg":"RS256","kid":"rsa","x":${'['.repeat(1_000)}${']'.repeat(1_000)}}`,
    Buffer.from(headerText(rsa, { x: 'ÿ' }), 'latin1'),
  ]
  return [
    ...unknown.map((kid) => row({ kid }, 'unknown_signing_key')),
    ...badKids.map((kid) => row({ kid }, 'invalid_token')),
    ...refusedMembers.map((members) => row(members, 'invalid_token')),
    ...types.map((typ) => row({ typ }, 'invalid_token')),
    key({ jwk }),
    key(elsewhere),
    key({ x5c: ['MIIB'] }),
    [
      'an unknown kid at a jku',
      'unknown_signing_key',
      liveToken(attacker, issuer, {}, { ...elsewhere, kid: 'x' }),
    ],
    [
      'an unknown kid with its jwk',
      'unknown_signing_key',
      liveToken(attacker, issuer, {}, { jwk, kid: 'y' }),
    ],
    ...raw.map(
      (header): HostileToken => [
        `header ${String(header).slice(0, 60)}`,
        'invalid_token',
        signed(header),
      ],
    ),
  ]
}
