/**
 * What the tables of this folder are made of. Each file is named after a kind of attack, and holds
 * the bytes or the credentials and the answer that must come: the tests beside this folder send
 * them to a running gateway, and look at what its upstream has seen.
 */
import type { AuthErrorCode } from '../../../src/protocol/auth-error.ts'
import type { MintingKey } from '../../support/mint-token.ts'

/** Status and code of an answer: `401 invalid_token`. */
export type Refusal = `${400 | 401 | 403 | 404 | 413 | 414 | 431 | 501 | 503} ${AuthErrorCode}`

/** What the native parser says by itself, before anything of the gateway runs: it has no code. */
export type ParserRefusal = '400' | '431' | '505'

/** The bytes of a request, one character a byte, with {@link MARK} in them. */
export type WireAttack = readonly [name: string, answer: Refusal | ParserRefusal, bytes: string]

/** A token of an attacker, fresh, in the place of an access token. */
export type TokenAttack = readonly [name: string, answer: Refusal, token: string]

/** The same with bytes that no field value has, for which the native parser may answer. */
export type BrokenTokenAttack = readonly [
  name: string,
  answer: Refusal | ParserRefusal,
  token: string,
]

/** What the gateway trusts, and where an attacker waits for it to come by. */
export interface TokenTarget {
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

/**
 * Stands where an upstream would have to see it, if it saw any of an attack. Each attempt gets a
 * text of the same length in its place.
 */
export const MARK = 'mark-000000'

export const HOST = 'Host: a\r\n'

/** A GET whose fields are well-formed, but for these. */
export function get(target: string, fields = ''): string {
  return `GET ${target} HTTP/1.1\r\n${HOST}X-Mark: ${MARK}\r\n${fields}\r\n`
}

/** A complete request that a confused parser might find behind another one. */
export const SMUGGLED = `GET /${MARK} HTTP/1.1\r\n${HOST}\r\n`
