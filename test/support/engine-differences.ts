/**
 * Where the two engines differ on purpose: one row each. Tests of one engine alone name their row,
 * the raw attacks take their outcome from here, and docs/engines.md is made of it
 * (test/unit/engines-document.test.ts).
 */
import { type Engine, testEngine } from './test-engine.ts'

/** What becomes of raw bytes on node:http: an answer with a code, or they are an honest request. */
type NodeOutcome = `${number} ${string}` | 'served'

interface EngineDifference {
  /** What a client sends or needs. */
  readonly about: string
  readonly native: string
  readonly node: string
  /** Attacks of test/security/attacks that end otherwise on node:http, by name. */
  readonly attacks?: Readonly<Record<string, NodeOutcome>>
}

export const ENGINE_DIFFERENCES = {
  version_1_0: {
    about: 'HTTP/1.0: `proxy_pass` of nginx by default, the default check of HAProxy, `ab`',
    native: 'HTML 505 of the native server',
    node:
      'served. Without `Host`, the host is the address that was connected to. An answer of unknown ' +
      'length ends with its connection; it is kept only where the client asks for it and the length ' +
      'is known. A body in chunks is refused',
    attacks: { 'the version HTTP/1.0': 'served' },
  },
  pipelining: {
    about: 'Requests that are sent ahead of an answer',
    native:
      'the connection is closed, unless each can be answered within the turn in which it came',
    node: 'answered in order, 64 at most ahead of one that is not answered yet; with more, closed',
  },
  bodiless_answers: {
    about: 'Many answers without a body (`HEAD`, 204, 304)',
    native: 'about one in a thousand closes its connection, in order and behind the answer',
    node: 'each is with the kernel before the next request is looked at',
  },
  absolute_form: {
    about: 'A whole URL as target, as clients of proxies send it',
    native: 'HTML 505 of the native server',
    node: 'served, if `Host` says the same; otherwise 400',
    attacks: { 'no path: "http://a/b"': 'served' },
  },
  options_asterisk: {
    about: '`OPTIONS *`',
    native: 'HTML 505 of the native server',
    node: '204 with `Allow`; no upstream is asked',
    attacks: { 'no path: *': 'served' },
  },
  chunk_details: {
    about: 'Trailers and extensions of chunks',
    native:
      'HTML 505 for trailers; a chunk with an extension is taken for a longer one, waited for, and ' +
      'cut: the request has reached no upstream whole',
    node: 'dropped; the body is what is left',
  },
  empty_line: {
    about: 'An empty line before a request, as old clients send behind a body',
    native: 'waited for, and cut: nothing behind it is seen',
    node: 'skipped (RFC 9112 §2.2)',
    attacks: {
      'a line feed before the request': 'served',
      'an empty line before the request': 'served',
    },
  },
  bare_carriage_return: {
    about: 'A bare carriage return in a value',
    native: 'waited for, and cut without an answer',
    node: '400',
    attacks: { 'a bare carriage return in a value': '400 invalid_request' },
  },
  streamed_heads: {
    about: 'The head of an answer whose body comes later: `EventSource`, long polling',
    native: 'leaves with the first byte of the body',
    node: 'leaves when the upstream has sent it',
  },
  opaque_bytes: {
    about: 'Bytes over 0x7F in a field value, such as `Cookie: name=Jürgen`',
    native:
      'sent on unchanged, but at both ends of a value, where they are cut off before anything sees ' +
      'them. One that is no UTF-8 in a repeated field gets 400',
    node:
      'sent on unchanged, but for fields that the gateway reads itself or that frame a message, ' +
      'which are refused: `Authorization`, `Connection`, `Forwarded`, `Host`, `X-Forwarded-*` and ' +
      'others',
    attacks: { 'a value whose bytes the parser shows of its first field alone': 'served' },
  },
  keep_alive: {
    about: 'Connections that are idle, as balancers keep them',
    native: 'closed after 8 to 12 s, of which `Keep-Alive: timeout=7` is announced',
    node: 'closed after `server.timeouts.keepAlive`, which `Keep-Alive: timeout=` announces',
  },
  upgrade: {
    about: '`Upgrade: h2c`, which the JDK sends with each request',
    native: 'ignored, and the connection kept; bytes that come together with the request end it',
    node: 'ignored, and the connection kept if it has no body and nothing was sent behind it',
    // Behind the answer to the first request, it is the beginning of another one, and none.
    attacks: { 'an upgrade to h2c and its preface': 'served' },
  },
  unknown_methods: {
    about: 'A method that no route takes',
    native: '501',
    node: '501 for those that llhttp knows (WebDAV, `PURGE`, `QUERY`), 400 for others and `CONNECT`',
    attacks: {
      'the method CONNECT': '400 invalid_request',
      'the method PRI': '400 invalid_request',
      'the method get': '400 invalid_request',
      'the method Get': '400 invalid_request',
      'the method GETX': '400 invalid_request',
      'the method X': '400 invalid_request',
    },
  },
  proxy_header: {
    about: 'A PROXY header (version 2) of a trusted peer',
    native: 'counts for one request, behind whose answer the connection is closed',
    node: 'counts for the whole connection, and may come at its beginning alone',
  },
  proxy_header_untrusted: {
    about: 'A PROXY header of anybody else',
    native: 'read past',
    node: '400',
  },
  parser_answers: {
    about: 'What the parser itself refuses',
    native: 'answered in HTML with the name of the native server, or not at all; not counted',
    node: 'answered with problem+json, counted and logged like any refusal',
  },
  expect_early: {
    about: '`Expect: 100-continue`',
    native:
      '`100 Continue` is sent before the credential is looked at; for other spellings, such as that ' +
      'of the JDK, when the body is wanted',
    node: '`100 Continue` is sent when the body is wanted; a refusal comes without it',
  },
  version_named_otherwise: {
    about: 'A GET, POST or OPTIONS whose version begins with `RTSP/` instead of `HTTP/`',
    native: 'HTML 505 of the native server',
    node: 'served: llhttp does not tell the name, and the number and the framing mean the same',
    attacks: { 'the version RTSP/1.1': 'served' },
  },
} as const satisfies Readonly<Record<string, EngineDifference>>

