/**
 * Hot path: the address of the peer as text, in its usual spelling.
 *
 * The native server gives it as bytes, asked anew for each request, because it has no object for a
 * connection. Most requests come from the same peer as the one before: their bytes are compared,
 * and the text that was made for it then is used again.
 */
import { SocketAddress } from 'node:net'
import type { NativeResponse } from './native-binary.ts'

const IPV4_BYTES = 4
const IPV6_BYTES = 16
/** Where an IPv4 address stands in an IPv6 address that maps it (RFC 4291 §2.5.5.2). */
const MAPPED_AT = 12
const MAPPED_PREFIX = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff] as const

let latestBytes = new Uint8Array(0)
let latestText = ''

/** Empty when the peer is gone. Called at most once a request. */
export function peerAddressOf(response: NativeResponse): string {
  const bytes = new Uint8Array(response.getRemoteAddress())
  if (!isLatest(bytes)) {
    latestText = addressText(bytes)
    latestBytes = bytes
  }
  return latestText
}

/**
 * IPv4 dotted, IPv6 compressed (RFC 5952). An IPv4 address mapped into IPv6, which is what a peer
 * has on a socket that listens for both, becomes IPv4, so that upstreams and trusted ranges know
 * it. Empty for anything that is not 4 or 16 bytes long.
 */
export function addressText(bytes: Uint8Array): string {
  if (bytes.length === IPV4_BYTES) return bytes.join('.')
  if (bytes.length !== IPV6_BYTES) return ''
  if (MAPPED_PREFIX.every((byte, at) => bytes[at] === byte)) {
    return bytes.subarray(MAPPED_AT).join('.')
  }
  const groups = Array.from({ length: IPV6_BYTES / 2 }, (_, group) =>
    (((bytes[group * 2] ?? 0) << 8) | (bytes[group * 2 + 1] ?? 0)).toString(16),
  )
  return new SocketAddress({ address: groups.join(':'), family: 'ipv6' }).address
}

function isLatest(bytes: Uint8Array): boolean {
  if (bytes.length !== latestBytes.length) return false
  for (let at = 0; at < bytes.length; at += 1) {
    if (bytes[at] !== latestBytes[at]) return false
  }
  return true
}
