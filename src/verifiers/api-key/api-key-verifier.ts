/**
 * Looks API keys up in Redis, by their digests, with each request: a key that was withdrawn is
 * refused on the very next one.
 */
import { hash } from 'node:crypto'
import { EVERY_PART_USED, type RecordUse } from '../../protocol/stored-user.ts'
import { type Refused, refuse } from '../../protocol/verification.ts'
import { KnownRecords } from '../known-records.ts'
import { isAboutRecord } from '../record-reply.ts'
import { type VerifiedApiKey, verifiedApiKey } from './api-key-list.ts'
import { parseApiKeyRecord } from './api-key-record.ts'

/** Reads one value. `ok: false`: there was no answer in time, unless it {@link isAboutRecord}. */
export interface ApiKeyStore {
  get(
    key: string,
  ): Promise<
    | { readonly ok: true; readonly value: string | null }
    | { readonly ok: false; readonly reason: string }
  >
}

export class ApiKeyVerifier {
  readonly #store: ApiKeyStore
  readonly #keyPrefix: string
  readonly #use: RecordUse
  readonly #known = new KnownRecords<VerifiedApiKey>()

  /** @param use What the configuration uses of a record. */
  constructor(store: ApiKeyStore, keyPrefix: string, use: RecordUse = EVERY_PART_USED) {
    this.#store = store
    this.#keyPrefix = keyPrefix
    this.#use = use
  }

  /**
   * Refuses with `invalid_api_key`, and with `verifier_unavailable` when the store does not answer
   * or holds something that is no record. Does not check the form of a key: any text has a digest;
   * or from where it is used.
   *
   * @returns The same verdict as long as the record is the same.
   */
  async verify(key: string, nowSeconds: number): Promise<VerifiedApiKey | Refused> {
    const recordKey = this.#keyPrefix + hash('sha256', key, 'hex')
    const reply = await this.#store.get(recordKey)
    if (!reply.ok) {
      const isOutage = !isAboutRecord(reply.reason)
      return refuse(isOutage ? 'api_key_store_unavailable' : 'api_key_unreadable')
    }
    if (reply.value === null) return refuse('api_key_unknown')
    const verified = this.#read(recordKey, reply.value)
    if (verified.kind === 'refused') return verified
    return nowSeconds < verified.deadAtSeconds ? verified : refuse('api_key_expired')
  }

  #read(recordKey: string, text: string): VerifiedApiKey | Refused {
    const known = this.#known.recall(recordKey, text)
    if (known !== null) return known
    const record = parseApiKeyRecord(text, this.#use)
    if ('kind' in record) return record
    const verified = verifiedApiKey(record, this.#use.keptPaths)
    if (verified.kind === 'refused') return verified
    this.#known.keep(recordKey, text, verified)
    return verified
  }
}
