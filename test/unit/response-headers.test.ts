import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { withholdField } from '../../src/proxy/field-name-table.ts'
import { type ResponseHead, readResponseHead } from '../../src/proxy/response-headers.ts'

function read(
  fields: readonly (string | Buffer)[],
  answerHeaders: readonly string[] = [],
  withheldField: string | null = null,
): ResponseHead | null {
  const raw = fields.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part))
  const head: ResponseHead = { headers: [], contentLength: null }
  return readResponseHead(raw, answerHeaders, withheldField, head) ? head : null
}

describe('response fields that go to the client (RFC 9110 §7.6.1)', () => {
  it('keeps end-to-end fields, their case and their order, repeated ones too', () => {
    const fields = ['Content-Type', 'text/plain', 'Set-Cookie', 'a=1', 'set-cookie', 'b=2']
    assert.deepEqual(read(fields)?.headers, fields)
  })

  it('withholds the one field that is for answers of the gateway, in any case', () => {
    const raw = ['X-CODE', '1', 'x-code', '2', 'X-Code-2', '3']
    // Names that have been seen already are told apart as well.
    assert.deepEqual(read(raw, [], 'x-code')?.headers, raw)
    withholdField('x-code')
    assert.deepEqual(read(raw, [], 'x-code')?.headers, ['X-Code-2', '3'])
    assert.deepEqual(read(raw)?.headers, raw)
    assert.deepEqual(read(raw, [], 'x-other')?.headers, raw)
    assert.deepEqual(read(raw, ['x-code', 'own'])?.headers, ['x-code', 'own', 'X-Code-2', '3'])
  })

  it('removes hop-by-hop fields and those that the server sets itself', () => {
    const fields: string[] = []
    for (const name of [
      'Connection',
      'Keep-Alive',
      'Proxy-Authenticate',
      'Proxy-Connection',
      'TE',
      'Trailer',
      'Transfer-Encoding',
      'Upgrade',
      'Date',
      'DATE',
    ]) {
      fields.push(name, 'close')
    }
    assert.deepEqual(read(fields)?.headers, [])
  })

  it('removes what Connection names, but never what the gateway itself adds', () => {
    const fields = ['X-Hop', '1', 'Connection', 'close, x-hop, x-request-id', 'X-Kept', '2']
    const own = ['x-request-id', 'mine']
    assert.deepEqual(read(fields, own)?.headers, ['x-request-id', 'mine', 'X-Kept', '2'])
  })

  it('drops the upstream’s copy of a field that the gateway sets, in any case', () => {
    const head = read(['X-Request-ID', 'theirs', 'X-Other', '1'], ['x-request-id', 'mine'])
    assert.deepEqual(head?.headers, ['x-request-id', 'mine', 'X-Other', '1'])
  })

  it('does not change the list of the gateway’s own fields', () => {
    const own = ['x-request-id', 'mine']
    read(['X-Other', '1'], own)
    assert.deepEqual(own, ['x-request-id', 'mine'])
  })

  it('reads the length as a number and does not relay it as a field', () => {
    const head = read(['Content-Length', '1234'])
    assert.equal(head?.contentLength, 1234)
    assert.deepEqual(head?.headers, [])
  })

  it('refuses two lengths, equal ones too, and a length that is no number (RFC 9112 §6.3)', () => {
    assert.equal(read(['content-length', '1', 'Content-Length', '1']), null)
    assert.equal(read(['content-length', '1', 'x', 'y', 'Content-Length', '2']), null)
    for (const value of ['', '-1', '+1', '1x', '0x1', '1,1', '1 ', '9'.repeat(16)]) {
      assert.equal(read(['content-length', value]), null, value)
    }
  })

  it('drops a field whose name is not a token (§5.1)', () => {
    for (const name of ['', 'x y', 'x:', 'x\r\ny', 'x\0', 'é']) {
      assert.deepEqual(read([name, 'value'])?.headers, [], JSON.stringify(name))
    }
  })

  it('removes every byte that could split a response from a value', () => {
    const head = read(['x-split', 'a\r\nset-cookie: sid=evil\0\x7f\x1b'])
    assert.deepEqual(head?.headers, ['x-split', 'aset-cookie: sid=evil'])
  })

  it('relays bytes beyond ASCII as they came, whatever their encoding', () => {
    const utf8 = Buffer.from('attachment; filename="grüße.txt"', 'utf8')
    assert.deepEqual(read(['x', utf8])?.headers, ['x', utf8.toString('latin1')])
    const latin1 = Buffer.from([0xa0, 0x61, 0xe9, 0x62, 0x85])
    assert.deepEqual(read(['x', latin1])?.headers, ['x', '\xa0a\xe9b\x85'])
  })

  it('never lets a control character through, whatever the upstream sends', () => {
    const bytes = fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array))
    fc.assert(
      fc.property(fc.array(fc.tuple(bytes, bytes), { maxLength: 8 }), (fields) => {
        for (const text of read(fields.flat())?.headers ?? []) {
          for (const character of text) {
            const point = character.codePointAt(0) ?? 0
            assert.ok(point >= 0x20 || point === 0x09, JSON.stringify(text))
            assert.notEqual(point, 0x7f)
          }
        }
      }),
      { numRuns: 1_000 },
    )
  })

  it('tells names apart that share a place in its table', () => {
    const names: string[] = []
    for (let index = 0; index < 2_000; index += 1) names.push(`x-${index}`)
    for (let pass = 0; pass < 2; pass += 1) {
      for (const name of names) assert.deepEqual(read([name, 'v'])?.headers, [name, 'v'])
    }
  })

  it('treats a name too long for its table like any other', () => {
    const name = `x-${'a'.repeat(100)}`
    assert.deepEqual(read([name, 'v', name, 'w'])?.headers, [name, 'v', name, 'w'])
  })
})