export type EngineDifferenceName = keyof typeof ENGINE_DIFFERENCES

const ROWS: readonly EngineDifference[] = Object.values(ENGINE_DIFFERENCES)

/** By the name of the attack. */
const NODE_OUTCOMES: ReadonlyMap<string, NodeOutcome> = new Map(
  ROWS.flatMap(({ attacks }) => Object.entries(attacks ?? {})),
)

/** For tests that hold on one engine alone: why the others are left out. */
export function only(engine: Engine, difference: EngineDifferenceName) {
  const { about } = ENGINE_DIFFERENCES[difference]
  return { skip: engine !== testEngine && `only with server.engine: ${engine} (${about})` }
}

/** What node:http refuses has a code, like any other refusal. */
const CODES: ReadonlyMap<string, NodeOutcome> = new Map([
  ['400', '400 invalid_request'],
  ['431', '431 headers_too_large'],
  ['505', '400 invalid_request'],
])

/** What becomes of an attack on an engine, of which it is known how it ends on the native one. */
export function outcomeOn(engine: Engine, attack: string, native: string): string {
  return engine === 'native' ? native : (NODE_OUTCOMES.get(attack) ?? CODES.get(native) ?? native)
}

/** Whether the table of differences names an attack. */
export function isNamed(attack: string): boolean {
  return NODE_OUTCOMES.has(attack)
}

/** As a table of Markdown. */
export function differencesTable(): string {
  const rows = ROWS.map(({ about, native, node }) => `| ${about} | ${native} | ${node} |`)
  return ['| about | `native` | `node` |', '| --- | --- | --- |', ...rows, ''].join('\n')
}
