/** The issuer policy that minted tokens satisfy, and a pool like that of one listener. */
import type { AuthErrorCode } from '../../src/protocol/auth-error.ts'
import type { ClaimPolicy } from '../../src/protocol/claims.ts'
import { byPart } from '../../src/protocol/identity-parts.ts'
import type { Verification } from '../../src/protocol/verification.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import type { JwtIssuerPolicy } from '../../src/verifiers/jwt/jwt-verifier.ts'
import { SignaturePool, type SignaturePoolOptions } from '../../src/verifiers/jwt/signature-pool.ts'
import { AUDIENCE, ISSUER } from './mint-token.ts'

export const CLAIM_POLICY: ClaimPolicy = {
  issuer: ISSUER,
  template: null,
  audiences: [AUDIENCE, 'other.example.com'],
  clientIds: [],
  keptAudiences: [],
  acceptsBound: false,
  isPartial: false,
  clockToleranceSeconds: 5,
  requiredClaims: ['sub'],
  claimNames: {
    subject: 'sub',
    ...byPart(({ claim }) => claim),
  },
}

export const ISSUER_POLICY: JwtIssuerPolicy = {
  ...CLAIM_POLICY,
  name: 'main',
  keySourceId: 'main',
  algorithms: ['RS256', 'ES256', 'EdDSA'],
  types: ['JWT', 'at+jwt'],
}

/** A pool with real threads. The caller closes it. */
export function createPool(options: Partial<SignaturePoolOptions> = {}): SignaturePool {
  return new SignaturePool({
    threads: 1,
    batchMax: 32,
    queueMax: 8_192,
    queueWaitMaxMs: 5_000,
    batchDeadlineMs: 5_000,
    clock: systemClock,
    onWorkerProved: () => {},
    onWorkerLost: () => {},
    ...options,
  })
}

/** Why a token was refused; `null` when it was not. */
export function codeOf(verdict: Verification): AuthErrorCode | null {
  return verdict.kind === 'verified' ? null : verdict.code
}
