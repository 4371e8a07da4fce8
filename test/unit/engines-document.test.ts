/** The table of docs/engines.md is the one that the tests of both engines go by. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { REPOSITORY_ROOT, readRepositoryFile } from '../architecture/repository.ts'
import { differencesTable } from '../support/engine-differences.ts'

const DOCUMENT = 'docs/engines.md'
const TABLE = /^\| about [\s\S]*?\n(?=\n)/m
/** Set it to have the document follow the table, instead of being compared with it. */
const isWriting = process.env['SALLYPORT_WRITE_DOCUMENTS'] !== undefined

describe('the document about engines', () => {
  it('has the differences that the tests know, and no others', () => {
    const { text } = readRepositoryFile(DOCUMENT)
    const [table] = TABLE.exec(text) ?? []
    assert.ok(table !== undefined, `${DOCUMENT} has a table`)
    if (isWriting) {
      writeFileSync(
        join(REPOSITORY_ROOT, DOCUMENT),
        text.replace(TABLE, () => differencesTable()),
      )
    } else assert.equal(table, differencesTable())
  })
})
