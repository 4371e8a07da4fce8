/** What is counted is what JSON.parse, URLSearchParams and the parsers of Express read. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import fc from 'fast-check'
import { bodyField } from '../../src/rate-limit/body-field.ts'
import { countedValue } from '../../src/rate-limit/counted-value.ts'
import { ExpressReaders } from '../support/express-readers.ts'

const JSON_TYPE = 'application/json'
const FORM_TYPE = 'application/x-www-form-urlencoded'
const FIELD = 'username'

/** The value that is counted; `null` for a body that is refused. */
function counted(body: string | Uint8Array, type: string): string | null {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body
  const field = bodyField(bytes, true, type, FIELD)
  return field.kind === 'value' ? field.value : null
}

const text = fc.string({ unit: 'grapheme', maxLength: 40 })
const userName = text.filter((name) => countedValue(name) !== '' && !name.includes('\0'))
const otherName = text.filter((name) => !name.toLowerCase().includes(FIELD) && name !== '_charset_')
const value = fc.jsonValue({ maxDepth: 4 })

/** A text in JSON, with an escape for each code unit for which `escapes` says so. */
function spelledJson(written: string, escapes: readonly boolean[]): string {
  const units = written.split('').map((unit, index) => {
    if (escapes[index % escapes.length] !== true) return JSON.stringify(unit).slice(1, -1)
    return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
  return `"${units.join('')}"`
}

function spelledForm(written: string, escapes: readonly boolean[]): string {
  return Array.from(written, (character, index) => {
    if (escapes[index % escapes.length] !== true && /[\w.~-]/.test(character)) return character
    if (character === ' ') return '+'
    const bytes = Array.from(Buffer.from(character))
    return bytes.map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
  }).join('')
}

const escapes = fc.array(fc.boolean(), { minLength: 1, maxLength: 7 })
const spacing = fc.constantFrom(undefined, 1, '\t')

describe('the field of a JSON body', () => {
  it('is what JSON.parse finds in any object that has it once', () => {
    fc.assert(
      fc.property(
        fc.dictionary(otherName, value, { maxKeys: 5 }),
        fc.oneof(userName, fc.maxSafeInteger()),
        fc.dictionary(otherName, value, { maxKeys: 5 }),
        spacing,
        (before, name, behind, indent) => {
          const body = JSON.stringify({ ...before, [FIELD]: name, ...behind }, null, indent)
          const parsed = JSON.parse(body) as Record<string, unknown>
          assert.equal(counted(body, JSON_TYPE), countedValue(String(parsed[FIELD])))
        },
      ),
      { numRuns: 2_000 },
    )
  })

  it('is found however it is spelled, and refused when it is spelled twice', () => {
    fc.assert(
      fc.property(userName, escapes, escapes, value, (name, ofName, ofField, other) => {
        const member = `${spelledJson(FIELD, ofField)}:${spelledJson(name, ofName)}`
        const rest = `"other":${JSON.stringify(other)}`
        assert.equal(counted(`{${rest},${member}}`, JSON_TYPE), countedValue(name))
        assert.equal(counted(`{${member},${rest},"${FIELD}":"x"}`, JSON_TYPE), null)
        assert.equal(counted(`{"${FIELD}":"x",${rest},${member}}`, JSON_TYPE), null)
      }),
      { numRuns: 2_000 },
    )
  })

  it('is never found in a part of the body', () => {
    const body = JSON.stringify({ a: [{ [FIELD]: 'x' }], [FIELD]: 'alice', b: '\\"}' })
    for (let length = 0; length < body.length; length += 1) {
      const part = Buffer.from(body.slice(0, length))
      assert.equal(counted(part, JSON_TYPE), null, part.toString())
      assert.equal(bodyField(part, false, JSON_TYPE, FIELD).kind, 'refused')
    }
  })
})

describe('the field of a form', () => {
  it('is what URLSearchParams finds in any form that has it once', () => {
    const pairs = fc.array(fc.tuple(otherName, text), { maxLength: 6 })
    fc.assert(
      fc.property(pairs, userName, pairs, escapes, escapes, (before, name, behind, ...spelled) => {
        const all = [...before, [FIELD, name] as const, ...behind]
        const [ofNames, ofValues] = spelled
        const written = all.map(
          ([key, content]) => `${spelledForm(key, ofNames)}=${spelledForm(content, ofValues)}`,
        )
        for (const body of [
          String(new URLSearchParams(all.map(([...pair]) => pair))),
          written.join('&'),
        ]) {
          const found = new URLSearchParams(body).getAll(FIELD)
          assert.equal(found.length, 1)
          assert.equal(counted(body, FORM_TYPE), countedValue(found[0] ?? ''), body)
          assert.equal(counted(`${body}&${FIELD}=x`, FORM_TYPE), null, body)
        }
      }),
      { numRuns: 2_000 },
    )
  })
})

const TRICKY_JSON = [
  '{"username":"alice","username":"bob"}',
  '{"username":"alice","user\\u006eame":"bob"}',
  '{"user\\u006eame":"Alice "}',
  '{"Username":"bob","username":"alice"}',
  '{"username":["bob"]}',
  '{"username":{"a":"bob"}}',
  '{"username":null,"x":{"username":"bob"}}',
  '{"username":1e3}',
  '{"username":1.0}',
  '{"username":-0}',
  '{"username":12345678901234567891}',
  '{"username":42}',
  '{"__proto__":{"username":"bob"},"username":"alice"}',
  '[{"username":"bob"}]',
  '\ufeff{"username":"bob"}',
  '{"username":"bob","x":"&username=alice&"}',
  ' {"username":"bob","x":"&username=alice&"}',
  '\ufeff {"username":"bob","x":"&username=alice&"}',
  '{"username":"\\ud800"}',
  '{"username":"\u212aelvin"}',
]

const TRICKY_FORMS = [
  'username=alice&username=bob',
  'username[]=bob',
  'username[]=bob&username=alice',
  'username=alice&username[0]=bob',
  'username=alice&username[a]=bob',
  '[username]=bob&username=alice',
  '%5Busername%5D=bob&username=alice',
  'x&[username]]=bob&username=alice',
  'username=al]=bob',
  'username=alice&x[]]=username',
  'x=[username]=bob&username=alice',
  'username%00=bob&username=alice',
  '%75sername=bob',
  'user%6eame=al%2Bi+ce',
  'username=%FF',
  'username=%C3%A9',
  'username=%',
  'username=%C0%AF',
  'username=al%00ice',
  'utf8=%26%2310003%3B&username=%26%2397%3Blice',
  'username=%E9&utf8=%26%2310003%3B',
  'utf8=%E2%9C%93&username=zo%C3%AB',
  'username=alice;username=bob',
  'username',
  '__proto__[username]=bob&username=alice',
  'a[__proto__][username]=bob',
  `${'x&'.repeat(999)}username=alice`,
  `${'x&'.repeat(1_000)}username=alice`,
]

const TYPES = [
  JSON_TYPE,
  FORM_TYPE,
  `${JSON_TYPE}; charset=utf-16`,
  `${JSON_TYPE}; charset=utf-8`,
  `${FORM_TYPE}; charset=iso-8859-1`,
  `${FORM_TYPE}; charset=UTF-8`,
  'application/vnd.api+json',
]

describe('a service on Express', () => {
  let readers: ExpressReaders

  before(async () => {
    readers = await ExpressReaders.start(FIELD)
  })

  after(() => readers.close())

  /** How many of its parsers read the name that is counted; none of them another one. */
  async function compare(body: Uint8Array, type: string): Promise<number> {
    const ours = counted(body, type)
    if (ours === null) return 0
    let agreeing = 0
    for (const { parser, value: read } of await readers.readAll(body, type)) {
      if (read === undefined) continue
      const told = `${parser} of ${type} reads ${JSON.stringify(read)} in ${body.toString()}`
      assert.ok(typeof read === 'string' || typeof read === 'number', told)
      assert.equal(ours, countedValue(String(read)), told)
      agreeing += 1
    }
    return agreeing
  }

  it('reads no user name but the one that is counted, however tricky the body', async () => {
    let agreeing = 0
    for (const body of [...TRICKY_JSON, ...TRICKY_FORMS]) {
      for (const type of TYPES) agreeing += await compare(Buffer.from(body), type)
    }
    const utf16 = Buffer.from('\ufeff{"username":"bob"}', 'utf16le')
    for (const type of TYPES) await compare(utf16, type)
    assert.ok(agreeing > 20, `${agreeing} times both read a name`)
  })

  it('reads no user name but the one that is counted in any pieces of forms and JSON', async () => {
    const pieces = fc
      .array(
        fc.constantFrom(
          ...[
            'username',
            'username',
            'user%6eame',
            'Username',
            '[username]',
            '%5B',
            ']',
            '[',
            '[]',
          ],
          ...['=', '=', '=', '&', '&', '&', '=alice&', '=bob', ';', '.', '+', '%00', '%', '%C3%A9'],
          ...['{', '"', '"username":"bob"', ',', ':', '}', '\\u006e', '\ufeff', '__proto__'],
          ...['utf8=%26%2310003%3B&', '&%2397;', 'x=1&'],
        ),
        { maxLength: 9 },
      )
      .map((all) => all.join(''))
    let agreeing = 0
    await fc.assert(
      fc.asyncProperty(pieces, fc.constantFrom(JSON_TYPE, FORM_TYPE), async (body, type) => {
        agreeing += await compare(Buffer.from(body), type)
      }),
      { numRuns: 5_000 },
    )
    assert.ok(agreeing > 20, `${agreeing} times both read a name`)
  })
})
