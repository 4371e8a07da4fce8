/** The table of codes, its document and its tests say the same. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { AUTH_ERROR_CODES, AUTH_ERRORS } from '../../src/protocol/auth-error.ts'
import { REFUSAL_REASON_NAMES, REFUSAL_REASONS } from '../../src/protocol/refusal-reason.ts'
import { readRepositoryFile, typescriptFiles } from './repository.ts'

/** Codes, or reasons, that docs/errors.md explains: each begins a row of a table. */
function documented(what: 'codes' | 'reasons'): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  const { lines } = readRepositoryFile('docs/errors.md')
  const border = lines.indexOf('## Reasons')
  const end = lines.indexOf('## Causes')
  assert.ok(border > 0 && end > border)
  for (const line of what === 'codes' ? lines.slice(0, border) : lines.slice(border, end)) {
    const code = /^(?:\|\s*|#+\s+)`([a-z_]+)`/.exec(line)?.[1]
    if (code !== undefined) found.set(code, line)
  }
  return found
}

describe('docs/errors.md', () => {
  it('explains every code and no code that does not exist', () => {
    assert.deepEqual([...documented('codes').keys()].sort(), [...AUTH_ERROR_CODES].sort())
  })

  it('gives every code the status that is sent', () => {
    const wrong = [...documented('codes')].filter(([code, line]) => {
      const row = AUTH_ERRORS[code as keyof typeof AUTH_ERRORS]
      return line.startsWith('|') && row !== undefined && !line.includes(`${row.status}`)
    })
    assert.deepEqual(wrong, [])
  })
})

describe('reasons of refusals', () => {
  it('are all explained, each with its code', () => {
    const rows = documented('reasons')
    assert.deepEqual([...rows.keys()], REFUSAL_REASON_NAMES)
    for (const reason of REFUSAL_REASON_NAMES) {
      assert.ok(rows.get(reason)?.includes(`| \`${REFUSAL_REASONS[reason].code}\` |`), reason)
    }
  })

  it('are all given somewhere', () => {
    const sources = typescriptFiles('src')
      .filter(({ path }) => path !== 'src/protocol/refusal-reason.ts')
      .map(({ text }) => text)
      .join('\n')
    const unused = REFUSAL_REASON_NAMES.filter((reason) => !sources.includes(`'${reason}'`))
    assert.deepEqual(unused, [])
  })

  it('lead to every code', () => {
    const codes = new Set(REFUSAL_REASON_NAMES.map((reason) => REFUSAL_REASONS[reason].code))
    assert.deepEqual([...codes].sort(), [...AUTH_ERROR_CODES].sort())
  })
})

describe('tests of refusals', () => {
  it('name every code somewhere', () => {
    const tests = typescriptFiles('test')
      .filter(({ path }) => !path.startsWith('test/architecture/'))
      .map(({ text }) => text)
      .join('\n')
    const untested = AUTH_ERROR_CODES.filter(
      (code) => !new RegExp(`['"\`]${code}['"\`]`).test(tests),
    )
    assert.deepEqual(untested, [])
  })
})
