/** Whose request it is, of any peer. */
import type { AddressRanges } from '../../src/http/address-ranges.ts'
import { forwardingFrom } from '../../src/http/forwarding.ts'
import type { HeaderList } from '../../src/http/header-list.ts'

export function clientOf(peer: string, received: HeaderList, trusted: AddressRanges): string {
  return forwardingFrom(peer, received, trusted)?.client ?? peer
}
