/** Verdicts that say in every field which one they are, so that a mixture of two shows. */
import assert from 'node:assert/strict'
import { EMPTY_IDENTITY, type Verified } from '../../src/protocol/verification.ts'
import { type KeyPlace, NO_KEY } from '../../src/shared-memory/key-generations.ts'
import { profileKey, type TokenDigest, tokenDigest } from '../../src/token-cache/token-digest.ts'

const PROFILE = profileKey('issuers: test; audience: test; tenant: test')

export function digestOf(subject: number): TokenDigest {
  return tokenDigest(PROFILE, `token-${subject}`)
}

/**
 * A verdict about `subject`, different for each `version`; `listLength` decides its size: about
 * 250 bytes at 2, about 1 KiB at 16.
 */
export function verdictOf(
  subject: number,
  version: number,
  listLength: number,
  deadAtSeconds: number,
  key: KeyPlace = NO_KEY,
): Verified {
  const name = `${subject}.${version}.${listLength}`
  const list = (word: string) =>
    Array.from({ length: listLength }, (_, index) => `${word}-${index}-of-${name}`)
  return {
    kind: 'verified',
    identity: {
      ...EMPTY_IDENTITY,
      issuer: `https://${name}.example.com/`,
      subject: name,
      email: `${name}@example.com`,
      roles: list('role'),
      scopes: list('scope'),
      tenant: `tenant-${name}`,
      organisation: null,
      clientId: null,
      tokenId: `jti-${name}`,
      sessionId: null,
      issuedAtSeconds: version,
      expiresAtSeconds: deadAtSeconds,
    },
    deadAtSeconds,
    keySlot: key.slot,
    keyGeneration: key.generation,
  }
}

/** Fails unless this is, whole, one of the verdicts about `subject`. */
export function assertIsVerdictAbout(verified: Verified, subject: number): void {
  const [subjectText, version, listLength] = verified.identity.subject.split('.').map(Number)
  assert.equal(subjectText, subject, 'never another entry')
  const key = { slot: verified.keySlot, generation: verified.keyGeneration }
  const { deadAtSeconds } = verified
  const whole = verdictOf(subject, version ?? -1, listLength ?? -1, deadAtSeconds, key)
  assert.deepEqual(verified, whole, 'never a torn entry')
}
