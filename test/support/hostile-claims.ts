/**
 * Tokens whose header and signature are good and whose claims, use or size are not, each fresh,
 * with the code that must answer.
 */
import type { HostileToken, Target } from './hostile-tokens.ts'
import { liveClaims, liveToken, wallSeconds } from './live-token.ts'
import { encode, headerText, rawSignature, signRaw } from './mint-token.ts'

export function hostileClaims(target: Target): readonly HostileToken[] {
  return [
    ...claimAttacks(target),
    ...payloadAttacks(target),
    ...useAttacks(target),
    ...sizeAttacks(target),
  ]
}

function claimAttacks({ issuer, rsa }: Target): readonly HostileToken[] {
  const now = wallSeconds()
  const day = 86_400
  const invalid: Readonly<Record<string, readonly unknown[]>> = {
    exp: [undefined, null, String(now + day), -1, 1e18, [now + day], {}, true],
    nbf: ['1', null, [], -1, 1e18],
    iat: [now + day, 'now', null, {}],
    iss: [
      undefined,
      null,
      '',
      [issuer],
      issuer.slice(0, -1),
      `${issuer}/`,
      issuer.toUpperCase(),
      'https://evil.example/',
      '__proto__',
      1,
    ],
    aud: [
      undefined,
      null,
      '',
      'evil.example.com',
      [],
      ['evil.example.com'],
      [null],
      ['api.example.com', 1],
      { 0: 'api.example.com' },
      'API.example.com',
      'api.example.com.evil.tld',
    ],
    sub: [undefined, null, '', 1, ['user-123'], { id: 1 }],
    jti: [1],
    sid: [{}],
    tenant_id: [2 ** 53 + 2, ['acme']],
    email: [{}],
    roles: [['admin', 1], { admin: true }, 1],
    scope: ['read "write"', 1, { read: true }],
  }
  const rows = Object.entries(invalid).flatMap(([claim, values]) =>
    values.map(
      (value): HostileToken => [
        `${claim} ${JSON.stringify(value)}`,
        'invalid_claims',
        liveToken(rsa, issuer, { [claim]: value }),
      ],
    ),
  )
  return [
    ...rows,
    ['exp 0', 'token_expired', liveToken(rsa, issuer, { exp: 0 })],
    ['exp a minute ago', 'token_expired', liveToken(rsa, issuer, { exp: now - 60 })],
    ['nbf tomorrow', 'token_not_yet_valid', liveToken(rsa, issuer, { nbf: now + day })],
    ['nbf after exp', 'token_not_yet_valid', liveToken(rsa, issuer, { nbf: now + 2 * day })],
  ]
}

function payloadAttacks({ issuer, rsa }: Target): readonly HostileToken[] {
  const signed = (payload: string | Uint8Array) => signRaw(rsa, headerText(rsa), payload)
  const exp = (number: string) => signed(liveClaims(issuer).replace(/"exp":\d+/, `"exp":${number}`))
  const twice = (text: string) => signed(`${liveClaims(issuer).slice(0, -1)},${text}}`)
  const overlong = Buffer.concat([
    Buffer.from('{"sub":"'),
    Buffer.from([0xc0, 0xaf]),
    Buffer.from('"}'),
  ])
  return [
    ['exp 1e308', 'invalid_claims', exp('1e308')],
    ['exp 1e400', 'invalid_claims', exp('1e400')],
    ['exp 2^53 + 1', 'invalid_claims', exp('9007199254740993')],
    ['a second sub', 'invalid_token', twice('"sub":"root"')],
    ['a second tenant', 'invalid_token', twice('"tenant_id":"globex"')],
    ['a second tenant, escaped', 'invalid_token', twice('"tenant\\u005fid":"globex"')],
    ['a second exp', 'invalid_token', twice('"exp":99999999999')],
    ['a second name deep inside', 'invalid_token', twice('"x":[{"a":1,"a":2}]')],
    ['claims from a prototype', 'invalid_claims', signed(`{"__proto__":${liveClaims(issuer)}}`)],
    [
      'invalid UTF-8',
      'invalid_token',
      signed(Buffer.from(liveClaims(issuer, { name: 'Zoë' }), 'latin1')),
    ],
    ['overlong UTF-8', 'invalid_token', signed(overlong)],
    [
      'a lone surrogate',
      'invalid_token',
      signed(liveClaims(issuer).replace('user-123', '\\ud800')),
    ],
    ['claims in an array', 'invalid_token', signed(`[${liveClaims(issuer)}]`)],
    ['claims that are null', 'invalid_token', signed('null')],
    ['claims that are no JSON', 'invalid_token', signed('exp=1')],
    ['claims with a comment', 'invalid_token', signed(`${liveClaims(issuer)}//`)],
    ['claims in UTF-16', 'invalid_token', signed(Buffer.from(liveClaims(issuer), 'utf16le'))],
    [
      'claims nested two thousand deep',
      'invalid_token',
      signed(`{"a":${'['.repeat(2_000)}${']'.repeat(2_000)}}`),
    ],
  ]
}

function useAttacks({ issuer, rsa, ec }: Target): readonly HostileToken[] {
  const token = (claims: Record<string, unknown>) => liveToken(rsa, issuer, claims)
  const events = { 'http://schemas.openid.net/event/backchannel-logout': {} }
  const proof = JSON.stringify({
    htm: 'GET',
    htu: 'https://api.example.com/',
    jti: 'a',
    iat: wallSeconds(),
  })
  return [
    ['an ID token', 'invalid_claims', token({ aud: 'client-1', nonce: 'n' })],
    ['an ID token that names this audience', 'invalid_claims', token({ at_hash: 'x' })],
    ['an ID token of the hybrid flow', 'invalid_claims', token({ c_hash: 'x' })],
    ['an ID token that says so', 'invalid_claims', token({ token_use: 'id' })],
    ['a refresh token that says so', 'invalid_claims', token({ typ: 'Refresh' })],
    ['an offline token that says so', 'invalid_claims', token({ typ: 'Offline' })],
    ['a logout token', 'invalid_claims', token({ events })],
    ['a DPoP proof', 'invalid_claims', signRaw(ec, headerText(ec), proof)],
    [
      'an internal token from outside',
      'invalid_claims',
      token({ iss: 'gateway.internal', aud: 'internal-services' }),
    ],
    ['an opaque token', 'invalid_token', encode(rawSignature(ec, String(Math.random())))],
  ]
}

function sizeAttacks({ issuer, rsa, tokenBytesMax }: Target): readonly HostileToken[] {
  const good = liveToken(rsa, issuer)
  const filled = `${good}.${'A'.repeat(tokenBytesMax - good.length)}`
  return [
    ['one byte more than tokenBytes', 'invalid_token', filled],
    [
      'a well-signed token beyond tokenBytes',
      'invalid_token',
      liveToken(rsa, issuer, { padding: 'x'.repeat(tokenBytesMax) }),
    ],
    ['12 KiB of one letter', 'invalid_token', 'A'.repeat(12_288)],
  ]
}
