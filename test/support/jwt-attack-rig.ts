/**
 * The whole JWT verifier with a real worker thread and four keys, and the tokens from which
 * attacks on it are made.
 */
import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import type { AuthErrorCode } from '../../src/protocol/auth-error.ts'
import type { Verification } from '../../src/protocol/verification.ts'
import {
  compileJwtProfile,
  type JwtIssuerPolicy,
  JwtVerifier,
} from '../../src/verifiers/jwt/jwt-verifier.ts'
import { codeOf, createPool, ISSUER_POLICY } from './jwt-policy.ts'
import {
  claimsText,
  headerText,
  type MintingKey,
  mintKey,
  NOW_SECONDS,
  signRaw,
} from './mint-token.ts'
import { StaticKeySource } from './static-key-source.ts'

export const RSA = mintKey('RS256', 'rsa')
export const EC = mintKey('ES256', 'ec')
export const ED = mintKey('EdDSA', 'ed')
export const HMAC = mintKey('HS256', 'hmac')

export const HMAC_POLICY: JwtIssuerPolicy = {
  ...ISSUER_POLICY,
  name: 'shared',
  keySourceId: 'shared',
  issuer: 'https://shared.example.com/',
  algorithms: ['HS256'],
}

export const pool = createPool()
export const keys = new StaticKeySource()
  .setKeys('main', [RSA.verificationKey, EC.verificationKey, ED.verificationKey])
  .setKeys('shared', [HMAC.verificationKey])
const verifier = new JwtVerifier({ keys, signatures: pool, claimPaths: null })
export const profile = compileJwtProfile([ISSUER_POLICY, HMAC_POLICY])

export function verify(token: string): Promise<Verification> {
  return verifier.verify(token, profile, NOW_SECONDS)
}

export type Row = readonly [attack: string, code: AuthErrorCode, token: string]

/** One test a row: each must be answered with its code, and no good token is among them. */
export function refuses(rows: readonly Row[]): void {
  for (const [attack, code, token] of rows) {
    it(attack, async () => {
      assert.equal(codeOf(await verify(token)), code)
    })
  }
}

/** A good signature over a header of the attacker's choice: what a careless issuer might sign. */
export function withHeader(members: Record<string, unknown>, key: MintingKey = RSA): string {
  return signRaw(key, headerText(key, members), claimsText())
}

export function withClaims(members: Record<string, unknown>): string {
  return signRaw(RSA, headerText(RSA), claimsText(members))
}
/** Opens and closes the pool around the tests of a file. */
export function usePool(): void {
  before(() => pool.whenStarted(10_000))
  after(() => pool.close())
}
