/** What a key may be called, a token may call it, and nothing else. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { findKeys } from '../../src/keys/find-keys.ts'
import { emptyKeySet } from '../../src/keys/key-set.ts'
import { isAbsent } from '../../src/protocol/json-members.ts'
import { parseJwk } from '../../src/protocol/parse-jwk.ts'
import { parseProtectedHeader } from '../../src/protocol/protected-header.ts'
import { ecKeyPair } from '../support/key-documents.ts'
import { encode, verificationKey } from '../support/mint-token.ts'

const { publicJwk } = ecKeyPair('P-256')

/** The grammar, written the slow and obvious way. */
const GRAMMAR = /^[\x20-\x7e]{1,256}$/

const anyKeyId = fc.oneof(
  { weight: 4, arbitrary: fc.string({ unit: 'grapheme-ascii', maxLength: 260 }) },
  {
    weight: 2,
    arbitrary: fc
      .string({ unit: 'grapheme-ascii', minLength: 250, maxLength: 260 })
      .map((text) => text.padEnd(255, ' ')),
  },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 8 }) },
  { weight: 1, arbitrary: fc.constantFrom('__proto__', 'constructor', ' ', '\x7f', '\x1f', '') },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 1 }) },
)

describe('kid of keys and of tokens (RFC 7515 §4.1.4, RFC 7517 §4.5)', () => {
  it('has one grammar: what a key may be called, a token may call it, and nothing else', () => {
    fc.assert(
      fc.property(anyKeyId, (kid) => {
        // As some issuers write it where they have none.
        const isNone = kid === '' || isAbsent(kid)
        const isGood = isNone || (typeof kid === 'string' && GRAMMAR.test(kid))
        const key = parseJwk({ ...publicJwk, kid }, ['ES256'])
        const header = parseProtectedHeader(encode(JSON.stringify({ alg: 'ES256', kid })))
        assert.equal(key.ok, isGood)
        assert.equal(header !== null, isGood)
        if (!key.ok || header === null) return
        // And the one finds the other, to the letter.
        const { keyId, spkiPem } = key.key
        assert.deepEqual([keyId, header.keyId], isNone ? [null, null] : [kid, kid])
        const used = verificationKey('ES256', keyId, { kind: 'public', spkiPem })
        const keySet = { ...emptyKeySet('main'), state: 'fresh' as const, keys: [used] }
        const found = findKeys(keySet, { ...header, issuer: '' })
        assert.ok(found.found === 'keys' && found.keys[0] === used)
      }),
      { numRuns: 2_000 },
    )
  })
})
