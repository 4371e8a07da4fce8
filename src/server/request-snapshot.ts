/**
 * The hard shell: copies a request out of the native parser and refuses what is malformed or could
 * be read in two ways, before anything else looks at it.
 *
 * Hot path: one `forEach` over the fields with one callback for all requests, and char codes; one
 * RegExp, for values as long as a token.
 *
 * The native parser is fast and lenient. It accepts two different `Content-Length`s, any
 * `Transfer-Encoding`, raw dot segments, DEL and non-ASCII in the target. What it accepts and we do
 * not is refused here; test/integration/native-server-golden pins what it does.
 *
 * Two things the parser hides, so that they cannot be refused; neither is ever sent on: the fields
 * behind one with an empty name, and non-ASCII bytes at the ends of a value, which it trims. Such
 * bytes elsewhere in a value go on as they came.
 */
import {
  canonicalPath,
  canonicalPathWith,
  isAcceptableQuery,
  NO_FORMS,
} from '../http/canonical-path.ts'
import type { RequestHead } from '../http/exchange.ts'
import { listHas } from '../http/header-list.ts'
import { hostWithoutPort } from '../http/host-header.ts'
import { isWebSocketHandshake } from '../http/web-socket.ts'
import type { NativeRequest } from './native-binary.ts'
import { isOpaqueText, opaqueFields } from './opaque-values.ts'

/** Reasons of protocol/refusal-reason.ts for which the server itself refuses. */
export type ServerRefusal =
  | 'request_malformed'
  | 'method_unknown'
  | 'websocket_unsupported'
  | 'body_too_large'
  | 'uri_too_long'
  | 'headers_too_large'

export interface RequestLimits {
  /** Most header fields. The native parser itself stops at 98 and answers 431. */
  readonly headers: number
  /** Most bytes of all header fields, counted as `name: value CRLF`. */
  readonly headerBytes: number
  /** Most bytes of path and query together. */
  readonly urlBytes: number
  readonly bodyBytes: number
}

/** What is read of a request, whichever parser has read it from the wire. */
export interface ParsedRequest extends Pick<NativeRequest, 'getUrl' | 'forEach' | 'getHeader'> {
  /** Without `?`; `undefined` where there is none. */
  getQuery(): string | undefined
}

/** What is taken only where the configuration says so. */
export interface RequestRules {
  /** Names of fields, in lower case, that are kept in spite of what they consist of. */
  readonly keptFields: ReadonlySet<string>
  /** Forms of paths that some route keeps (http/canonical-path.ts). Asked where a path has one. */
  readonly keptForms: () => number
  /** Whether a handshake of web sockets is a request like any other at this path. */
  readonly ignoresHandshake: (path: string) => boolean
}

const TABLE_SIZE = 128
const CODE_SPACE = 0x20
const CODE_TAB = 0x09
const CODE_DELETE = 0x7f
const CODE_ZERO = 0x30
const CODE_NINE = 0x39

/** Fields end in `: ` and CR LF. */
const FIELD_OVERHEAD_BYTES = 4
/** No longer a length that a double holds exactly, let alone a body that anybody would take. */
const CONTENT_LENGTH_DIGITS_MAX = 15

/** The one spelling that the native server knows, and answers. */
export const CONTINUE = '100-continue'

/** Visible ASCII, space and tab; machine code, which takes a third of what a loop does. */
const ACCEPTABLE_VALUE = /^[\t\x20-\x7e]*$/
/** The same and what RFC 9110 §5.5 calls obs-text. */
const OPAQUE_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/
/**
 * Fields that the gateway reads itself, or whose meaning for a connection depends on where a word
 * ends: programs differ in whether 0x85 and 0xA0 are white space there.
 */
const ASCII_FIELD = new RegExp(
  '^(?:authorization|connection|content-(?:length|type)|expect|forwarded|host|keep-alive|origin|' +
    'proxy-.*|sec-.*|te|trailer|transfer-encoding|upgrade|x-forwarded-.*|x-real-ip|x-request-id)$',
)
/** Calling a RegExp costs what a loop over so many characters does. */
const LOOPED_LENGTH_MAX = 32

const NAME_REFUSED = 0
const NAME_PLAIN = 1
const NAME_ODD = 2

/**
 * `tchar` of RFC 9110 §5.6.2. Letters, digits and `-` are plain; a field with any other is dropped,
 * because servers behind CGI-like interfaces read `X_User_Id` and `X.User.Id` as `X-User-Id`.
 */
