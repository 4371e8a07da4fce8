/** Tokens that are good now, of issuers whose keys the test holds. */
import { createPublicKey, type KeyObject, randomUUID } from 'node:crypto'
import type { Fields } from './gateway-answer.ts'
import type { JwkMembers } from './key-documents.ts'
import { AUDIENCE, claimsText, headerText, type MintingKey, signRaw } from './mint-token.ts'

const EXPIRES_IN_SECONDS = 3_600

/** What an issuer publishes of a key. */
export function publishedJwk(key: MintingKey): JwkMembers {
  const jwk = createPublicKey(key.signingKey as KeyObject).export({ format: 'jwk' })
  return { ...jwk, kid: key.keyId, alg: key.algorithm, use: 'sig' }
}

export function wallSeconds(): number {
  return Math.floor(Date.now() / 1_000)
}

/** Claims that are good now, with an id that no other token has. */
export function liveClaims(issuer: string, members: Record<string, unknown> = {}): string {
  const nowSeconds = wallSeconds()
  return claimsText({
    iss: issuer,
    aud: [AUDIENCE],
    iat: nowSeconds - 60,
    nbf: nowSeconds - 60,
    exp: nowSeconds + EXPIRES_IN_SECONDS,
    jti: randomUUID(),
    ...members,
  })
}

/** A good token that was not used before. Members replace the good ones; `undefined` removes. */
export function liveToken(
  key: MintingKey,
  issuer: string,
  claims: Record<string, unknown> = {},
  header: Record<string, unknown> = {},
): string {
  return signRaw(key, headerText(key, header), liveClaims(issuer, claims))
}

export function bearer(token: string): Fields {
  return [['Authorization', `Bearer ${token}`]]
}
