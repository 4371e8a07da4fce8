import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'
import {
  InternalTokenMinter,
  type InternalTokenOptions,
  MintedToken,
} from '../../src/identity/internal-token.ts'
import { generateSigningKey, type SigningKey } from '../../src/identity/signing-key.ts'
import type { Verified } from '../../src/protocol/verification.ts'
import { randomHex } from '../../src/runtime/randomness.ts'
import { verdict } from '../support/verdicts.ts'

const NOW = 1_760_000_000
const OPTIONS = {
  issuer: 'gateway.internal',
  audience: 'internal-services',
  ttlSeconds: 300,
  claims: [],
}
const KEY = generateSigningKey('ES256')

function minter(key: SigningKey = KEY, options: Partial<InternalTokenOptions> = {}) {
  return new InternalTokenMinter({ ...OPTIONS, ...options }, key, randomHex)
}

function segment(token: string, index: number): Record<string, unknown> {
  const text = Buffer.from(token.split('.')[index] ?? '', 'base64url').toString('utf8')
  return JSON.parse(text) as Record<string, unknown>
}

const claims = (verified: Verified, tenant: string | null = null) =>
  segment(minter().mint(verified, tenant, NOW), 1)

describe('an internal token', () => {
  for (const algorithm of ['ES256', 'EdDSA'] as const) {
    it(`is an access token that a stranger can verify, ${algorithm}`, async () => {
      const key = generateSigningKey(algorithm)
      const token = minter(key).mint(verdict(), null, NOW)
      const jwks = { keys: [key.publicJwk] } as unknown as JSONWebKeySet
      const { payload, protectedHeader } = await jwtVerify(token, createLocalJWKSet(jwks), {
        issuer: 'gateway.internal',
        audience: 'internal-services',
        currentDate: new Date(NOW * 1_000),
      })
      assert.deepEqual(protectedHeader, { alg: algorithm, kid: key.keyId, typ: 'at+jwt' })
      const { jti, ...rest } = payload
      assert.match(jti ?? '', /^[0-9a-f]{32}$/)
      assert.deepEqual(rest, {
        iss: 'gateway.internal',
        aud: 'internal-services',
        sub: 'alice',
        email: 'alice@example.com',
        roles: ['admin', 'ops'],
        tenant_id: 'acme',
        org_id: 'org-1',
        client_id: 'app',
        scopes: ['read', 'write'],
        scope: 'read write',
        original_issuer: 'https://idp.example.com/',
        iat: NOW,
        exp: NOW + 300,
      })
    })
  }

  it('leaves out what the caller does not have', () => {
    const bare = verdict({
      issuer: '',
      email: null,
      roles: [],
      scopes: [],
      tenant: null,
      organisation: '',
      clientId: null,
      expiresAtSeconds: null,
    })
    assert.deepEqual(Object.keys(claims(bare)), ['iss', 'aud', 'sub', 'jti', 'iat', 'exp'])
  })

  it('never names the session, nor the id of the original token', () => {
    const token = minter().mint(verdict({ sessionId: 'secret-sid', tokenId: 'orig' }), null, NOW)
    const text = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8')
    assert.doesNotMatch(text, /secret-sid|orig"/)
  })

  it('names the tenant that the request is for', () => {
    assert.equal(claims(verdict({ tenant: null }), 'globex')['tenant_id'], 'globex')
    assert.equal(claims(verdict({ tenant: 'acme' }), 'globex')['tenant_id'], 'globex')
    assert.equal(claims(verdict({ tenant: 'acme' }), null)['tenant_id'], 'acme')
  })

  it('has an id of its own', () => {
    const one = minter()
    const ids = Array.from({ length: 300 }, () => segment(one.mint(verdict(), null, NOW), 1)['jti'])
    assert.equal(new Set(ids).size, 300)
  })

  it('ends with the original, even within the tolerance for its end', () => {
    assert.equal(claims(verdict({ expiresAtSeconds: NOW + 17 }))['exp'], NOW + 17)
    assert.equal(claims(verdict({ expiresAtSeconds: NOW - 2 }, NOW + 3))['exp'], NOW - 2)
  })

  it('ends with the session, or after its TTL, when the credential names no end', () => {
    const session = verdict({ issuer: '', expiresAtSeconds: null }, NOW + 30)
    assert.equal(claims(session)['exp'], NOW + 30)
    const introspected = verdict({ expiresAtSeconds: null }, NOW + 1)
    assert.equal(claims(introspected)['exp'], NOW + 300)
  })

  it('cannot be configured to outlive what can be revoked', () => {
    for (const ttlSeconds of [0, -1, 301, 1.5, Number.NaN]) {
      assert.throws(() => minter(KEY, { ttlSeconds }), /Invariant/)
    }
  })
})

describe('the token that is kept for an identity', () => {
  const field = (token: MintedToken) => token.lines.replace(/^\r\nauthorization: Bearer /, '')
  const iatOf = (lines: string) => segment(lines.replace(/^.*Bearer /s, ''), 1)['iat']

  it('is a field of the request, and the same text until half of its life is over', () => {
    const [one, slot, alice] = [minter(), new MintedToken(), verdict()]
    const first = one.linesFor(slot, alice, null, NOW)
    assert.match(first, /^\r\nauthorization: Bearer [\w-]+\.[\w-]+\.[\w-]+$/)
    assert.equal(segment(field(slot), 1)['sub'], 'alice')
    assert.equal(one.linesFor(slot, alice, null, NOW + 149), first)
    assert.equal(iatOf(one.linesFor(slot, alice, null, NOW + 150)), NOW + 150)
  })

  it('is minted anew for another verdict or another tenant', () => {
    const [one, slot, alice] = [minter(), new MintedToken(), verdict()]
    one.linesFor(slot, alice, 'acme', NOW)
    one.linesFor(slot, verdict({ subject: 'bob' }), 'acme', NOW)
    assert.equal(segment(field(slot), 1)['sub'], 'bob')
    one.linesFor(slot, alice, 'acme', NOW)
    assert.equal(segment(field(slot), 1)['sub'], 'alice')
    one.linesFor(slot, alice, 'globex', NOW)
    assert.equal(segment(field(slot), 1)['tenant_id'], 'globex')
  })

  it('serves every verdict of one identity that does not end before it', () => {
    const [one, slot, alice] = [minter(), new MintedToken(), verdict({ issuer: '' })]
    const first = one.linesFor(slot, { ...alice, deadAtSeconds: NOW + 1_000 }, null, NOW)
    const prolonged = { ...alice, deadAtSeconds: NOW + 1_001 }
    assert.equal(one.linesFor(slot, prolonged, null, NOW + 1), first)
    const shortened = { ...alice, deadAtSeconds: NOW + 200 }
    one.linesFor(slot, shortened, null, NOW + 1)
    assert.equal(segment(field(slot), 1)['exp'], NOW + 200)
    one.linesFor(slot, { ...alice, deadAtSeconds: NOW + 202 }, null, NOW + 2)
    assert.equal(segment(field(slot), 1)['exp'], NOW + 202)
  })

  it('is minted anew when another key signs, whatever its age', () => {
    const [one, slot, alice] = [minter(), new MintedToken(), verdict()]
    const first = one.linesFor(slot, alice, null, NOW)
    one.useSigner(structuredClone(KEY))
    assert.equal(one.linesFor(slot, alice, null, NOW), first, 'the same key is no other key')
    const next = generateSigningKey('EdDSA')
    one.useSigner(next)
    one.linesFor(slot, alice, null, NOW)
    assert.deepEqual(segment(field(slot), 0), { alg: 'EdDSA', kid: next.keyId, typ: 'at+jwt' })
  })

  it('is kept to its end when a new one could not live longer', () => {
    const [one, slot] = [minter(), new MintedToken()]
    const ending = verdict({ expiresAtSeconds: NOW + 200 }, NOW + 205)
    const first = one.linesFor(slot, ending, null, NOW)
    assert.equal(segment(field(slot), 1)['exp'], NOW + 200)
    assert.equal(one.linesFor(slot, ending, null, NOW + 204), first)
  })

  it('is minted anew when the clock is set back, so that none lives longer than its TTL', () => {
    const [one, slot, alice] = [minter(), new MintedToken(), verdict()]
    one.linesFor(slot, alice, null, NOW)
    assert.equal(iatOf(one.linesFor(slot, alice, null, NOW - 3_600)), NOW - 3_600)
  })
})
