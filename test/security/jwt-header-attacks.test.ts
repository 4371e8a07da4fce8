/**
 * Attacks on the header of a JWT, against the whole verifier: see jwt-attacks.test.ts. The
 * signatures are good, as if a careless issuer had signed what the attacker wanted.
 */
import assert from 'node:assert/strict'
import { createPublicKey, type KeyObject } from 'node:crypto'
import { describe, it } from 'node:test'
import {
  EC,
  keys,
  type Row,
  RSA,
  refuses,
  usePool,
  verify,
  withHeader,
} from '../support/jwt-attack-rig.ts'
import { claimsText, headerText, mintKey, signRaw } from '../support/mint-token.ts'

usePool()

describe('attacks on the header (RFC 7515 §4, RFC 8725 §3.10)', () => {
  const attackerKey = mintKey('ES256', EC.keyId)
  const jwk = createPublicKey(attackerKey.signingKey as KeyObject).export({ format: 'jwk' })
  const kidRows = [
    ['a path', '../../../../dev/null'],
    ['SQL', "x' UNION SELECT 'key"],
    ['__proto__', '__proto__'],
    ['constructor', 'constructor'],
    ['a URL', 'https://evil.example/key'],
  ].map(
    ([what, kid]): Row => [
      `takes a kid that is ${what} for an unknown key`,
      'unknown_signing_key',
      withHeader({ kid }),
    ],
  )
  refuses([
    ...kidRows,
    ['refuses an unknown critical extension', 'invalid_token', withHeader({ crit: ['x'], x: 1 })],
    ['refuses an empty crit', 'invalid_token', withHeader({ crit: [] })],
    ['refuses crit null', 'invalid_token', withHeader({ crit: null })],
    ['refuses b64 false', 'invalid_token', withHeader({ crit: ['b64'], b64: false })],
    ['refuses b64 without crit', 'invalid_token', withHeader({ b64: false })],
    ['refuses zip', 'invalid_token', withHeader({ zip: 'DEF' })],
    ['refuses enc', 'invalid_token', withHeader({ enc: 'A256GCM' })],
    ['ignores an embedded jwk', 'invalid_token', withHeader({ jwk }, attackerKey)],
    ['ignores jku', 'invalid_token', withHeader({ jku: 'https://evil.example/jwks' }, attackerKey)],
    ['ignores x5u', 'invalid_token', withHeader({ x5u: 'https://evil.example/pem' }, attackerKey)],
    ['ignores x5c', 'invalid_token', withHeader({ x5c: ['MIIB'] }, attackerKey)],
    ['refuses a kid of 10 KB', 'invalid_token', withHeader({ kid: 'k'.repeat(10_240) })],
    ['refuses a kid of 257 characters', 'invalid_token', withHeader({ kid: 'k'.repeat(257) })],
    [
      'refuses an empty kid by a key that is not the issuer’s',
      'invalid_token',
      withHeader({ kid: '' }, mintKey('RS256')),
    ],
    ['refuses a kid that is a number', 'invalid_token', withHeader({ kid: 1 })],
    ['refuses a kid that is an object', 'invalid_token', withHeader({ kid: { toString: 'rsa' } })],
    [
      'refuses a kid that is an array of the right one',
      'invalid_token',
      withHeader({ kid: ['rsa'] }),
    ],
    ['refuses a kid with NUL', 'invalid_token', withHeader({ kid: 'rsa\0' })],
    ['refuses a kid beyond ASCII', 'invalid_token', withHeader({ kid: 'rsä' })],
    [
      'refuses a duplicate kid',
      'invalid_token',
      signRaw(RSA, '{"alg":"RS256","kid":"x","kid":"rsa"}', claimsText()),
    ],
    [
      'refuses a token without kid when several keys could fit',
      'invalid_token',
      signRaw(mintKey('RS384'), '{"alg":"RS384"}', claimsText()),
    ],
    ['refuses a header that is an array', 'invalid_token', signRaw(RSA, '["RS256"]', claimsText())],
    ['refuses a header that is text', 'invalid_token', signRaw(RSA, '"RS256"', claimsText())],
    [
      'refuses a header that is not JSON',
      'invalid_token',
      signRaw(RSA, '{alg:RS256}', claimsText()),
    ],
    [
      'refuses a header with something behind',
      'invalid_token',
      signRaw(RSA, `${headerText(RSA)}x`, claimsText()),
    ],
    [
      'refuses a header with a byte order mark',
      'invalid_token',
      signRaw(RSA, `\ufeff${headerText(RSA)}`, claimsText()),
    ],
    [
      'refuses a header in invalid UTF-8',
      'invalid_token',
      signRaw(RSA, Buffer.from(headerText(RSA, { x: 'ÿ' }), 'latin1'), claimsText()),
    ],
    [
      'refuses a header that sets a prototype with the algorithm',
      'invalid_token',
      signRaw(RSA, '{"__proto__":{"alg":"RS256","kid":"rsa"}}', claimsText()),
    ],
    [
      'refuses a header nested a thousand deep',
      'invalid_token',
      signRaw(
        RSA,
        `{"alg":"RS256","kid":"rsa","x":${'['.repeat(1_000)}${']'.repeat(1_000)}}`,
        claimsText(),
      ),
    ],
  ])

  it('opens no connection and asks for no key because of jku, x5u, jwk or x5c', async () => {
    const before = keys.refetches.length
    const members = { jku: 'http://127.0.0.1:9/', x5u: 'http://127.0.0.1:9/', jwk, x5c: ['MIIB'] }
    // With a good signature the same members change nothing either.
    assert.equal((await verify(withHeader(members))).kind, 'verified')
    assert.equal(keys.refetches.length, before)
  })
})
