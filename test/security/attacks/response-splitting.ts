/**
 * Answers of an upstream that could be cut in two places, or say more than one answer (RFC 9112
 * §6.3, §11.1; CWE-113): the client gets an answer of the gateway instead, and no other request is
 * harmed.
 */
import { RAW_ANSWERS } from '../../support/upstream-servers.ts'

/** Bytes in an answer that no client may see. */
export const INJECTED = 'evil'

export type SplitAnswer = readonly [name: string, bytes: string]

const OK = 'HTTP/1.1 200 OK\r\n'

function withFields(fields: string, body = INJECTED): string {
  return `${OK}${fields}\r\n${body}`
}

/** Answered with 502 in their place. */
export const BROKEN_ANSWERS: readonly SplitAnswer[] = [
  ['two lengths', RAW_ANSWERS.twoLengths],
  ['the same length twice', RAW_ANSWERS.equalLengthsTwice],
  ['two lengths in a list', withFields('content-length: 4, 4\r\n')],
  ['a length with chunked', RAW_ANSWERS.lengthAndChunked],
  [
    'chunked with a length behind',
    withFields('transfer-encoding: chunked\r\ncontent-length: 4\r\n', '4\r\nevil\r\n0\r\n\r\n'),
  ],
  ['a length that is no number', RAW_ANSWERS.badLength],
  ['a negative length', RAW_ANSWERS.negativeLength],
  ['a length with a plus', withFields('content-length: +4\r\n')],
  ['an empty length', withFields('content-length: \r\n')],
  ['a length beyond 53 bits', RAW_ANSWERS.hugeLength],
  ['101 and bytes of another protocol', RAW_ANSWERS.switching],
  ['101 without fields', RAW_ANSWERS.bareSwitching],
  [
    '101 to h2c',
    'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n\0\0\0\x04\0\0\0\0\0',
  ],
  ['a bare line feed in a field', RAW_ANSWERS.bareLineFeedInHeader],
  ['a bare carriage return in a field', RAW_ANSWERS.bareReturnInHeader],
  ['NUL in a field', RAW_ANSWERS.nulInHeader],
  ['a folded field', withFields('x-split: a\r\n set-cookie: sid=evil\r\ncontent-length: 4\r\n')],
  ['a space before a colon', withFields('content-length : 4\r\n')],
  ['a name with a space', RAW_ANSWERS.badHeaderName],
  ['a status out of range', RAW_ANSWERS.statusOutOfRange],
  ['a status of four digits', 'HTTP/1.1 2000 OK\r\ncontent-length: 4\r\n\r\nevil'],
  ['another protocol', RAW_ANSWERS.notHttp],
  ['another version', 'HTTP/9.9 200 OK\r\ncontent-length: 4\r\n\r\nevil'],
  ['a head that never ends', RAW_ANSWERS.oversizeHead],
  ['interim answers without an end', RAW_ANSWERS.hintsWithoutEnd],
]

/** Answered as they are, without what comes behind. */
export const TRAILING_ANSWERS: readonly SplitAnswer[] = [
  [
    'a 100 that was not asked for, with a field',
    `HTTP/1.1 100 Continue\r\nset-cookie: ${INJECTED}\r\n\r\n${OK}content-length: 2\r\n\r\nok`,
  ],
  ['two answers to one request', RAW_ANSWERS.twoAnswers.replace('stolen', 'evil, ')],
  ['204 with a body', RAW_ANSWERS.noContentWithBody],
  ['304 with a body', RAW_ANSWERS.notModifiedWithBody],
  ['a body longer than its length', `${OK}content-length: 2\r\n\r\nok${INJECTED}`],
  [
    'chunks and an answer behind',
    `${OK}transfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n${OK}x: ${INJECTED}\r\n\r\n`,
  ],
  [
    'a trailer',
    `${OK}transfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nset-cookie: ${INJECTED}\r\n\r\n`,
  ],
]
