/**
 * Fuzz target: the head of a request as the native parser hands it up. The first line is the
 * target, each of the others a field.
 */
import assert from 'node:assert/strict'
import { RequestSnapshotReader } from '../../src/server/request-snapshot.ts'
import type { Fields } from '../support/gateway-answer.ts'
import { HEAD_LIMITS, readHead, STRICT_RULES, trimmed } from '../support/read-head.ts'
import { slowRequestHead } from '../support/slow-request-head.ts'

export const dictionary = [
  ...['\nhost: a', '\ncontent-length: 5', '\ntransfer-encoding: chunked', '\nupgrade: h2c', '0x5'],
  ...['\nconnection: close', 'keep-alive, close', '\nexpect: 100-continue', 'chunked, chunked'],
  ...[
    '\nx_user_id: a',
    '\nx.user.id: a',
    ': ',
    '\t',
    '\0',
    '\r',
    '\x7f',
    '\xff',
    '+5',
    '5,5',
    ' 5',
  ],
  ...['[::1]', ':80', ':', 'a.', '@', '/', '?', '%2e%2e', '..;', '#', '//', 'a:99999'],
  ...['x: 1\n'.repeat(60), '5'.repeat(16), '1048577', '\nhost: ', 'Content-Length'],
]

/** One for all inputs, as one serves all requests of a thread: nothing of the last may be left. */
const reader = new RequestSnapshotReader(HEAD_LIMITS, STRICT_RULES)

export function fuzz(input: Uint8Array): string {
  const [target = '', ...lines] = Buffer.from(input).toString('latin1').split('\n')
  const fields: Fields = lines.map((line) => {
    const colon = line.indexOf(':')
    const [name, value] = colon === -1 ? [line, ''] : [line.slice(0, colon), line.slice(colon + 1)]
    return [name.toLowerCase(), trimmed(value)]
  })
  const head = readHead('GET', target, fields, reader)
  const expected = slowRequestHead(target, fields)
  if (typeof expected === 'string' || typeof head === 'string') {
    assert.equal(head, expected)
    return String(head)
  }
  assert.deepEqual(head, expected.head)
  assert.equal(reader.mustClose, expected.mustClose)
  assert.equal(reader.mustWait, expected.mustWait)
  if (expected.mustClose) return 'served, then closed'
  return expected.mustWait ? 'served in a later turn' : 'served'
}
