/**
 * Attacks on the choice of the algorithm and of the key (RFC 8725 §2.1, §3.1; CWE-327, CWE-347): no
 * signature at all, a key of another type or curve, and a public key as the secret of an HMAC.
 */
import { createHmac, createPublicKey, type KeyObject, sign } from 'node:crypto'
import { generatedKey } from '../../support/generated-key.ts'
import { liveClaims, liveToken, publishedJwk } from '../../support/live-token.ts'
import { encode, headerText, type MintingKey, mintKey, signRaw } from '../../support/mint-token.ts'
import type { TokenAttack, TokenTarget } from './attack.ts'

export function keyConfusions(target: TokenTarget): readonly TokenAttack[] {
  return [
    ...unsecured(target),
    ...unreadableAlgorithms(target),
    ...foreignAlgorithms(target),
    ...foreignKeys(target),
    ...publicSecrets(target),
  ]
}

/** `none`, in every case, with an empty signature and with one of another token. */
function unsecured({ issuer, rsa }: TokenTarget): readonly TokenAttack[] {
  const words = ['none', 'None', 'NONE', 'nOnE', 'none ', ' none', 'none\0', '', 'null']
  return words.flatMap((alg): TokenAttack[] => {
    const unsigned = `${encode(headerText(rsa, { alg }))}.${encode(liveClaims(issuer))}`
    const kept = liveToken(rsa, issuer).split('.')[2]
    return [
      [`alg ${JSON.stringify(alg)} without signature`, '401 invalid_token', `${unsigned}.`],
      [`alg ${JSON.stringify(alg)} with a signature`, '401 invalid_token', `${unsigned}.${kept}`],
    ]
  })
}

/** Good signatures of the right key, under an `alg` that is none, or two. */
function unreadableAlgorithms({ issuer, rsa }: TokenTarget): readonly TokenAttack[] {
  const values = [
    ...[undefined, null, 256, true, ['RS256'], ['RS256', 'none'], { alg: 'RS256' }, {}, []],
    ...['rs256', 'RS256 ', 'RS256\0', 'ES256K', 'RS1', 'dir', 'RSA-OAEP'],
    ...['constructor', '__proto__', 'toString'],
  ]
  const headers = [
    '{"alg":"none","alg":"RS256","kid":"rsa"}',
    '{"alg":"RS256","kid":"rsa","alg":"none"}',
    '{"alg":"HS256","kid":"rsa","alg":"RS256"}',
    '{"alg":"RS256","kid":"rsa","alg":"RS256"}',
    '{"alg":"RS256","kid":"rsa","\\u0061lg":"none"}',
    '{"ALG":"RS256","Alg":"RS256","kid":"rsa"}',
  ]
  return [
    ...values.map((alg): TokenAttack => {
      const token = signRaw(rsa, headerText(rsa, { alg }), liveClaims(issuer))
      return [`alg ${JSON.stringify(alg)}`, '401 invalid_token', token]
    }),
    ...headers.map((header): TokenAttack => {
      return [`header ${header}`, '401 invalid_token', signRaw(rsa, header, liveClaims(issuer))]
    }),
  ]
}

/** Algorithms that exist and that the issuer is not configured to use. */
function foreignAlgorithms(target: TokenTarget): readonly TokenAttack[] {
  const { issuer, sharedIssuer, rsa, ec, secret } = target
  const others = ['RS384', 'RS512', 'PS256', 'ES384', 'HS256', 'HS512'] as const
  return [
    ...others.map((algorithm): TokenAttack => {
      const token = liveToken(mintKey(algorithm, 'rsa'), issuer)
      return [`${algorithm} by a key of the attacker`, '401 invalid_token', token]
    }),
    ...(['RS384', 'RS512', 'PS256'] as const).map((algorithm): TokenAttack => {
      const token = liveToken({ ...rsa, algorithm }, issuer)
      return [`${algorithm} by the right key`, '401 invalid_token', token]
    }),
    [
      'ES384 by a key of P-384 under the kid of one of P-256',
      '401 invalid_token',
      liveToken(mintKey('ES384', ec.keyId), issuer),
    ],
    [
      'HS512 by the right secret',
      '401 invalid_token',
      liveToken({ ...secret, algorithm: 'HS512' }, sharedIssuer),
    ],
  ]
}

