/** Request lines and fields that are not well-formed (RFC 9110 §5, §7.2, RFC 9112 §3, §5). */
import { get, HOST, MARK, SMUGGLED, type WireAttack } from './attack.ts'

const FIELDS = `X-Mark: ${MARK}\r\n`
/** Well-formed, and named by no route. */
const UNKNOWN_METHODS = ['TRACE', 'CONNECT', 'PRI', 'PROPFIND', 'PURGE', 'get', 'Get', 'GETX', 'X']
const MALFORMED_METHODS = ['GET[', 'G"T', `${'A'.repeat(65)}`]
const VERSIONS = [
  'HTTP/1.0',
  'HTTP/2.0',
  'HTTP/1.2',
  'HTTP/0.9',
  'http/1.1',
  'HTTP/1.1x',
  'RTSP/1.1',
]

/** Answered by the gateway. */
const MALFORMED_HOSTS: Readonly<Record<string, string>> = {
  'an empty Host': '',
  'a Host with a space': 'a b',
  'a Host with a path': 'a/b',
  'a Host with a user': 'user@a',
  'a Host with an empty port': 'a:',
  'a Host with a port that is a word': 'a:b',
  'a Host with a port of six digits': 'a:123456',
  'a Host with two ports': 'a:1:2',
  'a Host with half an address': '[::1',
  'a Host with a word in brackets': '[x]',
  'a Host with empty brackets': '[]',
  'two names in Host': 'a,b',
  'an encoded Host': '%61',
  'a Host with a query': 'a?b',
  'a Host with a backslash': 'a\\b',
  'a Host of 256 characters': 'a'.repeat(256),
}

const BYTES_IN_VALUES: Readonly<Record<string, readonly [answer: WireAttack[1], byte: string]>> = {
  'NUL in a value': ['400', '\0'],
  'a control character in a value': ['400', '\x01'],
  'a vertical tab in a value': ['400', '\x0b'],
  'the last control character in a value': ['400', '\x1f'],
  'DEL in a value': ['400 invalid_request', '\x7f'],
  'a bare line feed in a value': ['400', '\n'],
}

const NAMES: readonly (readonly [name: string, field: string])[] = [
  ['a parenthesis in a name', 'a(b: x'],
  ['a space in a name', 'a b: x'],
  ['a space before the colon', 'a : x'],
  ['a tab before the colon', 'a\t: x'],
  ['a space before a name', ' a: x'],
  ['DEL in a name', 'a\x7f: x'],
  ['a byte beyond ASCII in a name', '\xe9: x'],
  ['a quote in a name', 'a"b: x'],
  ['NUL in a name', 'a\0b: x'],
  ['a line without a colon', 'abc'],
]

export const MALFORMED_HEADS: readonly WireAttack[] = [
  ...UNKNOWN_METHODS.map(
    (method): WireAttack => [
      `the method ${method}`,
      '501 method_not_implemented',
      `${method} / HTTP/1.1\r\n${HOST}${FIELDS}\r\n`,
    ],
  ),
  ...MALFORMED_METHODS.map(
    (method): WireAttack => [
      `the method ${method.slice(0, 5)}`,
      '400 invalid_request',
      `${method} / HTTP/1.1\r\n${HOST}${FIELDS}\r\n`,
    ],
  ),
  [
    'a value whose bytes the parser shows of its first field alone',
    '400 invalid_request',
    get('/', 'X-A: a\x80b\r\nX-A: a\x81b\r\n'),
  ],
  ['CONNECT to an authority', '505', `CONNECT a:80 HTTP/1.1\r\n${HOST}${FIELDS}\r\n`],
  ...VERSIONS.map(
    (version): WireAttack => [
      `the version ${version}`,
      '505',
      `GET / ${version}\r\n${HOST}${FIELDS}\r\n`,
    ],
  ),
  ['no version', '505', `GET /${MARK}\r\n\r\n`],
  ['the preface of HTTP/2', '505', `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${SMUGGLED}`],
  ['a line feed before the request', '505', `\n${SMUGGLED}`],
  ['a space before the request', '505', ` ${SMUGGLED}`],
  ['bare line feeds at the end', '400', `GET / HTTP/1.1\r\n${HOST}${FIELDS}\n\n`],
  ['no Host', '400', `GET / HTTP/1.1\r\n${FIELDS}\r\n`],
  ['the same Host twice', '400', get('/', HOST)],
  ['two Hosts', '400', get('/', 'Host: b\r\n')],
  ...Object.entries(MALFORMED_HOSTS).map(
    ([name, host]): WireAttack => [
      name,
      '400 invalid_request',
      `GET / HTTP/1.1\r\nHost: ${host}\r\n${FIELDS}\r\n`,
    ],
  ),
  ...Object.entries(BYTES_IN_VALUES).map(
    ([name, [answer, byte]]): WireAttack => [name, answer, get('/', `X-A: a${byte}b\r\n`)],
  ),
  ...NAMES.map(([name, field]): WireAttack => [name, '400', get('/', `${field}\r\n`)]),
  ['a value folded with a space', '400', get('/', 'X-A: b\r\n c\r\n')],
  ['a value folded with a tab', '400', get('/', 'X-A: b\r\n\tc\r\n')],
]

/** Too long to be sent in as many ways as the others. */
export const OVERSIZE_REQUESTS: readonly WireAttack[] = [
  ['more fields than the parser reads', '431', get('/', 'X-A: b\r\n'.repeat(101))],
  ['a field over the limit', '431 headers_too_large', get('/', `X-A: ${'b'.repeat(16_384)}\r\n`)],
  [
    'a dropped field over the limit',
    '431 headers_too_large',
    get('/', `X_A: ${'b'.repeat(16_384)}\r\n`),
  ],
  [
    'fields over the limit together',
    '431 headers_too_large',
    get('/', `X-A: ${'b'.repeat(1_000)}\r\n`.repeat(17)),
  ],
  ['a field that no parser should hold', '431', get('/', `X-A: ${'b'.repeat(200_000)}\r\n`)],
  ['a path over the limit', '414 uri_too_long', get(`/${'a'.repeat(8_192)}`)],
  ['a query over the limit', '414 uri_too_long', get(`/?${'a'.repeat(8_192)}`)],
  [
    'a body that is declared over the limit',
    '413 payload_too_large',
    `POST /form HTTP/1.1\r\n${HOST}${FIELDS}Content-Length: 10485761\r\n\r\n`,
  ],
]

/** Heads for whose end the parser waits: nothing is answered, and the connection is cut. */
export const UNFINISHED_HEADS: readonly (readonly [name: string, bytes: string])[] = [
  ['half a request line', `GET /${MARK}`],
  ['half a head', `GET / HTTP/1.1\r\n${HOST}${FIELDS}`],
  ['a bare carriage return in a value', get('/', 'X-A: b\rX-B: c\r\n')],
  ['an empty line before the request', `\r\n${SMUGGLED}`],
]
