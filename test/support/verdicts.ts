/** Verdicts about callers, as the verifiers give them. */
import { EMPTY_IDENTITY, type Identity, type Verified } from '../../src/protocol/verification.ts'

const ALICE: Identity = {
  ...EMPTY_IDENTITY,
  issuer: 'https://idp.example.com/',
  subject: 'alice',
  email: 'alice@example.com',
  roles: ['admin', 'ops'],
  scopes: ['read', 'write'],
  tenant: 'acme',
  organisation: 'org-1',
  clientId: 'app',
  tokenId: 'jti-1',
  sessionId: 'sid-1',
  issuedAtSeconds: 1_000,
  expiresAtSeconds: 2_000_000_000,
}

/** A verdict about {@link ALICE} with these members replaced. */
export function verdict(members: Partial<Identity> = {}, deadAtSeconds = 2_000_000_005): Verified {
  return {
    kind: 'verified',
    identity: { ...ALICE, ...members },
    deadAtSeconds,
    keySlot: 0,
    keyGeneration: 1,
  }
}
