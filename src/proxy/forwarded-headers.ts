/**
 * Hot path: tells the upstream who is at the other end: `X-Forwarded-For`, `-Proto`, `-Host` and
 * `Forwarded` (RFC 7239).
 *
 * What the client sent in these fields is already gone from the list (hop-by-hop-headers.ts). It
 * counts only when the peer is a trusted proxy: then our own entry is appended to it.
 */
import type { HeaderList } from '../protocol/header-list.ts'

/** What is known about the connection on which a request came. */
export interface ForwardedFacts {
  /** Peer address as text, without a port. */
  readonly peerAddress: string
  readonly scheme: 'http' | 'https'
  /** `Host` as received. */
  readonly authority: string
  /** Whether the peer is one of `server.trustedProxies`. */
  readonly trusted: boolean
}

/**
 * Appends the four fields to `headers`.
 *
 * A trusted peer's `X-Forwarded-Proto` and `-Host` are kept, because it alone knows how the client
 * connected. They are not checked beyond being visible ASCII, which the server guarantees.
 *
 * @param headers The list that goes upstream; changed in place.
 * @param received The client's own list, read only when the peer is trusted. Lower-case names.
 */
export function appendForwarded(
  headers: string[],
  received: HeaderList,
  facts: ForwardedFacts,
): void {
  if (facts.trusted) {
    appendToReceived(headers, received, facts)
    return
  }
  const { peerAddress, scheme, authority } = facts
  headers.push(
    'x-forwarded-for',
    peerAddress,
    'x-forwarded-proto',
    scheme,
    'x-forwarded-host',
    authority,
    'forwarded',
    forwardedElement(peerAddress, scheme, authority),
  )
}

function appendToReceived(headers: string[], received: HeaderList, facts: ForwardedFacts): void {
  const { peerAddress, scheme, authority } = facts
  const addresses = joinedValues(received, 'x-forwarded-for')
  const elements = joinedValues(received, 'forwarded')
  const ownElement = forwardedElement(peerAddress, scheme, authority)
  headers.push(
    'x-forwarded-for',
    addresses === '' ? peerAddress : `${addresses}, ${peerAddress}`,
    'x-forwarded-proto',
    joinedValues(received, 'x-forwarded-proto') || scheme,
    'x-forwarded-host',
    joinedValues(received, 'x-forwarded-host') || authority,
    'forwarded',
    elements === '' ? ownElement : `${elements}, ${ownElement}`,
  )
}

/** Repeated fields mean the same as one with a list (RFC 9110 §5.3). */
function joinedValues(headers: HeaderList, name: string): string {
  let joined = ''
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const value = headers[index + 1] as string
    if (headers[index] === name && value !== '')
      joined = joined === '' ? value : `${joined}, ${value}`
  }
  return joined
}

/** RFC 7239 §4: IPv6 in brackets and quotes (§6), `host` quoted because it may hold a colon. */
function forwardedElement(peerAddress: string, scheme: string, authority: string): string {
  const node = peerAddress.includes(':') ? `"[${peerAddress}]"` : peerAddress
  // Neither is part of any host name; dropping such a host is safer than escaping it.
  if (authority.includes('"') || authority.includes('\\')) return `for=${node};proto=${scheme}`
  return `for=${node};host="${authority}";proto=${scheme}`
}
