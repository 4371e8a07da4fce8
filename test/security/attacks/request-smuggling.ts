/**
 * Requests that two programs could cut in two places (RFC 9112 §6, §11.2; CWE-444): what one of
 * them takes for a body, the other takes for a request that was never checked.
 */
import {
  get,
  HOST,
  MARK,
  type ParserRefusal,
  type Refusal,
  SMUGGLED,
  type WireAttack,
} from './attack.ts'

function post(fields: string, body = ''): string {
  return `POST /form HTTP/1.1\r\n${HOST}X-Mark: ${MARK}\r\n${fields}\r\n${body}`
}

/** A request that is as it should be, so that its bytes alone may reach an upstream. */
function goodPost(fields: string, body: string): string {
  return `POST /form HTTP/1.1\r\n${HOST}${fields}\r\n${body}`
}

const FRAMINGS: readonly (readonly [
  name: string,
  answer: Refusal | ParserRefusal,
  fields: string,
])[] = [
  [
    'two lengths, the smaller first',
    '400 invalid_request',
    'Content-Length: 0\r\nContent-Length: 5\r\n',
  ],
  [
    'two lengths, the larger first',
    '400 invalid_request',
    'Content-Length: 5\r\nContent-Length: 0\r\n',
  ],
  ['the same length twice', '400 invalid_request', 'Content-Length: 5\r\nContent-Length: 5\r\n'],
  [
    'a length twice, in two cases',
    '400 invalid_request',
    'content-length: 0\r\nCONTENT-LENGTH: 5\r\n',
  ],
  ['a list of lengths', '400', 'Content-Length: 5, 5\r\n'],
  ['an empty length', '400 invalid_request', 'Content-Length: \r\n'],
  ['a length with a plus', '400', 'Content-Length: +5\r\n'],
  ['a negative length', '400', 'Content-Length: -5\r\n'],
  ['a hexadecimal length', '400', 'Content-Length: 0x5\r\n'],
  ['a length with an exponent', '400', 'Content-Length: 5e0\r\n'],
  ['a length with a fraction', '400', 'Content-Length: 5.0\r\n'],
  ['a length with a letter behind', '400', 'Content-Length: 5a\r\n'],
  ['a length of two numbers', '400', 'Content-Length: 5 5\r\n'],
  ['a length in quotes', '400', 'Content-Length: "5"\r\n'],
  ['a length beyond 64 bits', '400', 'Content-Length: 18446744073709551621\r\n'],
  ['a length with a byte beyond ASCII inside', '400', 'Content-Length: 5\xa05\r\n'],
  ['a length with NUL', '400', 'Content-Length: 5\0\r\n'],
  ['a length with a vertical tab', '400', 'Content-Length: \x0b5\r\n'],
  ['a length behind a space and before a colon', '400', 'Content-Length : 5\r\n'],
  ['a length on a folded line', '400', 'Content-Length:\r\n 5\r\n'],
  ['a coding other than chunked', '400 invalid_request', 'Transfer-Encoding: gzip\r\n'],
  ['a coding that begins like chunked', '400 invalid_request', 'Transfer-Encoding: chunkedx\r\n'],
  ['a coding that ends like chunked', '400 invalid_request', 'Transfer-Encoding: xchunked\r\n'],
  ['a coding before chunked', '400 invalid_request', 'Transfer-Encoding: gzip, chunked\r\n'],
  ['a coding behind chunked', '400 invalid_request', 'Transfer-Encoding: chunked, identity\r\n'],
  ['chunked with a comma behind', '400 invalid_request', 'Transfer-Encoding: chunked,\r\n'],
  ['chunked with a parameter', '400 invalid_request', 'Transfer-Encoding: chunked;q=1\r\n'],
  ['chunked in quotes', '400 invalid_request', 'Transfer-Encoding: "chunked"\r\n'],
  ['identity as coding', '400 invalid_request', 'Transfer-Encoding: identity\r\n'],
  ['an empty coding', '400 invalid_request', 'Transfer-Encoding: \r\n'],
  ['chunked twice in a list', '400 invalid_request', 'Transfer-Encoding: chunked, chunked\r\n'],
  [
    'chunked twice',
    '400 invalid_request',
    'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n',
  ],
  [
    'chunked and identity',
    '400 invalid_request',
    'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n',
  ],
  ['a coding behind a vertical tab', '400', 'Transfer-Encoding: \x0bchunked\r\n'],
  ['a coding behind a space and before a colon', '400', 'Transfer-Encoding : chunked\r\n'],
  ['a coding on a folded line', '400', 'Transfer-Encoding:\r\n chunked\r\n'],
  ['a coding behind a bare line feed', '400', 'X-A: b\nTransfer-Encoding: chunked\r\n'],
  ['chunked with a length', '400', 'Transfer-Encoding: chunked\r\nContent-Length: 5\r\n'],
  ['a length with chunked', '400', 'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n'],
  [
    'a length with chunked in another case',
    '400',
    'Content-Length: 5\r\nTransfer-Encoding: cHuNkEd\r\n',
  ],
  [
    'a length with a coding other than chunked',
    '400',
    'Content-Length: 5\r\nTransfer-Encoding: gzip\r\n',
  ],
  ['an unknown expectation', '400 invalid_request', 'Content-Length: 5\r\nExpect: 200-maybe\r\n'],
]

