/**
 * Hot path: tells the upstream who is at the other end: `X-Forwarded-For`, `-Proto`, `-Host` and
 * `Forwarded` (RFC 7239).
 *
 * What the client sent in these fields is already gone from the list (hop-by-hop-headers.ts). It
 * counts only when the peer is a trusted proxy: then our own entry is appended to it.
 */
import type { HeaderList } from '../http/header-list.ts'
import type { GatewayFields } from './gateway-fields.ts'

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
 * The four fields, as the beginning of the gateway's own.
 *
 * A trusted peer's `X-Forwarded-Proto` and `-Host` are kept if they can be what they say, because
 * it alone knows how the client connected. Addresses are not checked beyond being visible ASCII.
 *
 * @param received The client's own list, read only when the peer is trusted. Lower-case names.
 */
export function forwardedFields(received: HeaderList, facts: ForwardedFacts): GatewayFields {
  if (!facts.trusted) return remembered(facts)
  const { peerAddress, scheme, authority } = facts
  const element = forwardedElement(peerAddress, scheme, authority)
  return forwardedText(
    appended(joinedValues(received, 'x-forwarded-for'), peerAddress),
    receivedScheme(received) ?? scheme,
    receivedHost(received) ?? authority,
    appended(receivedElements(received), element),
  )
}

/** Peers are a few balancers, or clients that send one request after another. */
const REMEMBERED_MAX = 1_024

interface Remembered {
  readonly scheme: string
  readonly authority: string
  readonly text: GatewayFields
}

/** The last text for each peer: the same every time, unless it asks for another host. */
const lastTexts = new Map<string, Remembered>()
/** That of the last peer of all, found without hashing its address. */
let latestAddress = ''
let latest: Remembered | undefined

function remembered({ peerAddress, scheme, authority }: ForwardedFacts): GatewayFields {
  if (peerAddress !== latestAddress) {
    latestAddress = peerAddress
    latest = lastTexts.get(peerAddress)
  }
  if (latest !== undefined && latest.scheme === scheme && latest.authority === authority) {
    return latest.text
  }
  const element = forwardedElement(peerAddress, scheme, authority)
  const text = forwardedText(peerAddress, scheme, authority, element)
  if (lastTexts.size >= REMEMBERED_MAX) lastTexts.clear()
  latest = { scheme, authority, text }
  lastTexts.set(peerAddress, latest)
  return text
}

function forwardedText(
  addresses: string,
  scheme: string,
  authority: string,
  elements: string,
): GatewayFields {
  // `join` makes one flat text; adding them up would make a tree, walked for every request again.
  return [
    addresses,
    `x-forwarded-proto: ${scheme}`,
    `x-forwarded-host: ${authority}`,
    `forwarded: ${elements}`,
  ].join('\r\n')
}

/** What a trusted peer says of the scheme; `null` when it says nothing, or not one word. */
export function receivedScheme(received: HeaderList): 'http' | 'https' | null {
  const scheme = joinedValues(received, 'x-forwarded-proto')
  return scheme === 'http' || scheme === 'https' ? scheme : null
}

/** Proxies often pass on what their own clients wrote here: only what can be a host is believed. */
const HOST = /^[A-Za-z0-9.:[\]-]{1,255}$/

/** What a trusted peer says of the host, maybe with a port; `null` when that can be none. */
export function receivedHost(received: HeaderList): string | null {
  const host = joinedValues(received, 'x-forwarded-host')
  return HOST.test(host) ? host : null
}

const PORT_NUMBER = /^[1-9][0-9]{0,4}$/

/** What a trusted peer says of the port, where proxies leave it out of the host; else `null`. */
export function receivedPort(received: HeaderList): string | null {
  const port = joinedValues(received, 'x-forwarded-port')
  return PORT_NUMBER.test(port) ? port : null
}

/** A quote that stays open would swallow the element which the gateway appends. */
const WHOLE_ELEMENTS = /^(?:[^"\\]|"[^"\\]*")*$/

function receivedElements(received: HeaderList): string {
  const elements = joinedValues(received, 'forwarded')
  return WHOLE_ELEMENTS.test(elements) ? elements : ''
}

function appended(received: string, own: string): string {
  return received === '' ? own : `${received}, ${own}`
}

/** Repeated fields mean the same as one with a list (RFC 9110 §5.3). */
export function joinedValues(headers: HeaderList, name: string): string {
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
