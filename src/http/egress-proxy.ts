/**
 * Which of our own calls go through an egress proxy, and through which: the variables and settings
 * that name proxies, read once. No name is ever looked up.
 */
import { AddressRanges, parseAddressRange } from './address-ranges.ts'
import { isLoopbackHost } from './http-url.ts'
import { addressBits } from './ip-address.ts'

/** Plain values: URLs that {@link parseProxyUrl} takes, and what {@link parseNoProxy} makes. */
export interface EgressProxySettings {
  /** For targets with https; `null`: they are connected to. */
  readonly https: string | null
  /** The same for http. */
  readonly http: string | null
  /** Targets that are connected to all the same. */
  readonly noProxy: readonly NoProxyEntry[]
}

/** One entry of `NO_PROXY`. */
export type NoProxyEntry =
  | { readonly kind: 'all' }
  /** An address or a CIDR range, as {@link parseAddressRange} takes it. */
  | { readonly kind: 'range'; readonly range: string }
  | NoProxyHost

interface NoProxyHost {
  readonly kind: 'host'
  /** In lower case, without brackets, and without a dot in front. */
  readonly host: string
  /** `null`: every port. */
  readonly port: number | null
}

/** Every call connects to its target. */
export const NO_EGRESS_PROXY: EgressProxySettings = { https: null, http: null, noProxy: [] }

export interface EgressProxy {
  /** Whether it is spoken to over TLS itself. */
  readonly isTls: boolean
  readonly host: string
  readonly port: number
  /** `Proxy-Authorization`; `null`: it wants none. */
  readonly authorization: string | null
}

export const PROXY_URL_PROBLEM =
  'must be the URL of an HTTP proxy, such as http://user:password@proxy.example.com:3128, without ' +
  'path'

export const NO_PROXY_PROBLEM =
  'must list host names, IP addresses and CIDR ranges, each with a port if need be, or be *'

const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 }
/** One entry: a host, perhaps with a dot or `*.` before it, and perhaps a port behind it. */
const ENTRY = /^(?:\*?\.)?(\[[0-9A-Fa-f:.]+\]|[^[\]:/*\s]+)(?::([0-9]{1,5}))?$/
const PRINTABLE_NAME = /^[\x21-\x7e]+$/

/**
 * A proxy by its URL. Without a scheme it is http, as tools take it. A user name without a password
 * is sent with an empty one.
 *
 * @returns `null` for what is none: another scheme (SOCKS), a path, a query, or escapes that say
 *   nothing.
 */
export function parseProxyUrl(text: string): EgressProxy | null {
  const withScheme = text.includes('://') ? text : `http://${text}`
  if (!PRINTABLE_NAME.test(text) || !URL.canParse(withScheme)) return null
  const { protocol, hostname, port, pathname, search, hash, username, password } = new URL(
    withScheme,
  )
  const defaultPort = DEFAULT_PORTS[protocol]
  if (defaultPort === undefined || pathname !== '/' || search !== '' || hash !== '') return null
  const authorization = basicAuthorization(username, password)
  if (authorization === undefined) return null
  return {
    isTls: protocol === 'https:',
    host: withoutBrackets(hostname),
    port: port === '' ? defaultPort : Number(port),
    authorization,
  }
}

/**
 * The entries of `NO_PROXY`, separated by commas or white space: `*` (everything), a host name (it,
 * and all below it; a dot or `*.` before it changes nothing), an IP address or a CIDR range. A
 * number behind a colon restricts a name or an address to that port.
 *
 * @returns `null` when one of them is none of these.
 */
export function parseNoProxy(text: string): readonly NoProxyEntry[] | null {
  const words = text.split(/[,\s]+/).filter((word) => word !== '')
  const entries = words.flatMap((word) => readEntry(word) ?? [])
  return entries.length === words.length ? entries : null
}

/** Decides for each call, from settings that were checked. */
export class EgressProxies {
  readonly #https: EgressProxy | null
  readonly #http: EgressProxy | null
  readonly #isOff: boolean
  readonly #ranges: AddressRanges
  readonly #hosts: readonly NoProxyHost[]

  constructor({ https, http, noProxy }: EgressProxySettings) {
    this.#https = https === null ? null : parseProxyUrl(https)
    this.#http = http === null ? null : parseProxyUrl(http)
    this.#isOff = noProxy.some(({ kind }) => kind === 'all')
    const ranges = noProxy.flatMap((entry) => (entry.kind === 'range' ? entry.range : []))
    this.#ranges = new AddressRanges(ranges)
    this.#hosts = noProxy.filter((entry) => entry.kind === 'host')
  }

  /**
   * @returns `null`: connect to the target itself. So it is always with loopback: calls to this
   *   machine may be in clear because they stay on it. A host name is not looked up, so a range is
   *   only for targets that are named by their address.
   */
  proxyOf({ protocol, hostname, port }: URL): EgressProxy | null {
    const proxy = protocol === 'https:' ? this.#https : this.#http
    if (proxy === null || this.#isOff || isLoopbackHost(hostname)) return null
    const host = withoutBrackets(hostname).toLowerCase().replace(/\.$/, '')
    if (this.#ranges.has(host)) return null
    const portNumber = port === '' ? DEFAULT_PORTS[protocol] : Number(port)
    const isListed = this.#hosts.some((entry) => isFor(entry, host, portNumber))
    return isListed ? null : proxy
  }
}

function readEntry(text: string): NoProxyEntry | null {
  if (text === '*') return { kind: 'all' }
  const range = parseAddressRange(text)
  if (range !== null) return { kind: 'range', range }
  const match = ENTRY.exec(text)
  if (match === null || !PRINTABLE_NAME.test(text)) return null
  const [, host = '', port] = match
  return {
    kind: 'host',
    host: withoutBrackets(host).toLowerCase().replace(/\.$/, ''),
    port: port === undefined ? null : Number(port),
  }
}

function isFor(entry: NoProxyHost, host: string, port: number | undefined): boolean {
  if (entry.port !== null && entry.port !== port) return false
  if (host === entry.host) return true
  const bits = addressBits(host)
  // Two spellings of one address are one; below an address there is nothing.
  return bits === null ? host.endsWith(`.${entry.host}`) : bits === addressBits(entry.host)
}

/** `null`: no credentials; `undefined`: they cannot be read. */
function basicAuthorization(username: string, password: string): string | null | undefined {
  if (username === '' && password === '') return null
  try {
    const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
    return `Basic ${Buffer.from(pair, 'utf8').toString('base64')}`
  } catch {
    return undefined
  }
}

function withoutBrackets(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, '')
}
