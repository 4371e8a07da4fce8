/** Issuers that are found by `iss`, and what may stand in the place of a placeholder. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { IssuerIndex } from '../../src/protocol/issuer-index.ts'
import {
  createIssuerTemplate,
  type IssuerPlaceholder,
  isIssuerValue,
  isSameTemplate,
} from '../../src/protocol/issuer-template.ts'

const ANY: IssuerPlaceholder = { claim: 'tid', values: null }
const ENTRA = 'https://login.microsoftonline.com/{tenantid}/v2.0'

function entry(issuer: string, placeholder: IssuerPlaceholder | null = null) {
  return { issuer, template: createIssuerTemplate(issuer, placeholder) }
}

function foundIn(entries: readonly ReturnType<typeof entry>[], issuer: string) {
  return new IssuerIndex(entries).find(issuer)?.issuer ?? null
}

/** What a value must never be. */
const HOSTILE_VALUES = [
  ...['', '.', '..', 'a/b', '/', 'a/../b', '%2e', 'a%2fb', '..%2f', 'a..b', '.a', 'a.', ' '],
  ...['a b', 'a\n', '\na', 'a\0', 'тenant', 'té', '{tenantid}', '*', 'a?b', 'a#b', 'a\\b', 'a@b'],
  ...['a:b', 'a;b', 'a,b', "a'b", 'a"b', '\u{1f600}', '\ud800', 'a\u2028', 'x'.repeat(129)],
]

describe('what may stand in the place of a placeholder', () => {
  it('is a name without anything that a path or a host is made of', () => {
    for (const value of ['contoso', '72f988bf-86f1-41af-91ab-2d7cd011db47', 'a.b', 'A_b', '-']) {
      assert.ok(isIssuerValue(value), value)
    }
    for (const value of HOSTILE_VALUES) assert.ok(!isIssuerValue(value), JSON.stringify(value))
  })

  it('is never more than one segment, whatever is tried', () => {
    const characters = fc.constantFrom(...Array.from('aZ09._-/%{}*:@?#\\ \n\0é'))
    fc.assert(
      fc.property(fc.string({ unit: characters, maxLength: 12 }), (value) => {
        const slow =
          /^[A-Za-z0-9._-]+$/.test(value) &&
          !value.includes('..') &&
          !value.startsWith('.') &&
          !value.endsWith('.')
        assert.equal(isIssuerValue(value), slow, JSON.stringify(value))
        const issuer = ENTRA.replace('{tenantid}', value)
        assert.equal(foundIn([entry(ENTRA, ANY)], issuer), slow ? ENTRA : null)
      }),
    )
  })
})

describe('an issuer with a placeholder', () => {
  const listed = entry(ENTRA, { claim: 'tid', values: ['contoso', 'fabrikam'] })

  it('is found for each of its values, and for no other', () => {
    assert.equal(foundIn([listed], 'https://login.microsoftonline.com/contoso/v2.0'), ENTRA)
    const foreign = [
      'https://login.microsoftonline.com/Contoso/v2.0',
      'https://login.microsoftonline.com/northwind/v2.0',
      'https://login.microsoftonline.com/contoso/v2.0/',
      'https://login.microsoftonline.com/contoso',
      'https://login.microsoftonline.com//v2.0',
      'https://login.microsoftonline.com/v2.0',
      'https://login.microsoftonline.com.evil.test/contoso/v2.0',
      'https://login.microsoftonline.com/evil/contoso/v2.0',
      'http://login.microsoftonline.com/contoso/v2.0',
      ENTRA,
      '',
    ]
    for (const issuer of foreign) assert.equal(foundIn([listed], issuer), null, issuer)
  })

  it('yields to one that is written out', () => {
    const own = entry('https://login.microsoftonline.com/contoso/v2.0')
    for (const entries of [
      [listed, own],
      [own, entry(ENTRA, ANY)],
    ]) {
      assert.equal(foundIn(entries, own.issuer), own.issuer)
      assert.equal(foundIn(entries, own.issuer.replace('contoso', 'fabrikam')), ENTRA)
    }
  })

  it('may share its text with another one that lists other values', () => {
    const other = entry(ENTRA.replace('tenantid', 'tid'), { claim: 'tid', values: ['northwind'] })
    const entries = [listed, other]
    const issuer = 'https://login.microsoftonline.com/northwind/v2.0'
    assert.equal(foundIn(entries, issuer), other.issuer)
  })

  it('is the same as one whose placeholder has another name, and as no other', () => {
    assert.ok(isSameTemplate(ENTRA, ENTRA.replace('tenantid', 'tid')))
    assert.ok(!isSameTemplate(ENTRA, ENTRA.replace('{tenantid}', 'tid')))
    assert.ok(!isSameTemplate('https://x/', 'https://x/'))
    assert.ok(!isSameTemplate('https://x/{a}{b}', 'https://x/{a}{b}'))
  })
})

describe('a thousand issuers', () => {
  /** Of a find among so many, in ns; the least of some runs, because the machine has others. */
  function findNanos(count: number): number {
    const exact = Array.from({ length: count }, (_, place) => {
      return entry(`https://idp${1_000 + place}.example.com/`)
    })
    const templates = Array.from({ length: count }, (_, place) => {
      return entry(`https://login${1_000 + place}.example.com/{t}/v2.0`, ANY)
    })
    const index = new IssuerIndex([...exact, ...templates])
    const asked = ['https://login1000.example.com/acme/v2.0', 'https://idp1000.example.com/', 'x']
    let least = Number.POSITIVE_INFINITY
    for (let run = 0; run < 8; run += 1) {
      const startedAt = process.hrtime.bigint()
      let found = 0
      for (let turn = 0; turn < 3_000; turn += 1) {
        if (index.find(asked[turn % 3] ?? '') !== undefined) found += 1
      }
      least = Math.min(least, Number(process.hrtime.bigint() - startedAt) / 3_000)
      assert.equal(found, 2_000)
    }
    return least
  }

  it('are searched in the time that two take, templates included', () => {
    findNanos(10)
    const few = findNanos(1)
    const many = findNanos(1_000)
    // A search through all would take hundreds of times as long.
    assert.ok(many < 20 * few, `${many} ns among two thousand, ${few} ns among two`)
  })
})
