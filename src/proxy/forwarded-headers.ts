/**
 * Hot path: tells the upstream who is at the other end: `X-Forwarded-For`, `-Proto`, `-Host`,
 * `X-Real-IP` and `Forwarded` (RFC 7239).
 *
 * What the client sent in these fields is already gone from the list (believed-fields.ts). Of a
 * trusted proxy it counts (http/forwarding.ts): then our own peer is appended to the addresses, and
 * all the fields tell of one client and one URL.
 */
import type { Forwarding } from '../http/forwarding.ts'
import type { GatewayFields } from './gateway-fields.ts'

/** What is known about the connection on which a request came. */
export interface ForwardedFacts {
  /** Peer address as text, without a port. */
  readonly peerAddress: string
  readonly scheme: 'http' | 'https'
  /** `Host` as received. */
  readonly authority: string
  /** What the proxies in front say; `null`: the peer is none of `server.trustedProxies`. */
  readonly forwarding: Forwarding | null
  /** Whether `Forwarded` is sent beside the others. */
  readonly sendsForwarded: boolean
  /** What the path of the request begins with, and that of the upstream does not; or empty. */
  readonly strippedPrefix: string
}

/** The fields, as the beginning of the gateway's own. */
export function forwardedFields(facts: ForwardedFacts): GatewayFields {
  const { peerAddress, scheme, authority, forwarding, sendsForwarded } = facts
  if (forwarding === null) return remembered(facts) + prefixLine(facts.strippedPrefix)
  const { client, addresses, realAddress } = forwarding
  const told = {
    addresses: addresses === '' ? peerAddress : `${addresses}, ${peerAddress}`,
    client: realAddress ?? client,
    scheme: forwarding.scheme ?? scheme,
    authority: forwarding.host ?? authority,
    sendsForwarded,
  }
  const port = forwarding.port === null ? '' : `\r\nx-forwarded-port: ${forwarding.port}`
  const prefix = `${forwarding.prefix ?? ''}${facts.strippedPrefix}`
  return `${forwardedText(told)}${port}${prefixLine(prefix)}`
}

/** Services put it in front of their links: what each proxy has taken away, the outermost first. */
function prefixLine(prefix: string): GatewayFields {
  return prefix === '' ? '' : `\r\nx-forwarded-prefix: ${prefix}`
}

/** Peers are a few balancers, or clients that send one request after another. */
const REMEMBERED_MAX = 1_024

interface Remembered {
  readonly scheme: string
  readonly authority: string
  readonly sendsForwarded: boolean
  readonly text: GatewayFields
}

/** The last text for each peer: the same every time, unless it asks for another host. */
const lastTexts = new Map<string, Remembered>()
/** That of the last peer of all, found without hashing its address. */
let latestAddress = ''
let latest: Remembered | undefined

function remembered(facts: ForwardedFacts): GatewayFields {
  const { peerAddress, scheme, authority, sendsForwarded } = facts
  if (peerAddress !== latestAddress) {
    latestAddress = peerAddress
    latest = lastTexts.get(peerAddress)
  }
  if (
    latest !== undefined &&
    latest.scheme === scheme &&
    latest.authority === authority &&
    latest.sendsForwarded === sendsForwarded
  ) {
    return latest.text
  }
  const told = { addresses: peerAddress, client: peerAddress, scheme, authority, sendsForwarded }
  if (lastTexts.size >= REMEMBERED_MAX) lastTexts.clear()
  latest = { scheme, authority, sendsForwarded, text: forwardedText(told) }
  lastTexts.set(peerAddress, latest)
  return latest.text
}

interface ToldForwarding {
  readonly addresses: string
  readonly client: string
  readonly scheme: string
  readonly authority: string
  readonly sendsForwarded: boolean
}

function forwardedText(told: ToldForwarding): GatewayFields {
  const { addresses, client, scheme, authority, sendsForwarded } = told
  // `join` makes one flat text; adding them up would make a tree, walked for every request again.
  const lines = [
    addresses,
    `x-forwarded-proto: ${scheme}`,
    `x-forwarded-host: ${authority}`,
    `x-real-ip: ${client}`,
  ]
  if (sendsForwarded) lines.push(`forwarded: ${forwardedElement(client, scheme, authority)}`)
  return lines.join('\r\n')
}

/**
 * One element, about the client: frameworks read the first or the last one of a list, and of a
 * single one both read the same. RFC 7239 §4: IPv6 in brackets and quotes (§6), `host` quoted
 * because it may hold a colon.
 */
function forwardedElement(client: string, scheme: string, authority: string): string {
  const node = client.includes(':') ? `"[${client}]"` : client
  // Neither is part of any host name; dropping such a host is safer than escaping it.
  if (authority.includes('"') || authority.includes('\\')) return `for=${node};proto=${scheme}`
  return `for=${node};host="${authority}";proto=${scheme}`
}
