/**
 * Session cookies that were guessed, fixed, tossed over from another page, or written for the store
 * behind the gateway (RFC 6265bis §8; CWE-384, CWE-565, CWE-943).
 */

import { expressSignature } from '../../support/express-cookie.ts'
import type { Fields } from '../../support/gateway-answer.ts'
import { newSessionId, sha256 } from '../../support/stored-credentials.ts'
import type { ParserRefusal, Refusal } from './attack.ts'

export interface SessionIds {
  /** A live session of the user who is attacked. */
  readonly victim: string
  /** A live session of the attacker. */
  readonly attacker: string
}

export type SessionAttack = readonly [name: string, answer: Refusal | ParserRefusal, fields: Fields]

const COOKIE = '__Host-sid'

function cookie(...pairs: readonly string[]): Fields {
  return [['Cookie', pairs.join('; ')]]
}

/** Values that are no id: the store must not hear of them. */
export function malformedIds({ victim }: SessionIds): readonly SessionAttack[] {
  const values: Readonly<Record<string, string>> = {
    'a glob alone': '*',
    'a glob for any id': '*'.repeat(22),
    'a glob behind the beginning of an id': `${victim.slice(0, 30)}*`,
    'a glob for one character': `${victim.slice(0, -1)}?`,
    'a class of characters': `${victim.slice(0, -5)}[a-z]`,
    'an encoded CR LF': `${victim}%0D%0ADEL`,
    'a command behind an encoded line end': `${victim}%0d%0aFLUSHALL%0d%0a`,
    'an encoded NUL': `${victim}%00`,
    'an encoded id': victim.replace(/^./, (first) => `%${first.charCodeAt(0).toString(16)}`),
    'a path': `../../${victim}`,
    'the key of the store': `sess:${sha256(victim)}`,
    'a hash tag of a cluster': `{${victim}}`,
    'an id in quotes': `"${victim}"`,
    'an id with a space in it': `${victim.slice(0, 22)} ${victim.slice(22)}`,
    'two ids': `${victim},${victim}`,
    'an id with padding': `${victim}=`,
    'the other alphabet of base64': `${victim.slice(0, -2)}+/`,
    'an id that is too short': victim.slice(0, 21),
    'an id that is too long': 'a'.repeat(129),
    'an id of 8 KB': 'a'.repeat(8_192),
    'a signed id of another format': `s%3A${victim}.c2lnbmF0dXJl`,
    JSON: `{"$gt":""}`,
    __proto__: '__proto__',
  }
  return Object.entries(values).map(
    ([name, value]): SessionAttack => [
      name,
      '401 invalid_session_format',
      cookie(`${COOKIE}=${value}`),
    ],
  )
}

/** Refused before anything knows that they are cookies, or because there is not one of them. */
export function ambiguousCookies({ victim, attacker }: SessionIds): readonly SessionAttack[] {
  const [one, other] = [`${COOKIE}=${victim}`, `${COOKIE}=${attacker}`]
  const rows: Readonly<Record<string, Fields>> = {
    'two cookies of one name, the attacker’s first': cookie(other, one),
    'two cookies of one name, the attacker’s last': cookie(one, other),
    'two cookies with others between': cookie(one, 'a=b', '__Host-sidx=c', other),
    'two fields, the attacker’s first': [...cookie(other), ...cookie(one)],
    'two fields, the attacker’s last': [...cookie(one), ...cookie(other)],
    'two good ones and a malformed one': cookie(one, `${COOKIE}=*`, other),
    'more than are looked at': cookie(one, ...Array.from('abcdefgh', (it) => `${COOKIE}=${it}`)),
    'one without blanks between': [['Cookie', `${one};${other}`]],
    'one behind a quote that is not closed': cookie('a="b', other, one),
    'one behind an empty pair': [['Cookie', `${other}; ; ${one}`]],
    'one behind a tab': [['Cookie', `${other};\t${one}`]],
  }
  return [
    ...Object.entries(rows).map(
      ([name, fields]): SessionAttack => [name, '400 invalid_request', fields],
    ),
    ['a line feed in the id', '400', cookie(`${COOKIE}=${victim}\nX-User-Id: root`)],
    ['CR LF and a space in the id', '400', cookie(`${COOKIE}=${victim}\r\n DEL`)],
    ['NUL behind the id', '400', cookie(`${COOKIE}=${victim}\0`)],
    [
      'a byte beyond ASCII in the id',
      '401 invalid_session_format',
      cookie(`${COOKIE}=\xe9${victim}`, 'a=b'),
    ],
  ]
}

