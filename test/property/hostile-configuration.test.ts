/** Configurations made of anything at all. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { ConfigError } from '../../src/config/config-error.ts'
import { coversPath, parseRoutePath } from '../../src/routing/route-grammar.ts'
import { LEAST_CONFIGURATION, parseText } from '../support/configuration-text.ts'

function isJudged(text: string): boolean {
  try {
    parseText(text)
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error))
    assert.ok(error.problems.length > 0)
  }
  return true
}

describe('Reading a configuration', () => {
  it('ends with a configuration or with problems for any document', () => {
    const key = fc.constantFrom('server', 'issuers', 'routes', 'upstreams', '__proto__', 'main', '')
    const document = fc.dictionary(key, fc.jsonValue({ maxDepth: 4 }))
    fc.assert(fc.property(document, (value) => isJudged(JSON.stringify(value))))
  })

  it('ends so for any change of a character in a good one', () => {
    const place = fc.nat(LEAST_CONFIGURATION.length - 1)
    const character = fc.string({ unit: 'grapheme', minLength: 0, maxLength: 2 })
    fc.assert(
      fc.property(place, character, (index, replacement) => {
        const { length } = LEAST_CONFIGURATION
        const tail = LEAST_CONFIGURATION.slice(index + 1, length)
        return isJudged(`${LEAST_CONFIGURATION.slice(0, index)}${replacement}${tail}`)
      }),
      { numRuns: 300 },
    )
  })
})

describe('Paths that cover others', () => {
  const segment = fc.constantFrom('a', 'b', '*')
  const pattern = fc
    .array(segment, { minLength: 1, maxLength: 4 })
    .map((all) => `/${all.join('/')}`)
  const path = fc
    .array(fc.constantFrom('a', 'b', 'c', ''), { minLength: 1, maxLength: 5 })
    .map((all) => `/${all.join('/')}`)

  /** The slow and obvious way. */
  function matches(routePath: string, requestPath: string): boolean {
    const isOpen = routePath.endsWith('/*')
    const fixed = (isOpen ? routePath.slice(0, -2) : routePath).split('/').map((text) => {
      return text === '*' ? '[^/]*' : text
    })
    return new RegExp(`^${fixed.join('/')}${isOpen ? '(/.*)?' : ''}$`).test(requestPath)
  }

  it('match whatever the covered one matches', () => {
    fc.assert(
      fc.property(pattern, pattern, path, (first, second, request) => {
        assert.ok(parseRoutePath(first) !== null)
        if (!coversPath(first, second) || !matches(second, request)) return
        assert.ok(matches(first, request), `${first} covers ${second}, but not ${request}`)
      }),
      { numRuns: 3_000 },
    )
  })

  it('cover themselves', () => {
    fc.assert(fc.property(pattern, (one) => coversPath(one, one)))
  })
})
