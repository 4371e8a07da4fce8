/** Claims that are missing, of another type, absurd, or there twice (RFC 7519 §4). */
import { liveClaims, liveToken, wallSeconds } from '../../support/live-token.ts'
import { headerText, signRaw } from '../../support/mint-token.ts'
import type { TokenAttack, TokenTarget } from './attack.ts'

export function absurdClaims(target: TokenTarget): readonly TokenAttack[] {
  return [...claimAttacks(target), ...payloadAttacks(target)]
}

function claimAttacks({ issuer, rsa }: TokenTarget): readonly TokenAttack[] {
  const now = wallSeconds()
  const day = 86_400
  const invalid: Readonly<Record<string, readonly unknown[]>> = {
    exp: [undefined, null, String(now + day), -1, 1e18, [now + day], {}, true],
    nbf: ['1', '', {}, -1, 1e18],
    iat: [now + day, 'now', '', {}],
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
      (value): TokenAttack => [
        `${claim} ${JSON.stringify(value)}`,
        '401 invalid_claims',
        liveToken(rsa, issuer, { [claim]: value }),
      ],
    ),
  )
  return [
    ...rows,
    ['exp 0', '401 token_expired', liveToken(rsa, issuer, { exp: 0 })],
    ['exp a minute ago', '401 token_expired', liveToken(rsa, issuer, { exp: now - 60 })],
    ['nbf tomorrow', '401 token_not_yet_valid', liveToken(rsa, issuer, { nbf: now + day })],
    ['nbf after exp', '401 token_not_yet_valid', liveToken(rsa, issuer, { nbf: now + 2 * day })],
  ]
}

function payloadAttacks({ issuer, rsa }: TokenTarget): readonly TokenAttack[] {
  const signed = (payload: string | Uint8Array) => signRaw(rsa, headerText(rsa), payload)
  const exp = (number: string) => signed(liveClaims(issuer).replace(/"exp":\d+/, `"exp":${number}`))
  const twice = (text: string) => signed(`${liveClaims(issuer).slice(0, -1)},${text}}`)
  const overlong = Buffer.concat([
    Buffer.from('{"sub":"'),
    Buffer.from([0xc0, 0xaf]),
    Buffer.from('"}'),
  ])
  return [
    ['exp 1e308', '401 invalid_claims', exp('1e308')],
    ['exp 1e400', '401 invalid_claims', exp('1e400')],
    ['exp 2^53 + 1', '401 invalid_claims', exp('9007199254740993')],
    ['a second sub', '401 invalid_token', twice('"sub":"root"')],
    ['a second tenant', '401 invalid_token', twice('"tenant_id":"globex"')],
    ['a second tenant, escaped', '401 invalid_token', twice('"tenant\\u005fid":"globex"')],
    ['a second exp', '401 invalid_token', twice('"exp":99999999999')],
    ['a second name deep inside', '401 invalid_token', twice('"x":[{"a":1,"a":2}]')],
    [
      'claims from a prototype',
      '401 invalid_claims',
      signed(`{"__proto__":${liveClaims(issuer)}}`),
    ],
    [
      'invalid UTF-8',
      '401 invalid_token',
      signed(Buffer.from(liveClaims(issuer, { name: 'Zoë' }), 'latin1')),
    ],
    ['overlong UTF-8', '401 invalid_token', signed(overlong)],
    [
      'a lone surrogate',
      '401 invalid_token',
      signed(liveClaims(issuer).replace('user-123', '\\ud800')),
    ],
    ['claims in an array', '401 invalid_token', signed(`[${liveClaims(issuer)}]`)],
    ['claims that are null', '401 invalid_token', signed('null')],
    ['claims that are no JSON', '401 invalid_token', signed('exp=1')],
    ['claims with a comment', '401 invalid_token', signed(`${liveClaims(issuer)}//`)],
    ['claims in UTF-16', '401 invalid_token', signed(Buffer.from(liveClaims(issuer), 'utf16le'))],
    [
      'claims nested two thousand deep',
      '401 invalid_token',
      signed(`{"a":${'['.repeat(2_000)}${']'.repeat(2_000)}}`),
    ],
  ]
}