/** Cookies that a page of another host can set, under names that only look like the right one. */
export function lookAlikes({ attacker }: SessionIds): readonly SessionAttack[] {
  const names = [
    ...['__host-sid', '__HOST-SID', '__Host-SID', '__Secure-sid', 'sid', '__Host-sid2'],
    ...['__Host-sid ', '$__Host-sid', '__Host_sid', '"__Host-sid"', '__Host-sid[]', 'X__Host-sid'],
    ...['%5F%5FHost-sid', 'connect.sid'],
  ]
  return [
    ...names.map(
      (name): SessionAttack => [
        `a cookie called ${JSON.stringify(name)}`,
        '401 no_session',
        cookie(`${name}=${attacker}`),
      ],
    ),
    ['a cookie without a name', '401 no_session', cookie(`=${COOKIE}=${attacker}`)],
    ['a cookie within a cookie', '401 no_session', cookie(`a=${COOKIE}=${attacker}`)],
    ['a name without a value', '401 no_session', cookie(COOKIE)],
    ['an empty cookie', '401 no_session', cookie(`${COOKIE}=`)],
    ['the id in a field of its own', '401 no_session', [[COOKIE, attacker]]],
    [
      'the cookie in a field with an underscore',
      '401 no_session',
      [['X_Cookie', `${COOKIE}=${attacker}`]],
    ],
    [
      'the cookie as an answer sets it',
      '401 no_session',
      [['Set-Cookie', `${COOKIE}=${attacker}`]],
    ],
    ['the cookie of an older standard', '401 no_session', [['Cookie2', `${COOKIE}=${attacker}`]]],
  ]
}

/** What is beside the victim's cookie cannot be ours: it must not lock the victim out. */
export function tossedCookies({
  victim,
  attacker,
}: SessionIds): readonly (readonly [string, Fields])[] {
  const one = `${COOKIE}=${victim}`
  return [
    ['the same cookie twice', cookie(one, one)],
    ['the same cookie in two fields', [...cookie(one), ...cookie(one)]],
    ['a malformed one behind it', cookie(one, `${COOKIE}=*`)],
    ['a malformed one before it', cookie(`${COOKIE}=*`, one)],
    ['another session in a quoted cookie', cookie(`a="x; ${COOKIE}=${attacker}"`, one)],
    ['a huge one before it', cookie(`${COOKIE}=${'a'.repeat(2_000)}`, one)],
    ['as many as are looked at', cookie(...Array.from('abcdefg', (it) => `${COOKIE}=${it}`), one)],
  ]
}

/** Ids that an attacker has chosen, or seen somewhere: no session has them, and none gets them. */
export function fixedIds({ victim }: SessionIds): readonly SessionAttack[] {
  const ids: Readonly<Record<string, string>> = {
    'an id that was made up before the sign-in': newSessionId(),
    'an id of one letter': 'a'.repeat(43),
    'the digest of a live id, from a log or an upstream': sha256(victim),
    'a live id in another case': swapCase(victim),
    'a live id with a letter more': `${victim}A`,
    'the beginning of a live id': victim.slice(0, -1),
  }
  return Object.entries(ids).map(
    ([name, id]): SessionAttack => [name, '401 session_not_found', cookie(`${COOKIE}=${id}`)],
  )
}

function swapCase(text: string): string {
  return text.replace(/[a-z]/i, (letter) => {
    return letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase()
  })
}

/** Of the signed cookie of express-session, with signatures that its login service has not made. */
export function forgedCookies(ids: SessionIds, secret: string): readonly SessionAttack[] {
  const { victim, attacker } = ids
  const signature = (id: string, by = secret) => expressSignature(id, by)
  const signed = (id: string, by: string) => `s%3A${id}.${encodeURIComponent(by)}`
  const good = signature(victim)
  const values: Readonly<Record<string, string>> = {
    'no signature': victim,
    'no signature behind the mark of one': `s%3A${victim}`,
    'an empty signature': `s%3A${victim}.`,
    'the signature of another session': signed(victim, signature(attacker)),
    'the signature of another secret': signed(victim, signature(victim, 'keyboard cat')),
    'the signature of an empty secret': signed(victim, signature(victim, '')),
    'a signature without its last character': signed(victim, good.slice(0, -1)),
    'a signature with padding': signed(victim, `${good}=`),
    'a signature in another alphabet': signed(victim, `${good.slice(0, -1)}-`),
    'a signature of the mark as well': signed(victim, signature(`s:${victim}`)),
    'a signature and no mark': `${victim}.${encodeURIComponent(good)}`,
    'a signature behind another one': `s%3A${victim}.${encodeURIComponent(`${good}.${good}`)}`,
    'a mark in upper case': `S%3A${victim}.${encodeURIComponent(good)}`,
    'the mark of JSON': `j%3A%7B%22id%22%3A%22${victim}%22%7D`,
    'an encoding that is none': `s%3A${victim}.%zz`,
    'a signed id with a glob': signed('*', signature('*')),
    'a signed id with a line end': signed(`${victim}%0D%0A`, signature(`${victim}\r\n`)),
    'a signed key of another kind': signed('user:victim', signature('user:victim')),
  }
  return Object.entries(values).map(
    ([name, value]): SessionAttack => [
      name,
      '401 invalid_session_format',
      [['Cookie', `connect.sid=${value}`]],
    ],
  )
}