/** Good signatures, by keys of another type, curve or issuer than the one that is named. */
function foreignKeys(target: TokenTarget): readonly TokenAttack[] {
  const { issuer, sharedIssuer, rsa, ec, ed, secret } = target
  const keys = [rsa, ec, ed]
  const crossed = keys.flatMap((key) =>
    keys
      .filter((other) => other !== key)
      .map(
        (other): TokenAttack => [
          `${key.algorithm} under the kid of a key for ${other.algorithm}`,
          '401 invalid_token',
          liveToken(key, issuer, {}, { kid: other.keyId }),
        ],
      ),
  )
  const p384 = { ...mintKey('ES384', ec.keyId), algorithm: 'ES256' } as const
  return [
    ...crossed,
    ['a signature of P-384 as ES256', '401 invalid_token', liveToken(p384, issuer)],
    ['a signature of secp256k1 as ES256', '401 invalid_token', koblitzToken(target)],
    ['an EdDSA signature as ES256', '401 invalid_token', mislabelled(ed, ec, issuer)],
    ['an ES256 signature as EdDSA', '401 invalid_token', mislabelled(ec, ed, issuer)],
    ['the shared secret at the issuer with keys', '401 invalid_token', liveToken(secret, issuer)],
    ['a key at the issuer with the secret', '401 invalid_token', liveToken(rsa, sharedIssuer)],
    ['another secret', '401 invalid_token', liveToken(mintKey('HS256'), sharedIssuer)],
  ]
}

/** Both kinds of signature have 64 bytes, so nothing but the key tells them apart. */
function mislabelled(signer: MintingKey, claimed: MintingKey, issuer: string): string {
  return liveToken(signer, issuer, {}, { alg: claimed.algorithm, kid: claimed.keyId })
}

function koblitzToken({ issuer, ec }: TokenTarget): string {
  const koblitz = generatedKey({ type: 'ec', namedCurve: 'secp256k1' })
  const input = `${encode(headerText(ec))}.${encode(liveClaims(issuer))}`
  const key = { key: koblitz, dsaEncoding: 'ieee-p1363' } as const
  return `${input}.${encode(sign('sha256', Buffer.from(input), key))}`
}

/** What an attacker knows of a key, in every form in which a program may hold it. */
function publicForms(
  key: MintingKey,
): readonly (readonly [form: string, secret: string | Buffer])[] {
  const publicKey = createPublicKey(key.signingKey as KeyObject)
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString()
  const der = publicKey.export({ type: 'spki', format: 'der' })
  const { kty, crv, e, n, x, y } = publicKey.export({ format: 'jwk' })
  const jwk = publishedJwk(key)
  return [
    ['the PEM', pem],
    ['the PEM without its last line end', pem.trim()],
    ['the PEM with CR LF', pem.replaceAll('\n', '\r\n')],
    ['the PEM on one line', pem.replaceAll('\n', '')],
    ['the base64 of the PEM', pem.replaceAll(/-----[^-]+-----|\n/g, '')],
    ['the DER', der],
    ['the DER as hexadecimal', der.toString('hex')],
    ['the JWK as it is published', JSON.stringify(jwk)],
    ['the JWK of a thumbprint (RFC 7638)', JSON.stringify({ crv, e, kty, n, x, y })],
    ['the JWK Set', JSON.stringify({ keys: [jwk] })],
    ['the modulus or the coordinate', Buffer.from(n ?? x ?? '', 'base64url')],
    ['the text of the modulus or of the coordinate', n ?? x ?? ''],
    ['the kid', key.keyId],
  ]
}

/** The classic: an HMAC whose secret everyone knows. */
function publicSecrets({ issuer, sharedIssuer, rsa, ec, ed }: TokenTarget): readonly TokenAttack[] {
  const forged = (key: MintingKey, alg: string, secret: string | Uint8Array, iss = issuer) => {
    const input = `${encode(headerText(key, { alg }))}.${encode(liveClaims(iss))}`
    const mac = createHmac(`sha${alg.slice(2)}`, secret).update(input)
    return `${input}.${mac.digest('base64url')}`
  }
  const rows = [rsa, ec, ed].flatMap((key) =>
    publicForms(key).flatMap(([form, secret]): TokenAttack[] => [
      [`HS256 over ${form} of ${key.keyId}`, '401 invalid_token', forged(key, 'HS256', secret)],
      [
        `HS256 over ${form} of ${key.keyId}, at the issuer with the secret`,
        '401 invalid_token',
        forged(key, 'HS256', secret, sharedIssuer),
      ],
    ]),
  )
  const pem = publicForms(rsa)[0]?.[1] ?? ''
  return [
    ...rows,
    ['HS384 over the PEM', '401 invalid_token', forged(rsa, 'HS384', pem)],
    ['HS512 over the PEM', '401 invalid_token', forged(rsa, 'HS512', pem)],
    ['HS256 with an empty secret', '401 invalid_token', forged(rsa, 'HS256', '')],
    [
      'HS256 with an empty secret, at the issuer with the secret',
      '401 invalid_token',
      forged(rsa, 'HS256', '', sharedIssuer),
    ],
    ['HS256 with a secret of NUL', '401 invalid_token', forged(rsa, 'HS256', Buffer.alloc(32))],
  ]
}
