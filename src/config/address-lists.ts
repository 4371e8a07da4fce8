/** `allowFrom` and `denyFrom`, wherever they may be written, and every other list of addresses. */
import { ADDRESS_RANGE_PROBLEM, parseAddressRange } from '../http/address-ranges.ts'
import { checkedText, listOf } from './setting.ts'

const range = checkedText('Address or CIDR range.', parseAddressRange, ADDRESS_RANGE_PROBLEM)

/** A list of addresses and CIDR ranges; left out, it is empty. */
export function rangeList(what: string) {
  return listOf(what, range).prefault([])
}

/** One that must be there, with at least one of them. */
export function requiredRangeList(what: string) {
  return listOf(what, range, { minimum: 1 })
}

/** @param whom Reads on from `Addresses and CIDR ranges from which …`. */
export function addressListSettings(whom: string) {
  return {
    allowFrom: rangeList(
      `Addresses and CIDR ranges from which ${whom}. Empty: from everywhere. Behind a balancer, ` +
        '`server.trustedProxies` must name it, or every client has its address.',
    ),
    denyFrom: rangeList('Those from which it may not, whatever `allowFrom` says.'),
  }
}
