import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { splitRequestFields } from '../../src/proxy/request-fields.ts'

describe('the fields of a request, split', () => {
  it('gives the library what it frames a request by, and all else as text, in order', () => {
    const { framing, lines } = splitRequestFields([
      ...['accept', '*/*', 'host', 'api.example.com', 'x-a', '1'],
      ...['content-length', '2', 'x-a', '', 'hostile', 'host: evil'],
    ])
    assert.deepEqual(framing, ['host', 'api.example.com', 'content-length', '2'])
    assert.equal(lines, '\r\naccept: */*\r\nx-a: 1\r\nx-a: \r\nhostile: host: evil')
  })

  it('leaves nothing to either where there is nothing', () => {
    assert.deepEqual(splitRequestFields([]), { framing: [], lines: '' })
    assert.deepEqual(splitRequestFields(['host', 'a']), { framing: ['host', 'a'], lines: '' })
    assert.equal(splitRequestFields(['a', 'b']).framing.length, 0)
  })

  it('leaves out a name without a value', () => {
    assert.deepEqual(splitRequestFields(['a', 'b', 'c']), { framing: [], lines: '\r\na: b' })
  })
})
