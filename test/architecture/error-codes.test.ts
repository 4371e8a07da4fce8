/** The table of codes, its document and its tests say the same. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { AUTH_ERROR_CODES, AUTH_ERRORS } from '../../src/protocol/auth-error.ts'
import { readRepositoryFile, typescriptFiles } from './repository.ts'

/** Codes that docs/errors.md explains: each begins a table row or is a heading. */
function documentedCodes(): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const line of readRepositoryFile('docs/errors.md').lines) {
    const code = /^(?:\|\s*|#+\s+)`([a-z_]+)`/.exec(line)?.[1]
    if (code !== undefined) found.set(code, line)
  }
  return found
}

describe('docs/errors.md', () => {
  it('explains every code and no code that does not exist', () => {
    assert.deepEqual([...documentedCodes().keys()].sort(), [...AUTH_ERROR_CODES].sort())
  })

  it('gives every code the status that is sent', () => {
    const wrong = [...documentedCodes()].filter(([code, line]) => {
      const row = AUTH_ERRORS[code as keyof typeof AUTH_ERRORS]
      return line.startsWith('|') && row !== undefined && !line.includes(`${row.status}`)
    })
    assert.deepEqual(wrong, [])
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
