/**
 * Says whether a peer is one of the proxies in front of us whose forwarding fields are believed.
 */
import { BlockList, isIP } from 'node:net'

/** Answers remembered: a proxy fleet is small, but its addresses are not ours to bound. */
const REMEMBERED_MAX = 1_024

export class TrustedPeers {
  readonly #ranges = new BlockList()
  readonly #remembered = new Map<string, boolean>()
  readonly #isEmpty: boolean

  /** @param ranges Addresses and CIDR ranges, already checked by the configuration. */
  constructor(ranges: readonly string[]) {
    this.#isEmpty = ranges.length === 0
    for (const range of ranges) {
      const [address = '', prefix] = range.split('/')
      const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
      if (prefix === undefined) this.#ranges.addAddress(address, family)
      else this.#ranges.addSubnet(address, Number(prefix), family)
    }
  }

  /** Whether no peer at all is trusted, so that the caller need not even ask for its address. */
  get isEmpty(): boolean {
    return this.#isEmpty
  }

  /** @param address Peer address as text. Not an address: not trusted. */
  has(address: string): boolean {
    const known = this.#remembered.get(address)
    if (known !== undefined) return known
    const family = isIP(address)
    const isTrusted = family !== 0 && this.#ranges.check(address, family === 6 ? 'ipv6' : 'ipv4')
    if (this.#remembered.size >= REMEMBERED_MAX) this.#remembered.clear()
    this.#remembered.set(address, isTrusted)
    return isTrusted
  }
}
