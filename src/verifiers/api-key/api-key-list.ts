/** The API keys of the configuration, found by digest. */
import { hash, timingSafeEqual } from 'node:crypto'
import { hasAddressLists } from '../../http/address-lists.ts'
import type { KeptPath } from '../../protocol/kept-claims.ts'
import { type Refused, refuse, type Verified } from '../../protocol/verification.ts'
import type { CredentialTerms } from '../../resilience/credential-terms.ts'
import { NO_KEY } from '../../shared-memory/key-generations.ts'
import { type ApiKeyRecord, identityOfApiKey } from './api-key-record.ts'

/** A key that names no end counts until it is taken out of the list. */
const NEVER_SECONDS = Number.MAX_SAFE_INTEGER

/** The verdict on an API key, and what is asked on every request beside it. */
export interface VerifiedApiKey extends Verified {
  /** `null`: it may be used from everywhere, as often as the route allows. */
  readonly terms: CredentialTerms | null
}

interface ListedKey {
  readonly digest: Buffer
  readonly verdict: VerifiedApiKey | Refused
}

export class ApiKeyList {
  readonly #keys = new Map<string, ListedKey>()

  /**
   * @param keys By the SHA-256 of each key, in lower-case hexadecimal.
   * @param keptPaths What is kept of their claims.
   */
  constructor(keys: ReadonlyMap<string, ApiKeyRecord>, keptPaths: readonly KeptPath[] = []) {
    for (const [sha256, record] of keys) {
      const verdict = verifiedApiKey(record, keptPaths)
      this.#keys.set(sha256, { digest: Buffer.from(sha256, 'hex'), verdict })
    }
  }

  /**
   * Hot path. The key is looked up by its digest, which a client cannot choose, and the digest
   * found is compared in constant time, whether one was found or not.
   *
   * @returns The same object for every request with this key; `invalid_api_key` when it has
   *   expired; `null` when it is not in the list. Does not check from where it is used.
   */
  find(key: string, nowSeconds: number): VerifiedApiKey | Refused | null {
    const sha256 = hash('sha256', key, 'hex')
    const listed = this.#keys.get(sha256)
    const digest = Buffer.from(sha256, 'hex')
    const isEqual = timingSafeEqual(listed?.digest ?? NO_DIGEST, digest)
    if (listed === undefined || !isEqual) return null
    const { verdict } = listed
    if (verdict.kind === 'refused') return verdict
    return nowSeconds < verdict.deadAtSeconds ? verdict : refuse('api_key_expired')
  }
}

const NO_DIGEST = Buffer.alloc(32)

/**
 * The verdict on a key whose record this is. Does not check whether it has expired, or from where
 * it is used.
 *
 * @returns `api_key_unreadable` when a claim is to be told and cannot be.
 */
export function verifiedApiKey(
  record: ApiKeyRecord,
  keptPaths: readonly KeptPath[],
): VerifiedApiKey | Refused {
  const identity = identityOfApiKey(record, keptPaths)
  if ('kind' in identity) return identity
  return {
    kind: 'verified',
    identity,
    deadAtSeconds: record.expiresAtSeconds ?? NEVER_SECONDS,
    keySlot: NO_KEY.slot,
    keyGeneration: NO_KEY.generation,
    terms: hasAddressLists(record) || record.rate !== null ? record : null,
  }
}
