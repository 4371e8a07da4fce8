/** Identities and revocations by number, and a check of the shared index from outside. */
import { EMPTY_IDENTITY, type Identity } from '../../src/protocol/verification.ts'
import { findEntry } from '../../src/revocation/find-entry.ts'
import {
  bucketWordOf,
  ENTRY_COUNT_WORD,
  homeBucketOf,
  KEY_0_WORD,
  KEY_1_WORD,
  KEY_2_WORD,
  KEY_3_WORD,
  mapIndex,
  nextBucket,
  PASSED_WORD,
  UNTIL_WORD,
  WAYS_PER_BUCKET,
} from '../../src/revocation/layout.ts'
import type { RevocationEntry } from '../../src/revocation/revocation-entry.ts'
import {
  issuerKey,
  type RevocationName,
  revocationKey,
} from '../../src/revocation/revocation-key.ts'

export const ISSUER = 'https://login.example.com/'

/** Says in every field which one it is; issued in second `issuedAtSeconds`. */
export function identityOf(number: number, issuedAtSeconds: number | null = 1_000): Identity {
  return {
    ...EMPTY_IDENTITY,
    issuer: ISSUER,
    subject: `subject-${number}`,
    email: null,
    roles: [],
    scopes: [],
    tenant: null,
    organisation: null,
    clientId: null,
    tokenId: `token-${number}`,
    sessionId: `session-${number}`,
    issuedAtSeconds,
    expiresAtSeconds: 10_000,
  }
}

/** A revocation of what `name` names. */
export function entryOf(
  name: RevocationName,
  untilSeconds: number,
  watermarkSeconds: number | null = null,
): RevocationEntry {
  const { kind, issuer } = name
  const told = { issuer: issuerKey(issuer), tellsIssuer: false }
  return { kind, key: revocationKey(name), ...told, watermarkSeconds, untilSeconds }
}

/** A revocation of the token of {@link identityOf}. */
export function tokenEntryOf(number: number, untilSeconds: number): RevocationEntry {
  return entryOf({ kind: 'jti', issuer: ISSUER, value: `token-${number}` }, untilSeconds)
}

/** What does not hold in the index that should: nothing, if all is well. */
export function brokenIndexInvariants(buffer: SharedArrayBuffer): string[] {
  const memory = mapIndex(buffer)
  const { words, bucketCount } = memory
  const broken: string[] = []
  const passed = new Array<number>(bucketCount).fill(0)
  let entries = 0
  for (let bucket = 0; bucket < bucketCount; bucket += 1) {
    for (let way = 0; way < WAYS_PER_BUCKET; way += 1) {
      const entryWord = bucketWordOf(bucket) + way
      if (words[entryWord + UNTIL_WORD] === 0) continue
      entries += 1
      const key = Int32Array.from(
        [KEY_0_WORD, KEY_1_WORD, KEY_2_WORD, KEY_3_WORD],
        (offset) => words[entryWord + offset] as number,
      )
      if (findEntry(memory, key, 0) !== entryWord) broken.push(`entry ${entryWord} is not found`)
      let walked = homeBucketOf(memory, key[0] as number)
      for (; walked !== bucket; walked = nextBucket(memory, walked)) {
        passed[walked] = (passed[walked] as number) + 1
      }
    }
  }
  if (words[ENTRY_COUNT_WORD] !== entries) broken.push('the count of entries is wrong')
  passed.forEach((count, bucket) => {
    if (words[bucketWordOf(bucket) + PASSED_WORD] !== count) broken.push(`passed of ${bucket}`)
  })
  return broken
}
