/** As what a user is counted, however the name is written. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { bodyField } from '../../src/rate-limit/body-field.ts'
import { countedValue } from '../../src/rate-limit/counted-value.ts'
import { propertyRuns } from '../support/property-runs.ts'

const LENGTH_MAX = 256
const BODY_BYTES_MAX = 65_536
const CODE_POINTS = 0x110000

function read(body: string, type: string): string {
  const field = bodyField(Buffer.from(body), true, type, 'username')
  return field.kind === 'value' ? `=${field.value}` : field.reason.replace('limit_field_', '')
}

const json = (body: string) => read(body, 'application/json')
const form = (body: string) => read(body, 'application/x-www-form-urlencoded')

/** A name, and spellings under which a database may find it. */
const SPELLINGS: Readonly<Record<string, readonly string[]>> = {
  zoe: ['Zoë', 'zoe\u0308', ' ZOË\t', '\u00a0zo\u00cb\u2003', 'ＺＯË', 'zoë\ufeff', 'ⓩ🅞🅔'],
  ann: ['a\u0301nn', 'ånn', 'an\u00adn', 'a\u200bnn', 'a\u0001nn', 'ann\u{e0041}', 'a\u2060nn\r'],
  ann1: [
    'ann١',
    'ann¹',
    'ann१',
    'ann\u{1d7d9}',
    'ann⓵',
    'ann❶',
    '\u202eann1',
    'ann\u0378\u{e000}1',
  ],
  strasse: ['straße', 'STRAẞE', 'ſtraſſe', 'ﬆrasse'],
  νικοσ: ['ΝΙΚΟΣ', 'νικος', 'Νίκος', '\u03bd\u03b9\u0301\u03ba\u03bf\u03c2'],
  iki: ['ıKı', 'İKİ', 'i\u212ai', 'i\u0307ki'],
  'paul soren': ['pauł søren', 'PAUL\u00a0SØREN', 'paul· soren'],
  aesop: ['Æsop', 'ǽsop', 'a\u0364sop'],
  かた: ['カタ', 'ｶﾀ', 'がだ', 'ｶﾞﾀ', 'ヵた'],
  כמ: ['ךם', 'כּמ'],
  محمد: ['مُحَمَّد', 'محـمد', 'ﻣﺤﻤﺪ'],
  한글: ['\u1112\u1161\u11ab\u1100\u1173\u11af', '한글\u0301'],
}

describe('the value that is counted', () => {
  it('is one for all spellings of a name that a database may take for one', () => {
    for (const [name, spellings] of Object.entries(SPELLINGS)) {
      for (const spelling of [name, ...spellings]) {
        assert.equal(json(JSON.stringify({ username: spelling })), `=${name}`, spelling)
        assert.equal(form(String(new URLSearchParams({ username: spelling }))), `=${name}`)
      }
    }
  })

  it('is one for a character and what the collation of Unicode takes for the same in ASCII', () => {
    const { compare } = new Intl.Collator('und', { sensitivity: 'base' })
    const ascii = Array.from('0123456789abcdefghijklmnopqrstuvwxyz')
    for (let codePoint = 0x80; codePoint < 0x20000; codePoint += 1) {
      const character = String.fromCodePoint(codePoint)
      if (compare(character, '0') < 0 || compare(character, 'zz') > 0) {
        if (compare(character, '') !== 0) continue
        assert.equal(countedValue(`a${character}b`).replace(' ', ''), 'ab', codePoint.toString(16))
      } else {
        const letter = ascii.find((one) => compare(one, character) === 0)
        if (letter !== undefined) assert.equal(countedValue(character), letter)
      }
    }
  })

  it('is another for another name, and for letters that only look alike', () => {
    const names = ['ann', 'anna', 'an n', 'bnn', 'a.nn', 'ann+tag', 'аnn', 'ann１2', '山田', '山口']
    assert.equal(new Set(names.map(countedValue)).size, names.length)
  })

  it('is empty, and the body refused, when nothing is left of a name', () => {
    for (const nothing of ['', ' \u3000\n ', '\u0301\u00ad \u200b', '\u0001\u{e0041}\ufe0f']) {
      assert.equal(countedValue(nothing), '')
      assert.equal(json(JSON.stringify({ username: nothing })), 'absent')
    }
  })

  it('is the value of itself, whatever is written', () => {
    for (let codePoint = 0; codePoint < CODE_POINTS; codePoint += 1) {
      const value = countedValue(String.fromCodePoint(codePoint))
      if (countedValue(value) !== value) assert.fail(codePoint.toString(16))
    }
    const anyText = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 60 }),
      fc.string({ unit: 'grapheme', maxLength: 60 }),
    )
    fc.assert(
      fc.property(anyText, (text) => {
        const value = countedValue(text)
        if (value.length > LENGTH_MAX || value.startsWith('SHA-256 ')) return
        assert.equal(countedValue(value), value)
        assert.equal(countedValue(` ${text}\u0301\u00ad `), value)
        assert.equal(countedValue(text.normalize('NFD')), value)
      }),
      propertyRuns(5_000),
    )
  })

  it('is kept up to 256 characters, and a digest of one that is longer', () => {
    const longest = 'a'.repeat(LENGTH_MAX)
    assert.equal(form(`username=${longest}`), `=${longest}`)
    assert.equal(countedValue(`${'a\u0301\u00ad'.repeat(LENGTH_MAX)} `), longest)
    assert.equal(countedValue(`ann${'\u0301'.repeat(BODY_BYTES_MAX)}`), 'ann')
    const digest = form(`username=${longest}b`)
    assert.match(digest, /^=SHA-256 [\w-]{43}$/)
    assert.equal(form(`username=${longest.toUpperCase()}B+`), digest)
    assert.equal(countedValue(`${longest}b\u0301`), digest.slice(1))
    assert.notEqual(form(`username=${longest}c`), digest)
    // Of more than 1024 characters only the unseen ones and capitals are folded.
    const [long, wide] = ['a'.repeat(1_025), 'ａ'.repeat(1_025)]
    assert.equal(countedValue(`${long.toUpperCase()}\u0301`), countedValue(long))
    assert.notEqual(countedValue(wide), countedValue(long))
    // Typed in, it is another value.
    assert.notEqual(form(`username=${encodeURIComponent(digest.slice(1))}`), digest)
  })

  it('is found in milliseconds in the longest body, whatever is written there', () => {
    const runs = [
      '\u0301\u0316',
      'a\u0301',
      '\u0316a\u0301',
      'ﷺ',
      'ﾞﾟ',
      'ß',
      '¨',
      '\u1680',
      '🅐',
      '한',
      ' a',
    ]
    for (const run of [...runs, '\u0363\u2de0', 'ᜀ', '山']) {
      for (const length of [BODY_BYTES_MAX, 1_024]) {
        const text = run.repeat(Math.floor(length / run.length))
        const times = Array.from({ length: 5 }, () => {
          const startedAt = performance.now()
          countedValue(text)
          return performance.now() - startedAt
        })
        assert.ok(Math.min(...times) < 20, `${length} of ${run} take ${Math.min(...times)} ms`)
      }
    }
  })
})
