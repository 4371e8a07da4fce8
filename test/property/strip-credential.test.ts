/** Stripping against extraction: whatever the one can find, the other removes, and nothing else. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { CredentialExtractor } from '../../src/credentials/extract-credential.ts'
import { CredentialStripper } from '../../src/credentials/strip-credential.ts'

const field = fc.string({ unit: fc.constantFrom(...Array.from('ta=;& "1')), maxLength: 24 })
const pairs = fc
  .array(fc.tuple(fc.constantFrom('t', 'ta', 'at', 'a', ''), fc.constantFrom('', '1', 't', '"')))
  .map((all) => all.map(([name, value]) => `${name}=${value}`))

describe('removal of the credential', () => {
  it('leaves no cookie that the extractor would find', () => {
    const sources = [{ kind: 'cookie', name: 't' }] as const
    const extractor = new CredentialExtractor(sources, 100)
    const stripper = new CredentialStripper(sources)
    const cookies = fc.oneof(
      field,
      pairs.map((all) => all.join('; ')),
    )
    fc.assert(
      fc.property(cookies, (cookie) => {
        const value = stripper.strippedValue('cookie', cookie)
        const kept = value === null ? [] : ['cookie', value]
        assert.equal(extractor.extract(kept, ''), null)
        const others = cookie.split(';').map((pair) => pair.trim())
        const expected = others.filter((pair) => pair !== '' && !pair.startsWith('t='))
        const remaining = (kept[1] ?? '').split(';').map((pair) => pair.trim())
        assert.deepEqual(
          remaining.filter((pair) => pair !== ''),
          expected,
        )
      }),
      { numRuns: 3_000 },
    )
  })

  it('leaves no query parameter that the extractor would find, and every other one', () => {
    const sources = [{ kind: 'query', name: 't' }] as const
    const extractor = new CredentialExtractor(sources, 100)
    const stripper = new CredentialStripper(sources)
    const queries = fc.oneof(
      field,
      pairs.map((all) => all.join('&')),
    )
    fc.assert(
      fc.property(queries, (query) => {
        const kept = stripper.strippedQuery(query)
        assert.equal(extractor.extract([], kept), null)
        const isOther = (pair: string): boolean => pair !== 't' && !pair.startsWith('t=')
        assert.equal(kept, query.split('&').filter(isOther).join('&'))
      }),
      { numRuns: 3_000 },
    )
  })
})
