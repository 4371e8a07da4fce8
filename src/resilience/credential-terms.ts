/** How a credential may be used, beside what it says of its caller: asked on every request. */
import type { AddressLists } from '../http/address-lists.ts'
import type { OwnRate } from './own-rate.ts'

export interface CredentialTerms extends AddressLists {
  /** How often; `null`: without a limit of its own. */
  readonly rate: OwnRate | null
}
