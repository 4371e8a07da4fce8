/** Stripping against extraction: whatever the one can find, the other removes, and nothing else. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { CredentialExtractor } from '../../src/credentials/extract-credential.ts'
import { CredentialStripper } from '../../src/credentials/strip-credential.ts'
import { QUERY_READERS } from '../support/query-readers.ts'

/** Pieces of which spellings of `t_k` are made, and of other names. */
const queryPieces = fc
  .array(
    fc.constantFrom(
      ...['t_k', 'T_k', 't%5Fk', 't%5fK', '%74_k', '%54_%6B', 't', '_k', '+', '%20', '%00'],
      '?',
      ...['[', ']', '[]', '%5B', '%5D', '[0]', '=', '=x', '&', '&', ';', '%', '%5', 'a', '%C3'],
    ),
    { maxLength: 10 },
  )
  .map((pieces) => pieces.join(''))

const field = fc.string({ unit: fc.constantFrom(...Array.from('ta=;& "1')), maxLength: 24 })
const pairs = fc
  .array(fc.tuple(fc.constantFrom('t', 'ta', 'at', 'a', ''), fc.constantFrom('', '1', 't', '"')))
  .map((all) => all.map(([name, value]) => `${name}=${value}`))

/** An empty query is one empty pair. */
function others(pairs: readonly string[]): readonly string[] {
  return pairs.length === 0 ? [''] : pairs
}

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
        // With a blank behind its name it is none here, and one to Express.
        const expected = others.filter((pair) => pair !== '' && !/^t[ \t]*=/.test(pair))
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
        const isOther = (pair: string): boolean => !/^ *t(=|$)/.test(pair)
        assert.deepEqual(kept.split(/[&;]/), others(query.split(/[&;]/).filter(isOther)))
      }),
      { numRuns: 3_000 },
    )
  })

  it('leaves no query parameter in which some application would read the name', () => {
    const stripper = new CredentialStripper([{ kind: 'query', name: 't_k' }])
    fc.assert(
      fc.property(queryPieces, (query) => {
        const kept = stripper.strippedQuery(query)
        for (const [reader, namesOf] of Object.entries(QUERY_READERS)) {
          const names = namesOf(kept).map((name) => name.toLowerCase())
          assert.ok(!names.includes('t_k'), `${reader} reads it in ${kept}, of ${query}`)
        }
      }),
      { numRuns: 20_000 },
    )
  })
})
