/**
 * Finds out whose request it is by `X-Forwarded-For`: the peer, or who a trusted proxy says that
 * its own peer was. forwarding.ts says when another field counts instead.
 *
 * Each proxy appends the address of its peer to `X-Forwarded-For`, so the entries count from the
 * right, as far as those who wrote them are trusted. What stands left of the first address that is
 * no trusted proxy was written by that client, who may write anything.
 *
 * Bounded: {@link HOPS_MAX} entries are read.
 */
import { entryAddress } from './address-entry.ts'
import type { AddressRanges } from './address-ranges.ts'
import { HOPS_MAX } from './forwarded-field.ts'
import { fieldBefore, type HeaderList, NOWHERE } from './header-list.ts'
import { type AddressBits, addressBits, bitsText, isIpv4 } from './ip-address.ts'

/** Groups of the part of an IPv6 address that one subscriber is given (RFC 6177 §2). */
const SUBNET_GROUPS = 4

/** Who is behind the trusted proxies, and how many of them have said so. */
export interface ForwardedClient {
  readonly address: string
  /** Entries that were read: the last one was written by the farthest trusted proxy. */
  readonly hops: number
}

/**
 * The rightmost entry of `X-Forwarded-For` that is not the address of a trusted proxy; the leftmost
 * when all of them are; the peer when there is no entry.
 *
 * An entry may have a port (`192.0.2.1:80`, `[2001:db8::1]:80`) and, for IPv6, a zone: neither
 * counts. An entry that is no address (`unknown`, `_hidden`, nothing) ends the walk and is not
 * believed: then the trusted proxy that wrote it counts as the client.
 *
 * @param peer One of the trusted proxies, as text in its one spelling.
 * @param received Names in lower case. Several fields are one list, in their order.
 * @returns In its one spelling; an IPv4 address that is mapped into IPv6 as IPv4.
 */
export function forwardedClient(
  peer: string,
  received: HeaderList,
  trusted: AddressRanges,
): ForwardedClient {
  let address = peer
  let hops = 0
  let index = received.length
  let value = ''
  let end = NOWHERE
  do {
    if (end === NOWHERE) {
      index = fieldBefore(received, 'x-forwarded-for', index)
      if (index === NOWHERE) break
      value = received[index + 1] ?? ''
      end = value.length
    }
    // From a position before the first, it would look at the first.
    const comma = end === 0 ? NOWHERE : value.lastIndexOf(',', end - 1)
    const entry = entryAddress(value, comma + 1, end)
    if (entry === null) break
    address = entry
    end = comma
    hops += 1
  } while (hops < HOPS_MAX && trusted.has(address))
  return { address, hops }
}

/**
 * By what a client is counted: an IPv4 address is one, and of IPv6 all of a /64, because that is
 * the least that a subscriber is given.
 *
 * @param address In its one spelling. What is no address is returned as it is.
 */
export function addressKey(address: string): string {
  const bits = addressBits(address)
  if (bits === null) return address
  if (isIpv4(bits)) return bitsText(bits)
  const subnet = bits.slice(0, SUBNET_GROUPS).padEnd(bits.length, '\0')
  return `${bitsText(subnet as AddressBits)}/64`
}
