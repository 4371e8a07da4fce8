/** Good tokens of another kind in the place of an access token (RFC 8725 §2.8, §3.11, §3.12). */
import { liveToken, publishedJwk, wallSeconds } from '../../support/live-token.ts'
import { encode, headerText, mintKey, rawSignature, signRaw } from '../../support/mint-token.ts'
import type { TokenAttack, TokenTarget } from './attack.ts'

export function tokenSubstitutions({ issuer, rsa, ec }: TokenTarget): readonly TokenAttack[] {
  const token = (claims: Record<string, unknown>) => liveToken(rsa, issuer, claims)
  const events = { 'http://schemas.openid.net/event/backchannel-logout': {} }
  const proof = JSON.stringify({
    htm: 'GET',
    htu: 'https://api.example.com/',
    jti: 'a',
    iat: wallSeconds(),
  })
  const own = mintKey('ES256')
  const proofHeader = JSON.stringify({ typ: 'dpop+jwt', alg: 'ES256', jwk: publishedJwk(own) })
  return [
    ['an ID token', '401 invalid_claims', token({ aud: 'client-1', nonce: 'n' })],
    ['an ID token that names this audience', '401 invalid_claims', token({ at_hash: 'x' })],
    ['an ID token of the hybrid flow', '401 invalid_claims', token({ c_hash: 'x' })],
    ['an ID token that says so', '401 invalid_claims', token({ token_use: 'id' })],
    ['a refresh token that says so', '401 invalid_claims', token({ typ: 'Refresh' })],
    ['an offline token that says so', '401 invalid_claims', token({ typ: 'Offline' })],
    ['a logout token', '401 invalid_claims', token({ events })],
    ['a DPoP proof', '401 invalid_claims', signRaw(ec, headerText(ec), proof)],
    ['a DPoP proof that brings its key', '401 invalid_claims', signRaw(own, proofHeader, proof)],
    ['a token bound to a key', '401 invalid_token', token({ cnf: { jkt: 'x' } })],
    ['a token bound to a certificate', '401 invalid_token', token({ cnf: { 'x5t#S256': 'x' } })],
    ['a token bound to it knows not what', '401 invalid_token', token({ cnf: {} })],
    [
      'an internal token from outside',
      '401 invalid_claims',
      token({ iss: 'gateway.internal', aud: 'internal-services' }),
    ],
    ['an opaque token', '401 invalid_token', encode(rawSignature(ec, String(Math.random())))],
  ]
}
