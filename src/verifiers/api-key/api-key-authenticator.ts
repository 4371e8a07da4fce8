/**
 * API keys: those of the configuration are known at once; those of Redis are asked for each time,
 * so that a key which was withdrawn is refused on the very next request.
 */
import type { Trace } from '../../protocol/trace.ts'
import { type Refused, refuse } from '../../protocol/verification.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Authenticator, EstablishedIdentity, Verdict } from '../authenticator.ts'
import type { ApiKeyList, VerifiedApiKey } from './api-key-list.ts'

/** Looks a key up that the configuration does not have. */
export interface ApiKeyLookup {
  verify(key: string, nowSeconds: number): Promise<VerifiedApiKey | Refused>
}

/** No key has such bytes, and no two ways of reading them can make one. */
const BEYOND_ASCII = /[^\0-\x7f]/

const IN_FILE = 'it is a key of the configuration'
const NOT_IN_FILE = 'it is none of the configuration'

export class ApiKeyAuthenticator implements Authenticator {
  readonly #list: ApiKeyList
  readonly #lookup: ApiKeyLookup | null
  readonly #clock: Clock
  /** One for each key whose record has not changed, so that its identity is rendered once. */
  readonly #established = new WeakMap<VerifiedApiKey, EstablishedIdentity>()

  /** @param lookup `null`: the list is all there is. */
  constructor(list: ApiKeyList, lookup: ApiKeyLookup | null, clock: Clock) {
    this.#list = list
    this.#lookup = lookup
    this.#clock = clock
  }

  recall(key: string, nowSeconds: number): EstablishedIdentity | Refused | null {
    if (BEYOND_ASCII.test(key)) return refuse('api_key_unknown')
    const found = this.#list.find(key, nowSeconds)
    if (found === null) return this.#lookup === null ? refuse('api_key_unknown') : null
    if (found.kind === 'refused') return found
    return this.#establishedBy(found)
  }

  peek(key: string, nowSeconds: number): EstablishedIdentity | Refused | null {
    return this.recall(key, nowSeconds)
  }

  async establish(key: string, trace: Trace | null = null): Promise<Verdict> {
    const nowSeconds = this.#clock.nowSeconds()
    if (trace !== null) {
      const isListed = this.#list.find(key, nowSeconds) !== null
      trace.tell('api key', isListed ? 'ok' : 'note', isListed ? IN_FILE : NOT_IN_FILE)
      const known = this.recall(key, nowSeconds)
      if (known !== null) return known
      trace.tell('api key', 'note', 'Redis is asked')
    }
    const verification = (await this.#lookup?.verify(key, nowSeconds)) ?? refuse('api_key_unknown')
    return verification.kind === 'verified' ? this.#establishedBy(verification) : verification
  }

  #establishedBy(verified: VerifiedApiKey): EstablishedIdentity {
    let established = this.#established.get(verified)
    if (established === undefined) {
      const { terms } = verified
      established = { kind: 'established', verified, terms, derived: null }
      this.#established.set(verified, established)
    }
    return established
  }
}
