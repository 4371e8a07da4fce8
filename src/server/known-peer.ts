/** Who sent a request, as far as that must be known when it comes: asked before anything else. */
import type { AddressRanges } from '../http/address-ranges.ts'
import type { NativeResponse } from './native-binary.ts'
import { peerAddressOf, proxiedAddressOf } from './peer-address.ts'

export interface KnownPeer {
  /** `null`: not asked yet. */
  readonly address: string | null
  /** Whether the address is from a PROXY header that is believed. */
  readonly isProxied: boolean
}

const UNASKED: KnownPeer = Object.freeze({ address: null, isProxied: false })

/** Asks for nothing where no peer is trusted. */
export function knownPeerOf(response: NativeResponse, trusted: AddressRanges): KnownPeer {
  if (trusted.isEmpty) return UNASKED
  const address = peerAddressOf(response)
  const proxied = trusted.has(address) ? proxiedAddressOf(response) : ''
  return proxied === '' ? { address, isProxied: false } : { address: proxied, isProxied: true }
}
