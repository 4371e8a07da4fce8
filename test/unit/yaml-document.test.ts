/** The text of a configuration: references to the environment, and hostile or broken YAML. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  LEAST_CONFIGURATION,
  parseText,
  problemLinesOf,
  problemsOf,
} from '../support/configuration-text.ts'

describe('References to the environment', () => {
  const withPort = `${LEAST_CONFIGURATION}\nserver:\n  port: \${PORT:-81}\n`

  it('take the variable, and the default when it is unset or empty', () => {
    const portWith = (PORT: string | undefined): number => {
      return parseText(withPort, { environment: { PORT } }).server.port
    }
    assert.equal(portWith('82'), 82)
    assert.equal(portWith(''), 81)
    assert.equal(portWith(undefined), 81)
  })

  it('become numbers and switches only where the schema wants them', () => {
    const text = `${LEAST_CONFIGURATION}\nwatch: \${ON}\nadmin:\n  token: \${DIGITS}\n`
    const environment = { ON: 'true', DIGITS: '1234567890123456' }
    const configuration = parseText(text, { environment })
    assert.equal(configuration.watch, true)
    assert.equal(configuration.admin.token, '1234567890123456')
  })

  it('report a variable that is not set once, by name', () => {
    const text = `${LEAST_CONFIGURATION}\nserver:\n  port: \${NO_SUCH}\n`
    assert.deepEqual(problemLinesOf(text), [
      'server.port needs the environment variable NO_SUCH, which is not set',
    ])
  })

  it('cannot add settings, whatever the variable holds', () => {
    const text = `${LEAST_CONFIGURATION}\nserver:\n  host: \${HOST}\n`
    const environment = { HOST: '127.0.0.1\nwatch: true' }
    assert.deepEqual(
      problemsOf(text, { environment }).map(({ path }) => path),
      ['server.host'],
    )
  })

  it('are not looked for in what a variable holds', () => {
    const secret = `\${PORT}${'x'.repeat(32)}`
    const text = LEAST_CONFIGURATION.replace(
      /jwks:.*/,
      `algorithms: [HS256]\n    secret: \${SECRET}`,
    )
    const keys = parseText(text, { environment: { SECRET: secret, PORT: '1' } }).issuers[0]?.keys
    assert.ok(keys?.kind === 'secret')
    assert.equal(Buffer.from(keys.secret).toString(), secret)
  })

  it('are left alone when written with two dollar signs', () => {
    const text = LEAST_CONFIGURATION.replace('[api.example.com]', () => `['$\${PORT}']`)
    assert.deepEqual(parseText(text).issuers[0]?.audiences, [`\${PORT}`])
  })

  for (const reference of [`\${}`, `\${1X}`, `\${A B}`, `\${UNCLOSED`, `\${A-b}`]) {
    it(`refuse ${reference}`, () => {
      const text = `${LEAST_CONFIGURATION}\nserver:\n  host: '${reference}'\n`
      assert.match(problemLinesOf(text)[0] ?? '', /^server\.host has a reference that is neither/)
    })
  }
})

describe('Hostile and broken YAML', () => {
  const cases: readonly (readonly [string, string, RegExp])[] = [
    ['an empty file', ' \n', /is empty/],
    ['a scalar', '5', /must be a mapping/],
    ['a list', '- a', /must be a mapping/],
    ['a duplicate key', 'watch: true\nwatch: false', /already has/],
    ['a second document', '---\nwatch: true\n---\nwatch: false', /second document/],
    ['another YAML version', '%YAML 1.1\n---\nwatch: yes', /always YAML 1\.2/],
    ['a tag', 'a: !!js/function "x"', /tag that is not known/],
    ['an alias without anchor', 'a: *x', /anchor|aliases/],
    ['an anchor that contains itself', 'a: &x [*x]', /nested too deeply/],
    ['an alias bomb', aliasBomb(), /aliases expand to too much/],
    ['deep nesting', `a: ${'['.repeat(50_000)}`, /nested too deeply/],
    ['nesting below the limit of the parser', deepMapping(30), /nested too deeply/],
    ['a tab as indent', 'a:\n\tb: 1', /tab/],
    ['an unclosed quote', 'a: "x', /ends without/],
    ['an unclosed list', 'routes: [\n', /a \[ or \{ above is not closed/],
    ['an unclosed mapping', 'a: {b: 1\nc: 2', /a \[ or \{ above is not closed/],
    ['a wrong indent', 'a:\n  b: 1\n c: 2', /indented in a way that fits nothing above/],
    ['a mapping as key', '? {a: 1}\n: 2', /name of a setting/],
  ]
  for (const [name, text, message] of cases) {
    it(`refuses ${name}`, () => {
      const [problem] = problemsOf(text)
      assert.match(problem?.message ?? '', message)
    })
  }

  it('names only the first mistake of a file that it lost its way in', () => {
    assert.equal(problemsOf(`a: {b: \${C}}\n${LEAST_CONFIGURATION}`).length, 1)
  })

  it('names every duplicate key', () => {
    assert.deepEqual(
      problemsOf('watch: true\nwatch: true\nserver: {}\nserver: {}').map(({ line }) => line),
      [2, 4],
    )
  })

  it('does not let a key change what settings inherit', () => {
    problemsOf(`${LEAST_CONFIGURATION}\n__proto__: { watch: true }`)
    assert.equal('watch' in {}, false)
  })
})

function aliasBomb(): string {
  const lines = ['l0: &l0 [x, x, x, x, x, x, x, x, x, x]']
  for (let level = 1; level < 10; level += 1) {
    const alias = `*l${level - 1}`
    lines.push(`l${level}: &l${level} [${Array.from({ length: 10 }, () => alias).join(', ')}]`)
  }
  return lines.join('\n')
}

function deepMapping(levels: number): string {
  return Array.from({ length: levels }, (_, level) => `${' '.repeat(level)}a:`).join('\n')
}
