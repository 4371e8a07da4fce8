/** As what a user is counted, however the name is written. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { bodyField } from '../../src/rate-limit/body-field.ts'

const LENGTH_MAX = 256

function read(body: string, type: string): string {
  const field = bodyField(Buffer.from(body), true, type, 'username')
  return field.kind === 'value' ? `=${field.value}` : field.reason.replace('limit_field_', '')
}

const json = (body: string) => read(body, 'application/json')
const form = (body: string) => read(body, 'application/x-www-form-urlencoded')

describe('the value that is counted', () => {
  it('is one for all spellings of a name: composed, trimmed, in lower case', () => {
    const spellings = ['Zoë', 'zoe\u0308', ' ZOË\t', '\u00a0zo\u00cb\u2003', 'ＺＯË', 'zoë\ufeff']
    for (const spelling of spellings) {
      assert.equal(json(JSON.stringify({ username: spelling })), '=zoë', spelling)
      assert.equal(form(String(new URLSearchParams({ username: spelling }))), '=zoë', spelling)
    }
    assert.equal(json('{"username":" \\u3000\\n "}'), 'absent')
  })

  it('is kept up to 256 characters, and a digest of one that is longer', () => {
    const longest = 'a'.repeat(LENGTH_MAX)
    assert.equal(form(`username=${longest}`), `=${longest}`)
    const digest = form(`username=${longest}b`)
    assert.match(digest, /^=SHA-256 [\w-]{43}$/)
    assert.equal(form(`username=${longest.toUpperCase()}B+`), digest)
    assert.notEqual(form(`username=${longest}c`), digest)
    const long = { composed: 'é'.repeat(600), decomposed: 'e\u0301'.repeat(600) }
    assert.notEqual(form(`username=${long.composed}`), form(`username=${long.decomposed}`))
    // Typed in, it is another value.
    assert.notEqual(form(`username=${encodeURIComponent(digest.slice(1))}`), digest)
  })
})
