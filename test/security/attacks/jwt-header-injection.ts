/**
 * Headers that bring a key along, name one by something else than a name, or ask for a treatment
 * (RFC 7515 §4, RFC 8725 §3.10). The signatures are good, as if a careless issuer had signed what
 * the attacker wanted, but where the attacker's own key made them.
 */
import { createPublicKey, type KeyObject } from 'node:crypto'
import { liveClaims, liveToken } from '../../support/live-token.ts'
import { headerText, mintKey, signRaw } from '../../support/mint-token.ts'
import type { Refusal, TokenAttack, TokenTarget } from './attack.ts'

export function headerInjections({ issuer, rsa, ec, trap }: TokenTarget): readonly TokenAttack[] {
  const attacker = mintKey('ES256', ec.keyId)
  const jwk = createPublicKey(attacker.signingKey as KeyObject).export({ format: 'jwk' })
  const signed = (header: string | Uint8Array) => signRaw(rsa, header, liveClaims(issuer))
  const unknown = [
    '../../../../dev/null',
    "x' UNION SELECT 'key",
    "rsa' OR '1'='1",
    'rsa; cat /etc/passwd',
    '/proc/self/environ',
    'file:///dev/null',
    '__proto__',
    'constructor',
    `${trap}/kid`,
    'RSA',
    'rsa ',
    'k'.repeat(256),
  ]
  const badKids = [
    'k'.repeat(257),
    'k'.repeat(10_240),
    1,
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
  ]
  const row = (members: Record<string, unknown>, code: Refusal): TokenAttack => [
    `header ${shown(JSON.stringify(members))}`,
    code,
    liveToken(rsa, issuer, {}, members),
  ]
  const key = (members: Record<string, unknown>): TokenAttack => [
    `the attacker's key in ${Object.keys(members).join()}`,
    '401 invalid_token',
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
    ...unknown.map((kid) => row({ kid }, '401 unknown_signing_key')),
    ...badKids.map((kid) => row({ kid }, '401 invalid_token')),
    ...refusedMembers.map((members) => row(members, '401 invalid_token')),
    ...types.map((typ) => row({ typ }, '401 invalid_token')),
    key({ jwk }),
    key(elsewhere),
    key({ x5c: ['MIIB'] }),
    ...['', null, undefined].map(
      (kid): TokenAttack => [
        `a foreign key under the kid ${JSON.stringify(kid)}`,
        '401 invalid_token',
        liveToken(attacker, issuer, {}, { kid }),
      ],
    ),
    [
      'an unknown kid at a jku',
      '401 unknown_signing_key',
      liveToken(attacker, issuer, {}, { ...elsewhere, kid: 'x' }),
    ],
    [
      'an unknown kid with its jwk',
      '401 unknown_signing_key',
      liveToken(attacker, issuer, {}, { jwk, kid: 'y' }),
    ],
    ...raw.map(
      (header): TokenAttack => [
        `header ${shown(String(header))}`,
        '401 invalid_token',
        signed(header),
      ],
    ),
  ]
}

function shown(text: string): string {
  return text.length <= 80 ? text : `${text.slice(0, 60)}… of ${text.length} characters`
}
