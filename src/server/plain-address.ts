/** The usual spelling of a peer address: the native server writes IPv6 addresses in full. */
import { SocketAddress } from 'node:net'

/** An IPv4 peer on a socket that listens for IPv6 as well (RFC 4291 §2.5.5.2). */
const MAPPED_PREFIX = '0000:0000:0000:0000:0000:ffff:'
const MAPPED_LENGTH = MAPPED_PREFIX.length + '7f00:0001'.length

/**
 * Hot path for IPv4, which comes back as it is. An IPv4 address mapped into IPv6 becomes IPv4, so
 * that upstreams and trusted ranges know it; other IPv6 addresses are compressed (RFC 5952).
 *
 * @param address As the native server writes it; empty when the peer is gone.
 */
export function plainAddress(address: string): string {
  if (!address.includes(':')) return address
  if (address.length === MAPPED_LENGTH && address.startsWith(MAPPED_PREFIX)) {
    const digits = address.slice(MAPPED_PREFIX.length).replace(':', '')
    return [0, 2, 4, 6].map((at) => Number.parseInt(digits.slice(at, at + 2), 16)).join('.')
  }
  return new SocketAddress({ address, family: 'ipv6' }).address
}
