/**
 * Hot path: the address of the peer as text, in its usual spelling.
 *
 * The native server gives it as bytes, asked anew for each request, because it has no object for a
 * connection. Most requests come from the same peer as the one before: their bytes are compared,
 * and the text that was made for it then is used again.
 */
import { bitsOfBytes, bitsText } from '../http/ip-address.ts'
import type { NativeResponse } from './native-binary.ts'

const IPV4_BYTES = 4
const IPV6_BYTES = 16

let latestBytes = new Uint8Array(0)
let latestText = ''

/** The peer of the connection; empty when it is gone. Called at most once a request. */
export function peerAddressOf(response: NativeResponse): string {
  const bytes = new Uint8Array(response.getRemoteAddress())
  if (!isLatest(bytes)) {
    latestText = addressText(bytes)
    latestBytes = bytes
  }
  return latestText
}

/**
 * The source address of the latest PROXY header (version 2) on the connection; empty when there was
 * none, or one without an address (`UNSPEC`).
 *
 * The native server believes such a header from anybody, also a `LOCAL` one, also in front of any
 * later request: that it may be believed is for the caller to make sure. See uws-app.ts.
 */
export function proxiedAddressOf(response: NativeResponse): string {
  return addressText(new Uint8Array(response.getProxiedRemoteAddress()))
}

/**
 * IPv4 dotted, IPv6 compressed (RFC 5952). An IPv4 address mapped into IPv6, which is what a peer
 * has on a socket that listens for both, becomes IPv4, so that upstreams and trusted ranges know
 * it. Empty for anything that is not 4 or 16 bytes long.
 */
export function addressText(bytes: Uint8Array): string {
  if (bytes.length !== IPV4_BYTES && bytes.length !== IPV6_BYTES) return ''
  return bitsText(bitsOfBytes(bytes))
}

function isLatest(bytes: Uint8Array): boolean {
  if (bytes.length !== latestBytes.length) return false
  for (let at = 0; at < bytes.length; at += 1) {
    if (bytes[at] !== latestBytes[at]) return false
  }
  return true
}