/** Each by itself, and with what might be its body and a request behind it. */
export const AMBIGUOUS_FRAMINGS: readonly WireAttack[] = FRAMINGS.flatMap(
  ([name, answer, fields]): WireAttack[] => [
    [name, answer, post(fields)],
    [`${name}, and a request behind`, answer, post(fields, `0\r\n\r\n${SMUGGLED}`)],
  ],
)

/**
 * A request that may be served or refused, and one behind it that never may be served. Whether
 * the connection is closed at once, or kept because the parser takes what follows for the rest of a
 * body.
 */
export type BytesBehind = readonly [name: string, end: 'closed' | 'kept', bytes: string]

const CHUNKED = 'Transfer-Encoding: chunked\r\n'
const H2C =
  'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n'
const WEB_SOCKET =
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'

const CHUNKS: readonly (readonly [name: string, end: 'closed' | 'kept', body: string])[] = [
  ['a chunked body', 'closed', '3\r\nabc\r\n0\r\n\r\n'],
  ['a chunked body without anything in it', 'closed', '0\r\n\r\n'],
  ['a trailer', 'closed', '3\r\nabc\r\n0\r\nX-A: b\r\n\r\n'],
  ['a chunk size that is no number', 'closed', 'zz\r\nabc\r\n0\r\n\r\n'],
  ['a negative chunk size', 'closed', '-1\r\nabc\r\n0\r\n\r\n'],
  ['a chunk size with 0x', 'closed', '0x3\r\nabc\r\n0\r\n\r\n'],
  ['a chunk size beyond 64 bits', 'closed', '10000000000000003\r\nabc\r\n0\r\n\r\n'],
  ['a chunk that is longer than its size', 'closed', '3\r\nabcd\r\n0\r\n\r\n'],
  ['chunks with bare line feeds', 'closed', '3\nabc\n0\n\n'],
  ['a chunk extension', 'kept', '3;a=b\r\nabc\r\n0\r\n\r\n'],
  ['a chunk extension without a name', 'kept', '3;\r\nabc\r\n0\r\n\r\n'],
]

/** What may have two readings, and a request that is only there in one of them. */
export const REQUESTS_BEHIND: readonly BytesBehind[] = [
  ...CHUNKS.map(
    ([name, end, body]): BytesBehind => [name, end, goodPost(CHUNKED, `${body}${SMUGGLED}`)],
  ),
  ['an unknown method', 'closed', `BREW / HTTP/1.1\r\n${HOST}\r\n${SMUGGLED}`],
  [
    'an upgrade to h2c and its preface',
    'closed',
    `GET / HTTP/1.1\r\n${HOST}${H2C}\r\nPRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${SMUGGLED}`,
  ],
  ['an upgrade to a web socket', 'closed', `GET / HTTP/1.1\r\n${HOST}${WEB_SOCKET}\r\n${SMUGGLED}`],
  [
    'an announced end of the connection',
    'closed',
    `GET / HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n${SMUGGLED}`,
  ],
  [
    'an announced end of the connection among other options',
    'closed',
    `GET / HTTP/1.1\r\n${HOST}Connection: close, X-User-Id\r\n\r\n${SMUGGLED}`,
  ],
  [
    'an announced end of the connection as the last option',
    'closed',
    `GET / HTTP/1.1\r\n${HOST}Connection: x-user-id , CLOSE\r\n\r\n${SMUGGLED}`,
  ],
]

/**
 * Requests to upgrade that are served as if they asked for nothing. What comes together with one
 * may be meant for the other protocol, and is never served; what comes once the answer says that
 * there is none is a request like any other.
 */
export const IGNORED_UPGRADES: readonly (readonly [name: string, head: string])[] = [
  ['to h2c', `GET / HTTP/1.1\r\n${HOST}${H2C}\r\n`],
  // What is behind it could be served within the very turn in which this is answered.
  ['to h2c, of what the gateway itself answers', `GET /health/live HTTP/1.1\r\n${HOST}${H2C}\r\n`],
  ['that Connection does not name', `GET / HTTP/1.1\r\n${HOST}Upgrade: h2c\r\n\r\n`],
  ['to TLS', `GET / HTTP/1.1\r\n${HOST}Connection: Upgrade\r\nUpgrade: TLS/1.2\r\n\r\n`],
  ['of a POST to a web socket', goodPost(WEB_SOCKET, '')],
]

/**
 * What the native parser takes off a value before anything can see it. It is read without those
 * bytes, and sent on without them.
 */
export const CUT_OFF_VALUES: readonly (readonly [name: string, request: string])[] = [
  ['a length behind a byte beyond ASCII', goodPost('Content-Length: \xff2\r\n', 'ok')],
  ['a length before a byte beyond ASCII', goodPost('Content-Length: 2\xa0\r\n', 'ok')],
  [
    'chunked behind a byte beyond ASCII',
    goodPost('Transfer-Encoding: \xffchunked\r\n', '2\r\nok\r\n0\r\n\r\n'),
  ],
]

/** An honest request with a body, to be served. */
export const GOOD_POST = post('Content-Length: 2\r\n', 'ok')

/** An honest request, to be served. */
export const GOOD_GET = get('/good')
