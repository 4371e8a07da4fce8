/** Looks API keys up in Redis, by their digests. */
import { hash } from 'node:crypto'
import { refuse, type Verification } from '../../protocol/verification.ts'
import { verifiedApiKey } from './api-key-list.ts'
import { parseApiKeyRecord } from './api-key-record.ts'

/** Reads one value. `ok: false`: nobody answered in time. */
export interface ApiKeyStore {
  get(
    key: string,
  ): Promise<{ readonly ok: true; readonly value: string | null } | { readonly ok: false }>
}

export class ApiKeyVerifier {
  readonly #store: ApiKeyStore
  readonly #keyPrefix: string

  constructor(store: ApiKeyStore, keyPrefix: string) {
    this.#store = store
    this.#keyPrefix = keyPrefix
  }

  /**
   * Refuses with `invalid_api_key`, and with `verifier_unavailable` when the store does not answer
   * or holds something that is no record. Does not check the form of a key: any text has a digest.
   */
  async verify(key: string, nowSeconds: number): Promise<Verification> {
    const reply = await this.#store.get(this.#keyPrefix + hash('sha256', key, 'hex'))
    if (!reply.ok) return refuse('verifier_unavailable')
    if (reply.value === null) return refuse('invalid_api_key')
    const record = parseApiKeyRecord(reply.value)
    if (record === null) return refuse('verifier_unavailable')
    const verified = verifiedApiKey(record)
    return nowSeconds < verified.deadAtSeconds ? verified : refuse('invalid_api_key')
  }
}
