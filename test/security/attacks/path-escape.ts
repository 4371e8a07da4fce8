/**
 * Targets that an upstream might resolve to another path than the one that was checked (RFC 9112
 * §3, RFC 3986 §3.3, §5.2.4; CWE-22, CWE-41).
 */
import { get, HOST, MARK, type WireAttack } from './attack.ts'

/** Refused wherever they lead. */
const TARGETS: Readonly<Record<string, readonly string[]>> = {
  'a byte that no target has': [
    '/a\x7fb',
    '/\xff',
    '/caf\xc3\xa9',
    '/a\\b',
    '/a|\xa0b',
    '/a?\x7f',
    '/a?\xff',
  ],
  'a fragment': ['/a#b', '/a#', '/#', '/a?b#c', '/public#/../admin'],
  'an encoded slash': ['/a%2fb', '/a%2Fb', '/%2Fa', '/a%2f'],
  'an encoded backslash': ['/a%5Cb', '/a%5cb', '/..%5ca'],
  'an encoded dot': ['/a%2eb', '/%2e%2e/a', '/%2E%2E/a', '/.%2e/a', '/a/%2e', '/%2e'],
  'an encoded control character': [
    '/a%00',
    '/a%00.html',
    '/a%0d%0a',
    '/a%0AX',
    '/a%1f',
    '/a%7f',
    '/a%09',
  ],
  'dot segments': ['/a/../b', '/../b', '/a/./b', '/..', '/.', '/a/..', '/a/.', '/./a'],
  'empty segments': ['/a//b', '//a', '//', '/a//', '///'],
  'parameters behind dots': ['/..;/a', '/a/..;x=y/b', '/.;/a', '/a/..;', '/..%3b/a', '/.%3B/a'],
  'a parameter without a name': ['/;/a', '/a/;x/b', '/;', '/%3b/a'],
  'an encoding that is none': ['/a%', '/a%2', '/a%zz', '/a%u002f', '/%', '/a%%2f'],
}

/** Forms of a target that are no path, and bytes for which the parser ends the request line. */
const UNREADABLE_TARGETS: readonly string[] = [
  'http://a/b',
  'a',
  'a:80',
  '?a',
  '#a',
  '/a b',
  '/a\tb',
  '/a\0b',
  '/a\x01b',
  '/a\x1fb',
]

export const ESCAPING_TARGETS: readonly WireAttack[] = [
  ...Object.entries(TARGETS).flatMap(([name, targets]) =>
    targets.map(
      (target): WireAttack => [
        `${name}: ${JSON.stringify(target)}`,
        '400 invalid_request',
        get(target),
      ],
    ),
  ),
  ...UNREADABLE_TARGETS.map(
    (target): WireAttack => [`no path: ${JSON.stringify(target)}`, '505', get(target)],
  ),
  ['no path: *', '505', `OPTIONS * HTTP/1.1\r\n${HOST}X-Mark: ${MARK}\r\n\r\n`],
  ['no target', '505', `GET  HTTP/1.1\r\n${HOST}X-Mark: ${MARK}\r\n\r\n`],
]

/**
 * Refused because a service that is less strict takes them for paths of another route. For the
 * routes of forward-auth-bypass.ts; some lead to the gateway's own `/health/live`.
 */
export const AMBIGUOUS_PATHS: readonly string[] = [
  '/api/Admin/users',
  '/API/admin/users',
  '/api/ADMIN',
  '/api/%2561dmin/users',
  '/api/admin./users',
  '/api/admin%20/users',
  '/api/admin.%20',
  '/api/%2541dmin.;x/users',
  '/api/admin;x/users',
  '/api/x/%252e%252e/admin',
  '/api/adm%C4%B0n/users',
  '/api/things/%C5%BFettings',
  '/api/things/Settings',
  '/api/admin%3Fx',
  '/api/things/settings;/x',
  '/api/things/settings;a=1/x',
  '/api/things/settings%3B/x',
  '/api/things/settings%250A',
  '/api/%E0%81%A1dmin',
  '/api/%25F0%2580%2581%25A1dmin',
  '/api/admin%EF%BC%9B%FF',
  '/api/admin::$DATA',
  '/Health/live',
  '/health/live;x',
  '/health/%256Cive',
  '/HEALTH/READY/',
]

/** Spellings that every reader takes for the same path: it is matched, and sent, in one of them. */
export const REWRITTEN_PATHS: Readonly<Record<string, string>> = {
  '/%75sers/%7ea': '/users/~a',
  '/%61%2D%5f': '/a-_',
  '/caf%c3%a9': '/caf%C3%A9',
  '/a%3bb': '/a%3Bb',
  '/a%252fb': '/a%252fb',
}
