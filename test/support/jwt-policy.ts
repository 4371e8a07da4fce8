/** The issuer policy that minted tokens satisfy, and a pool like that of one listener. */
import type { AuthErrorCode } from '../../src/protocol/auth-error.ts'
import { type ClaimPath, parseClaimPath } from '../../src/protocol/claim-path.ts'
import {
  type ClaimSource,
  type ClaimSources,
  claimSource,
  type SourcedPart,
} from '../../src/protocol/claim-source.ts'
import type { ClaimPolicy } from '../../src/protocol/claims.ts'
import { byPart } from '../../src/protocol/identity-parts.ts'
import type { Verification } from '../../src/protocol/verification.ts'
import { systemClock } from '../../src/runtime/clock.ts'
import type { JwtIssuerPolicy } from '../../src/verifiers/jwt/jwt-verifier.ts'
import { SignaturePool, type SignaturePoolOptions } from '../../src/verifiers/jwt/signature-pool.ts'
import { AUDIENCE, ISSUER } from './mint-token.ts'

/** A path that is known to be one. */
export function claimPath(text: string): ClaimPath {
  const parsed = parseClaimPath(text)
  if (!parsed.ok) throw new Error(`${text} ${parsed.problem}`)
  return parsed.path
}

/** A part in these places, which the configuration uses. */
export function sourceOf(part: SourcedPart, ...texts: readonly string[]): ClaimSource {
  const places = texts.map((text) => ({ path: claimPath(text), readsNames: false }))
  return claimSource(part, places, { isUsed: true, isExpected: true })
}

/** All parts where they are by default, and each is used. */
export const CLAIM_SOURCES: ClaimSources = {
  subject: sourceOf('subject', 'sub'),
  clientId: sourceOf('clientId', 'client_id', 'azp'),
  ...byPart(({ name, claim }) => sourceOf(name, claim)),
}

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
  sources: CLAIM_SOURCES,
  acceptsUnverifiedEmail: false,
  keptPaths: [],
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
