import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { KnownRecords } from '../../src/verifiers/known-records.ts'

const MANY = 4_096

describe('records that are known', () => {
  it('are known under their key and with the very same text alone', () => {
    const known = new KnownRecords<number>()
    known.keep('a', 'text', 1)
    assert.equal(known.recall('a', 'text'), 1)
    assert.equal(known.recall('a', 'Text'), null)
    assert.equal(known.recall('b', 'text'), null)
    known.keep('a', 'other', 2)
    assert.equal(known.recall('a', 'text'), null)
    assert.equal(known.recall('a', 'other'), 2)
  })

  it('are forgotten when the record has become too long to keep', () => {
    const known = new KnownRecords<number>()
    const long = 'x'.repeat(MANY + 1)
    known.keep('a', 'text', 1)
    known.keep('a', long, 2)
    assert.equal(known.recall('a', long), null)
    assert.equal(known.recall('a', 'text'), null)
  })

  it('are bounded in number: the one that was read first goes', () => {
    const known = new KnownRecords<number>()
    for (let number = 0; number < MANY; number += 1) known.keep(`key ${number}`, 'text', number)
    known.keep('key 0', 'newer text', 0)
    known.keep('one more', 'text', -1)
    assert.equal(known.recall('key 1', 'text'), null)
    assert.equal(known.recall('key 0', 'newer text'), 0)
    assert.equal(known.recall('key 2', 'text'), 2)
    assert.equal(known.recall('one more', 'text'), -1)
  })
})
