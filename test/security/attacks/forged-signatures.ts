/**
 * Signatures that no key of the issuer made, or in another spelling than theirs (RFC 7515 §5.2).
 */
import { type KeyObject, sign } from 'node:crypto'
import { liveToken } from '../../support/live-token.ts'
import { encode, type MintingKey, mintKey } from '../../support/mint-token.ts'
import type { BrokenTokenAttack, TokenAttack, TokenTarget } from './attack.ts'

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** The same bytes, in a spelling that sets unused bits. */
function looseEnd(token: string): string {
  const last = ALPHABET.indexOf(token.at(-1) ?? '')
  return `${token.slice(0, -1)}${ALPHABET[last + 1]}`
}

export function forgedSignatures({ issuer, rsa, ec, ed }: TokenTarget): readonly TokenAttack[] {
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
    ['an empty signature', '401 invalid_token', withSignature(rsa, () => '')],
    ['no signature', '401 invalid_token', withSignature(rsa, () => '').slice(0, -1)],
    ['a truncated signature', '401 invalid_token', withSignature(rsa, (text) => text.slice(0, -4))],
    ['a lengthened signature', '401 invalid_token', withSignature(rsa, (text) => `${text}AAAA`)],
    ['a changed RSA signature', '401 invalid_token', withSignature(rsa, (text) => flip(text, 20))],
    ['a changed EC signature', '401 invalid_token', withSignature(ec, (text) => flip(text, 20))],
    ['a changed EdDSA signature', '401 invalid_token', withSignature(ed, (text) => flip(text, 20))],
    ['the signature of another token', '401 invalid_token', swapped],
    ['another RSA key of the same kid', '401 invalid_token', forged(rsa)],
    ['another EC key of the same kid', '401 invalid_token', forged(ec)],
    ['another EdDSA key of the same kid', '401 invalid_token', forged(ed)],
    ['r = s = 0', '401 invalid_token', withSignature(ec, () => encode(Buffer.alloc(64)))],
    [
      'r = s = n',
      '401 invalid_token',
      withSignature(ec, () => encode(Buffer.from(order + order, 'hex'))),
    ],
    ['DER instead of P1363', '401 invalid_token', withSignature(ec, der)],
    [
      'an EdDSA signature of zeroes',
      '401 invalid_token',
      withSignature(ed, () => encode(Buffer.alloc(64))),
    ],
    [
      'an RSA signature of zeroes',
      '401 invalid_token',
      withSignature(rsa, () => encode(Buffer.alloc(256))),
    ],
    [
      'an RSA signature of one',
      '401 invalid_token',
      withSignature(rsa, () => `${'A'.repeat(341)}Q`),
    ],
    ['unused bits at the end', '401 invalid_token', looseEnd(liveToken(rsa, issuer))],
    ['padding at the end', '401 invalid_token', `${liveToken(rsa, issuer)}==`],
    [
      'a + in the signature',
      '401 invalid_token',
      withSignature(rsa, (text) => `+${text.slice(1)}`),
    ],
    [
      'a / in the signature',
      '401 invalid_token',
      withSignature(rsa, (text) => `/${text.slice(1)}`),
    ],
    ['a fourth segment', '401 invalid_token', `${liveToken(rsa, issuer)}.AAAA`],
    ['an empty fourth segment', '401 invalid_token', `${liveToken(rsa, issuer)}.`],
    ['a leading dot', '401 invalid_token', `.${liveToken(rsa, issuer)}`],
    ['five segments, as a JWE', '401 invalid_token', `${liveToken(rsa, issuer)}.AAAA.AAAA`],
    ['dots alone', '401 invalid_token', '..'],
    ['no dot at all', '401 invalid_token', liveToken(rsa, issuer).replaceAll('.', '')],
  ]
}

/** Signatures with characters that no bearer token has (RFC 6750 §2.1), or no field value. */
export function brokenSignatures({ issuer, rsa }: TokenTarget): readonly BrokenTokenAttack[] {
  const good = () => liveToken(rsa, issuer)
  const within = (text: string) => {
    const token = good()
    return `${token.slice(0, -8)}${text}${token.slice(-8)}`
  }
  return [
    ['a line feed at the end', '400', `${good()}\n`],
    ['a line feed within', '400', within('\n')],
    ['CR LF and a space within, which once folded a field', '400', within('\r\n ')],
    ['NUL at the end', '400', `${good()}\0`],
    ['NUL within', '400', within('\0')],
    ['DEL within', '400 invalid_request', within('\x7f')],
    ['a byte beyond ASCII within', '400 invalid_request', within('\xc3')],
    ['a space within', '400 invalid_request', within(' ')],
    ['a tab within', '400 invalid_request', within('\t')],
    ['padding within', '400 invalid_request', within('=')],
    ['a comma within', '400 invalid_request', within(',')],
    ['an encoded line feed', '400 invalid_request', within('%0A')],
    ['quotes around it', '400 invalid_request', `"${good()}"`],
    ['the JSON serialization', '400 invalid_request', JSON.stringify({ signature: good() })],
  ]
}
