/** Every promise of docs/threat-model.md is held by tests that exist under the names it gives. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { basename, dirname, join, normalize } from 'node:path'
import { describe, it } from 'node:test'
import { projectFiles, REPOSITORY_ROOT, readRepositoryFile, typescriptFiles } from './repository.ts'

const DOCUMENT = 'docs/threat-model.md'
const ATTACKS = 'test/security/attacks'
/** Fewer would mean that the tables are not found any more. */
const PROMISES_MIN = 40
const ATTACK_FILES_MIN = 15

const document = readRepositoryFile(DOCUMENT)

/** Cells of the rows below each heading row that begins with this text. */
function rowsBelow(heading: string): readonly (readonly string[])[] {
  const rows: (readonly string[])[] = []
  let isInside = false
  for (const line of document.lines) {
    if (line.startsWith(heading)) isInside = true
    else if (!line.startsWith('|')) isInside = false
    else if (isInside && !line.startsWith('| ---')) {
      const cells = line.split('|').slice(1, -1)
      rows.push(cells.map((cell) => cell.trim()))
    }
  }
  return rows
}

interface NamedTest {
  readonly path: string
  readonly title: string
}

interface HeldBy {
  readonly tests: readonly NamedTest[]
  /** Paths without a title behind them, and titles without a path before them. */
  readonly strays: readonly string[]
}

/** Reads `path` "title", "title"; `path` "title". */
function readHeldBy(cell: string): HeldBy {
  const tests: NamedTest[] = []
  const strays: string[] = []
  const part = /`(?<path>[^`]+)`((?:,? "[^"]+")+)(?:; |$)/y
  let end = 0
  for (let match = part.exec(cell); match !== null; match = part.exec(cell)) {
    end = part.lastIndex
    const [, path = '', titles = ''] = match
    for (const [, title = ''] of titles.matchAll(/"([^"]+)"/g)) tests.push({ path, title })
  }
  if (end !== cell.length || tests.length === 0) strays.push(cell.slice(end))
  return { tests, strays }
}

/** Titles of tests and suites in a file, with `…` for what differs from case to case. */
function titlesOf(path: string): ReadonlySet<string> {
  if (!existsSync(join(REPOSITORY_ROOT, path))) return new Set()
  const call = /\b(?:describe|it)\(\s*(['"`])((?:\\.|(?!\1)[^\\])*)\1/g
  const titles = [...readRepositoryFile(path).text.matchAll(call)].map(([, , title = '']) => title)
  return new Set(titles.map((title) => title.replace(/\$\{[^}]*\}/g, '…').replace(/\\(.)/g, '$1')))
}

/** As GitHub makes them of headings, for links to a part of a document. */
function anchorsOf(path: string): ReadonlySet<string> {
  const headings = readRepositoryFile(path).lines.filter((line) => /^#+ /.test(line))
  return new Set(
    headings.map((line) =>
      line
        .replace(/^#+ /, '')
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  )
}

describe('docs/threat-model.md', () => {
  const promises = rowsBelow('| promise |')
  const attackFiles = typescriptFiles(ATTACKS).map(({ path }) => path)

  it('has every promise held by tests that stand in the files that it names', () => {
    assert.ok(promises.length >= PROMISES_MIN, `only ${promises.length} promises found`)
    const wrong = promises.flatMap(([promise, , heldBy = '']) => {
      const { tests, strays } = readHeldBy(heldBy)
      const missing = tests.filter(({ path, title }) => !titlesOf(path).has(title))
      return [
        ...strays.map((stray) => `${promise}: no test and title in ${JSON.stringify(stray)}`),
        ...missing.map(({ path, title }) => `${promise}: ${path} has no ${JSON.stringify(title)}`),
      ]
    })
    assert.deepEqual(wrong, [])
  })

  it('names only tests that exist, in its text as well', () => {
    const paths = [...document.text.matchAll(/`((?:src|test|docs)\/[^`]+\.\w+)`/g)]
    assert.ok(paths.length >= PROMISES_MIN)
    const dead = paths
      .map(([, path = '']) => path)
      .filter((path) => !existsSync(join(REPOSITORY_ROOT, path)))
    assert.deepEqual(dead, [])
  })

  it('names every file of attacks, beside a test that sends them', () => {
    assert.ok(attackFiles.length >= ATTACK_FILES_MIN, `only ${attackFiles.length} files found`)
    const sent = new Set([`${ATTACKS}/attack.ts`])
    const notSent: string[] = []
    for (const [test = '', attacks = ''] of rowsBelow('| sent by |')) {
      const { text } = readRepositoryFile(test.replaceAll('`', ''))
      for (const [, path = ''] of attacks.matchAll(/`([^`]+)`/g)) {
        sent.add(path)
        if (!text.includes(`/attacks/${basename(path)}'`)) notSent.push(`${test}: ${path}`)
      }
    }
    assert.deepEqual(notSent, [])
    assert.deepEqual([...sent].sort(), attackFiles)
    const unnamed = attackFiles.filter((path) => !document.text.includes(`\`${path}\``))
    assert.deepEqual(unnamed, [])
  })

  it('links only to files and headings that exist', () => {
    const links = [...document.text.matchAll(/\]\((?![a-z]+:)([^)#\s]*)(?:#([^)\s]+))?\)/g)]
    assert.ok(links.length >= 5, `only ${links.length} links found`)
    const dead = links.filter(([, file = '', anchor]) => {
      const target = file === '' ? DOCUMENT : normalize(join(dirname(DOCUMENT), file))
      if (!existsSync(join(REPOSITORY_ROOT, target))) return true
      return anchor !== undefined && !anchorsOf(target).has(anchor)
    })
    assert.deepEqual(
      dead.map(([link]) => link),
      [],
    )
  })

  it('is found from the documents that speak of security', () => {
    const linking = projectFiles
      .filter(({ path, text }) => path.endsWith('.md') && text.includes('threat-model.md)'))
      .map(({ path }) => path)
    assert.ok(linking.includes('README.md') && linking.includes('docs/architecture.md'))
  })
})
