/** What a stored session comes to. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { byPart } from '../../src/protocol/identity-parts.ts'
import { expressSessionFormat } from '../../src/verifiers/session/express-session-format.ts'
import { SALLYPORT_FORMAT } from '../../src/verifiers/session/sallyport-format.ts'

const EXPRESS = expressSessionFormat(['a secret'], {
  userId: '/passport/user',
  ...byPart(({ record }) => `/${record}`),
  createdAt: null,
})

function userOf(text: string, format = EXPRESS): string {
  const record = format.readRecord(text, 'id')
  if (record.kind === 'refused') return record.reason
  return record.kind === 'record' ? record.identity.subject : record.kind
}

const express = (user: string) => userOf(`{"cookie":{},"passport":{"user":${user}}}`)

describe('the user of an express-session record', () => {
  it('may be an integer, which is taken as its decimal text', () => {
    assert.equal(express('42'), '42')
    assert.equal(express('0'), '0')
    assert.equal(express('-1'), '-1')
    assert.equal(express('9007199254740991'), '9007199254740991')
    assert.equal(express('"42"'), '42')
  })

  it('is unreadable when two of them could read as one, or of any other type', () => {
    for (const user of ['9007199254740993', '1.5', '1e30', 'true', '[7]', '{"id":7}']) {
      assert.equal(express(user), 'session_user_mistyped', user)
    }
  })

  it('is never what a list has by itself, such as its length', () => {
    const pointers = byPart(({ record }) => `/${record}`)
    const places = ['/users/length', '/users/0', '/users/00', '/users/-'].map((userId) => {
      const format = expressSessionFormat(['a secret'], { userId, ...pointers, createdAt: null })
      return userOf('{"users":["alice","bob"]}', format)
    })
    assert.deepEqual(places, ['anonymous', 'alice', 'anonymous', 'anonymous'])
  })

  it('is anonymous when there is none', () => {
    for (const text of ['{}', '{"passport":{}}', '{"passport":null}', '{"passport":{"user":""}}']) {
      assert.equal(userOf(text), 'anonymous', text)
    }
  })
})

describe('the user of a record of the format sallyport', () => {
  it('is text and nothing else', () => {
    assert.equal(userOf('{"userId":"7"}', SALLYPORT_FORMAT), '7')
    assert.equal(userOf('{"userId":7}', SALLYPORT_FORMAT), 'session_user_mistyped')
  })
})

describe('a session record that a later version has written', () => {
  it('is served without the members that are not known here', () => {
    const text = '{"version":1,"userId":"alice","assurance":{"level":2},"devices":["phone"]}'
    assert.equal(userOf(text, SALLYPORT_FORMAT), 'alice')
  })

  it('is not read when its version says that ignoring them would be wrong', () => {
    for (const version of ['2', '"2"', '1.5', '{}', 'true']) {
      const text = `{"version":${version},"userId":"alice"}`
      assert.equal(userOf(text, SALLYPORT_FORMAT), 'session_version_unknown', version)
    }
  })

  it('is told from one of an application, whose version is its own', () => {
    assert.equal(userOf('{"version":2,"passport":{"user":7}}'), '7')
  })
})