const NAME_CHARACTER: Uint8Array = Uint8Array.from({ length: TABLE_SIZE }, (_, code) => {
  const character = String.fromCharCode(code)
  if (/[-0-9A-Za-z]/.test(character)) return NAME_PLAIN
  return /[!#$%&'*+.^_`|~]/.test(character) ? NAME_ODD : NAME_REFUSED
})

/** Reads one request at a time; one instance a server, reused for every request. */
export class RequestSnapshotReader {
  /**
   * Whether the connection must be closed after the answer to the request read last: its framing or
   * an `Upgrade` leaves doubt about what the bytes behind it are, or the client asked for it in a
   * spelling that the native server does not understand.
   */
  mustClose = false
  /**
   * Whether that request is answered in a later turn, so that bytes which come with it end the
   * connection: they may be meant for another protocol, or for somebody who does not wait for 100.
   */
  mustWait = false
  /** Whether the native server has answered 100 to it, and does so again whenever it is yielded. */
  isInvited = false
  /** Whether its client waits for 100. */
  awaitsInvitation = false
  /** Fields that were left out because of their names. */
  droppedFields = 0
  readonly #limits: RequestLimits
  readonly #rules: RequestRules
  readonly #showsBytes: boolean
  readonly #onField: (name: string, value: string) => void
  #headers: string[] = []
  #fieldBytes = 0
  #refusal: ServerRefusal | null = null
  #authority: string | null = null
  #contentLength: number | null = null
  #isChunked = false
  #hasOpaque = false
  /** The last `Host` and what it came to: most clients of a gateway send the same one. */
  #knownAuthority = ''
  #knownHost: string | null = null

  /** @param showsBytes Whether the parser gives each byte of a value as one character. */
  constructor(limits: RequestLimits, rules: RequestRules, showsBytes = false) {
    this.#limits = limits
    this.#rules = rules
    this.#showsBytes = showsBytes
    this.#onField = (name, value) => this.#readField(name, value)
  }

  /**
   * Never throws. The request must not be touched after the native callback has returned, and is
   * not: everything is copied.
   *
   * @param method One that some route takes.
   */
  read(method: string, request: ParsedRequest): RequestHead | ServerRefusal {
    this.#reset()
    const rawPath = request.getUrl()
    const rawQuery = request.getQuery()
    const query = rawQuery ?? ''
    if (rawPath.length + query.length > this.#limits.urlBytes) return 'uri_too_long'
    const path = canonicalPath(rawPath) ?? this.#keptPath(rawPath)
    if (path === null || !isAcceptableQuery(query)) return 'request_malformed'

    request.forEach(this.#onField)
    if (this.#hasOpaque) this.#readOpaque(request)
    const authority = this.#authority
    const host = authority === null ? null : this.#hostOf(authority)
    const refusal = this.#refusal ?? this.#framingRefusal(method, path)
    if (refusal !== null) return refusal
    if (authority === null || host === null) return 'request_malformed'
    const contentLength = this.#isChunked ? null : (this.#contentLength ?? 0)
    if (contentLength !== null && contentLength > this.#limits.bodyBytes) return 'body_too_large'
    return {
      method,
      path,
      query,
      hasQuery: rawQuery !== undefined,
      headers: this.#headers,
      host,
      authority,
      contentLength,
      hasBody: contentLength !== 0,
    }
  }

  #framingRefusal(method: string, path: string): ServerRefusal | null {
    if (this.#isChunked) {
      // Both framings at once: a server in front or behind may choose the other (RFC 9112 §6.1).
      if (this.#contentLength !== null) return 'request_malformed'
      this.mustClose = true
    }
    if (!this.mustWait || !isWebSocketHandshake(method, this.#headers)) return null
    return this.#rules.ignoresHandshake(path) ? null : 'websocket_unsupported'
  }

  #reset(): void {
    this.mustClose = false
    this.mustWait = false
    this.isInvited = false
    this.awaitsInvitation = false
    this.#hasOpaque = false
    this.#headers = []
    this.#fieldBytes = 0
    this.#refusal = null
    this.#authority = null
    this.#contentLength = null
    this.#isChunked = false
  }

  #keptPath(rawPath: string): string | null {
    const kept = this.#rules.keptForms()
    return kept === NO_FORMS ? null : canonicalPathWith(rawPath, kept)
  }

  /** What was pushed so far are characters that the parser made of bytes. */
  #readOpaque(request: ParsedRequest): void {
    const fields = opaqueFields(this.#headers, (name) => request.getHeader(name))
    if (fields === null) this.#refusal ??= 'request_malformed'
    else {
      this.#headers = fields.headers
      this.#fieldBytes += fields.moreBytes
      if (this.#fieldBytes > this.#limits.headerBytes) this.#refusal ??= 'headers_too_large'
    }
  }

  #hostOf(authority: string): string | null {
    if (authority !== this.#knownAuthority) {
      this.#knownAuthority = authority
      this.#knownHost = hostWithoutPort(authority)
    }
    return this.#knownHost
  }

  #readField(name: string, value: string): void {
    if (this.#refusal !== null) return
    this.#fieldBytes += name.length + value.length + FIELD_OVERHEAD_BYTES
    const kind = nameKind(name)
    if (kind === NAME_REFUSED || !this.#takesValue(name, value)) {
      this.#refusal = 'request_malformed'
      return
    }
    // Dropped: many upstreams cannot tell X_User_Id or X.User.Id from X-User-Id.
    if (kind === NAME_ODD && !this.#rules.keptFields.has(name)) this.droppedFields += 1
    else {
      this.#headers.push(name, value)
      if (!this.#readSpecialField(name, value)) {
        this.#refusal = 'request_malformed'
        return
      }
    }
    const { headers, headerBytes } = this.#limits
    if (this.#fieldBytes > headerBytes || this.#headers.length > headers * 2) {
      this.#refusal = 'headers_too_large'
    }
  }

  #takesValue(name: string, value: string): boolean {
    if (isAcceptableValue(value)) return true
    if (this.#showsBytes) return OPAQUE_VALUE.test(value) && !ASCII_FIELD.test(name)
    this.#hasOpaque = true
    return isOpaqueText(value)
  }

  /** @returns `false` when the field makes the request malformed or ambiguous. */
  #readSpecialField(name: string, value: string): boolean {
    switch (name) {
      case 'host':
        if (this.#authority !== null) return false
        this.#authority = value
        return true
      case 'content-length':
        if (this.#contentLength !== null) return false
        this.#contentLength = parseContentLength(value)
        return this.#contentLength !== null
      case 'transfer-encoding':
        if (this.#isChunked) return false
        this.#isChunked = value.toLowerCase() === 'chunked'
        return this.#isChunked
      case 'expect':
        return this.#readExpectation(value)
      case 'upgrade':
        // Nothing is upgraded (RFC 9110 §7.8), so this is a request like any other.
        this.mustWait = true
        return true
      case 'connection':
        // The option of RFC 9112 §9.6. The native server takes every value of five characters for
        // `close`, and nothing else. What nearly all send is not worth splitting.
        if (value.length !== 5 && value !== 'keep-alive' && listHas(value, 'close')) {
          this.mustClose = true
        }
        return true
      default:
        return true
    }
  }

  /** The native server knows one spelling, and looks at the first field only. */
  #readExpectation(value: string): boolean {
    if (this.isInvited || this.awaitsInvitation) return false
    this.isInvited = value === CONTINUE
    this.awaitsInvitation = !this.isInvited
    this.mustWait = this.mustWait || this.awaitsInvitation
    return this.isInvited || value.toLowerCase() === CONTINUE
  }
}

function nameKind(name: string): number {
  let kind = name.length === 0 ? NAME_REFUSED : NAME_PLAIN
  for (let index = 0; index < name.length; index += 1) {
    const code = name.charCodeAt(index)
    const characterKind = code < TABLE_SIZE ? NAME_CHARACTER[code] : NAME_REFUSED
    if (characterKind === NAME_REFUSED) return NAME_REFUSED
    if (characterKind === NAME_ODD) kind = NAME_ODD
  }
  return kind
}

/** Visible ASCII, space and tab: the native server shows other bytes differently by accessor. */
function isAcceptableValue(value: string): boolean {
  if (value.length > LOOPED_LENGTH_MAX) return ACCEPTABLE_VALUE.test(value)
  for (let index = 0; index < value.length; index += 1) {
    const code = value.charCodeAt(index)
    if (code >= CODE_DELETE || (code < CODE_SPACE && code !== CODE_TAB)) return false
  }
  return true
}

/** `1*DIGIT` of RFC 9110 §8.6; `null` for anything else, and for lengths beyond all reason. */
function parseContentLength(value: string): number | null {
  if (value.length === 0 || value.length > CONTENT_LENGTH_DIGITS_MAX) return null
  let length = 0
  for (let index = 0; index < value.length; index += 1) {
    const code = value.charCodeAt(index)
    if (code < CODE_ZERO || code > CODE_NINE) return null
    length = length * 10 + (code - CODE_ZERO)
  }
  return length
}
