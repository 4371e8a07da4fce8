/**
 * What node:http has parsed of a request, as the hard shell reads it (request-snapshot.ts), with
 * the forms of a target that only this engine takes (RFC 9112 §3.2.2) brought to the usual one.
 *
 * Hot path: one object a server, used for one request after the other.
 */
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { ParsedRequest } from '../request-snapshot.ts'

/** `scheme://authority` and what follows. What it lets through is checked like any other target. */
const ABSOLUTE = /^https?:\/\/([^/?#]*)(.*)$/i
const HEAD_END = Buffer.from('\r\n\r\n')
const CODE_CR = 0x0d
const CODE_LF = 0x0a
const ROOT = '/'
const ANY = '*'

/** What node:http does not tell of a socket that it reads from. */
interface ParsedSocket {
  /** `getCurrentBuffer`: a copy of what it was given last, while it reads that. */
  readonly parser?: { getCurrentBuffer?(): Buffer } | null
}

export class ParsedMessage implements ParsedRequest {
  /** Whether it is `OPTIONS *`, which asks about the server, and not about a resource. */
  isAboutServer = false
  #rawHeaders: readonly string[] = []
  #path = ''
  #query: string | undefined
  /** The authority of a request that has no `Host` and need not have one; `null`: it has one. */
  #authority: string | null = null

  /**
   * Takes the next request.
   *
   * @param connection Says where the client has connected to, for one that names no `Host`.
   * @returns `false` when it can be read in two ways: a version that is none, a coding in HTTP/1.0
   *   (RFC 9112 §6.1), a target that contradicts `Host`.
   */
  take(request: IncomingMessage, connection: Socket): boolean {
    const { rawHeaders, httpVersionMajor, httpVersionMinor, url = '' } = request
    this.#rawHeaders = rawHeaders
    this.#authority = null
    this.isAboutServer = url === ANY && request.method === 'OPTIONS'
    this.#takeTarget(this.isAboutServer ? ROOT : url)
    if (httpVersionMajor !== 1 || httpVersionMinor > 1) return false
    const isAbsolute = url.charCodeAt(0) !== 0x2f
    if (httpVersionMinor === 1 && !isAbsolute) return true
    const host = firstValue(rawHeaders, 'host')
    if (httpVersionMinor === 0) {
      if (firstValue(rawHeaders, 'transfer-encoding') !== null) return false
      if (host === null) this.#authority = ownAddressOf(connection)
    }
    return !isAbsolute || this.isAboutServer || this.#takeAbsolute(url, host)
  }

  getUrl(): string {
    return this.#path
  }

  getQuery(): string | undefined {
    return this.#query
  }

  /** Of the first field of this name, in lower case; empty: there is none. */
  getHeader(name: string): string {
    return firstValue(this.#rawHeaders, name) ?? ''
  }

  forEach(onField: (name: string, value: string) => void): void {
    if (this.#authority !== null) onField('host', this.#authority)
    const raw = this.#rawHeaders
    for (let index = 0; index + 1 < raw.length; index += 2) {
      onField((raw[index] ?? '').toLowerCase(), raw[index + 1] ?? '')
    }
  }

  #takeTarget(target: string): void {
    const mark = target.indexOf('?')
    this.#path = mark === -1 ? target : target.slice(0, mark)
    this.#query = mark === -1 ? undefined : target.slice(mark + 1)
  }

  /** The target counts (RFC 9112 §3.2.2). A `Host` that says otherwise is somebody's mistake. */
  #takeAbsolute(target: string, host: string | null): boolean {
    const [, authority = '', rest = ''] = ABSOLUTE.exec(target) ?? []
    if (authority === '') return false
    if (host !== null && host.toLowerCase() !== authority.toLowerCase()) return false
    if (this.#authority !== null) this.#authority = authority
    this.#takeTarget(rest.startsWith(ROOT) ? rest : ROOT + rest)
    return true
  }
}

/**
 * Whether a request without a body is all of the piece that the parser is reading. Behind one with
 * `Upgrade` it drops what is left of the piece, and reads on in the middle of whatever it was.
 *
 * Sizes do not tell: a client may write fields with or without white space.
 *
 * @returns `false` also where that cannot be told: outside of the parser's turn, or behind other
 *   lines of the same piece.
 */
export function isAlone(request: IncomingMessage): boolean {
  const { parser } = request.socket as ParsedSocket
  const piece = parser?.getCurrentBuffer?.()
  if (piece === undefined || piece.length < HEAD_END.length) return false
  // The end of a head that began in another piece may be cut in two.
  if (piece[0] === CODE_CR || piece[0] === CODE_LF) return false
  return piece.indexOf(HEAD_END) === piece.length - HEAD_END.length
}

/** Of the first field of this name, which the hard shell makes sure is the only one. */
function firstValue(rawHeaders: readonly string[], name: string): string | null {
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    if (rawHeaders[index]?.toLowerCase() === name) return rawHeaders[index + 1] ?? null
  }
  return null
}

/** Where a client without `Host` has connected to (RFC 9112 §3.3). */
function ownAddressOf({ localAddress = '', localPort = 0 }: Socket): string {
  const address = localAddress.replace(/^::ffff:(?=[\d.]+$)/, '')
  return address.includes(':') ? `[${address}]:${localPort}` : `${address}:${localPort}`
}
